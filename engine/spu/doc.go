// Package spu is a streaming processing unit: the node that keeps replicas of
// partitions and serves the SPU's public API to producers and consumers.
//
// An SPU decides nothing about the cluster. It dials the streaming controller
// (SC), is told which replicas it hosts and leads, obeys, and reports. While
// the SC is away it goes on serving what it was last told.
//
// Requests of one connection are read by one goroutine, which also appends,
// so that produce requests keep their order. What has to wait (for the disk,
// for a commit, for new records) waits elsewhere, and answers leave in any
// order by correlation id. A stream is a goroutine with a streamState; a
// produce request that waits is a ticket in the queue of a partition.
//
// Replication is pulled. A fetcher per leader follows all partitions led there
// over one connection; a session on the leader's side answers it with records
// and high watermarks. progress is the leader's calculus of who has what,
// isrKeeper takes its proposals to the SC, and lease says how long an SPU may
// lead without hearing from the SC. docs/replication.md has the rules.
//
// Lock order, outermost first: lease.turn, table.applyMu, followers.mu and
// fetcher.mu, partition.role, then waitList.mu before session.mu, or one of the
// others, which are all leaves. No lock is held while a frame is written or a
// log is read, appended to or synced, except partition.role for reading during
// an append, and for writing when a leader cuts what it must not keep.
//
// The package may import engine/log, netproto and the standard library. It
// must not import engine/sc or client: it talks to them over the wire.
package spu
