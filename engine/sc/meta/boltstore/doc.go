// Package boltstore is a meta.Store in one bbolt file. Objects are few and
// small, so all of them are in memory too (memstore) and the file is read
// once, at Open; from then on it is only written: one transaction, one fsync
// per commit, however many objects the commit holds.
//
// docs/format/metadata.md describes the file. The package imports
// engine/sc/meta, engine/sc/meta/memstore and go.etcd.io/bbolt.
package boltstore
