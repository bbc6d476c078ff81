// Package log is the commit log of one partition replica: record batches in
// segment files, found by offset, appended by one writer and read by many.
//
// What is durable when:
//
//   - Append returns: the batches are in the page cache. They survive the end
//     of the process, not a power loss.
//   - WaitDurable returns nil under Durability Always: the batches and the
//     names of the files that hold them survive a power loss.
//   - Under Interval at most FlushInterval or FlushBytes of the newest
//     records are lost, and always a suffix. Under Never anything since the
//     last Flush or Close may be lost.
//   - TruncateTo, TruncateAndStartAt, Remove and Close return: what they did
//     survives a power loss.
//
// The log is always opened through recovery, which trusts nothing but the
// batches themselves: index, checkpoints and epochs are derived and rebuilt
// when they disagree. The files are described in docs/format/log.md.
//
// No goroutine belongs to a Log. The owner calls FlushIfDue and Clean from
// loops that many logs share.
//
// The package knows batches, offsets and files; it knows no topic, socket or
// profile. It may import netproto/record, engine/log/vfs, golang.org/x/sys
// and the standard library.
package log
