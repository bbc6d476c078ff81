// Package memstore is a meta.Store in memory. Alone it serves tests; with a
// Persist function it is the in-memory half of a store on disk, which
// boltstore makes of it. It imports engine/sc/meta only.
package memstore
