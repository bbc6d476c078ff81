// Package meta is the durable state of a cluster as the streaming controller
// sees it: topics, partitions and SPUs, and the Store interface they live
// behind.
//
// Two stores of this module implement it: boltstore, one file on disk, and
// memstore, memory alone. A store on Kubernetes keeps the same objects as
// custom resources. metatest is the suite that every store must pass.
//
// Soft state (offsets, sizes, who is online) is not here: it changes all the
// time and is worth nothing after a restart. The package decides nothing
// about the objects; engine/sc does. It imports netproto/api and
// netproto/codec.
package meta
