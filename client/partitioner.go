package client

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"
)

// Partitioner chooses the partition of a record. It is used by many
// goroutines at once.
type Partitioner interface {
	// Partition returns a number below t.Count. key is nil for a record
	// without one.
	Partition(key []byte, t TopicPartitions) uint32
}

// TopicPartitions is what a Partitioner may choose from.
type TopicPartitions struct {
	Count  uint32   // at least 1
	Online []uint32 // partitions that can take records now, ascending; read only
}

// SipHash returns the partitioner of official clients. Keyed records go to
// SipHash-2-4 of the key modulo the number of partitions; the others go round
// the online partitions, beginning with the first.
func SipHash() Partitioner { return new(sipPartitioner) }

type sipPartitioner struct {
	next atomic.Uint32 // wraps
}

func (s *sipPartitioner) Partition(key []byte, t TopicPartitions) uint32 {
	if key != nil {
		return uint32(hashKey(key) % uint64(t.Count))
	}
	n := s.next.Add(1) - 1
	if len(t.Online) > 0 {
		return t.Online[n%uint32(len(t.Online))]
	}
	return n % t.Count
}

// fixedPartitioner sends everything to one partition.
type fixedPartitioner uint32

func (f fixedPartitioner) Partition([]byte, TopicPartitions) uint32 { return uint32(f) }

// hashKey is SipHash-2-4 with a zero key over the key's length, as eight bytes
// little-endian, and its bytes: what Rust's Hash does with a byte slice.
func hashKey(key []byte) uint64 {
	h := sip{
		v0: 0x736f6d6570736575, v1: 0x646f72616e646f6d,
		v2: 0x6c7967656e657261, v3: 0x7465646279746573,
	}
	h.block(uint64(len(key)))
	rest := key
	for ; len(rest) >= 8; rest = rest[8:] {
		h.block(binary.LittleEndian.Uint64(rest))
	}
	last := uint64(len(key)+8) << 56
	for i, b := range rest {
		last |= uint64(b) << (8 * i)
	}
	h.block(last)
	h.v2 ^= 0xff
	for range 4 {
		h.round()
	}
	return h.v0 ^ h.v1 ^ h.v2 ^ h.v3
}

type sip struct{ v0, v1, v2, v3 uint64 }

func (h *sip) block(m uint64) {
	h.v3 ^= m
	h.round()
	h.round()
	h.v0 ^= m
}

func (h *sip) round() {
	h.v0 += h.v1
	h.v1 = bits.RotateLeft64(h.v1, 13) ^ h.v0
	h.v0 = bits.RotateLeft64(h.v0, 32)
	h.v2 += h.v3
	h.v3 = bits.RotateLeft64(h.v3, 16) ^ h.v2
	h.v0 += h.v3
	h.v3 = bits.RotateLeft64(h.v3, 21) ^ h.v0
	h.v2 += h.v1
	h.v1 = bits.RotateLeft64(h.v1, 17) ^ h.v2
	h.v2 = bits.RotateLeft64(h.v2, 32)
}
