// Package record is the Fluvio record batch: the 57-byte header that servers
// patch and verify, the records section that they treat as opaque bytes, and
// the compression codecs that only producers, consumers and SmartModules
// need.
//
// The layout is fixed by official clients and by files on disk; it is drawn
// in batch.go and must not move. The package imports netproto/codec and
// compression libraries; it knows no file and no socket.
package record
