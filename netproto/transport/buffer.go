package transport

import (
	"math/bits"
	"sync"
)

const (
	minBuffer = 1 << 10
	// roundBuffer is up to what size buffers are powers of two, so that any
	// of a class serves any other. Larger ones are made to measure: many
	// frames are just above a power of two.
	roundBuffer = 64 << 10
	page        = 8 << 10
	// maxClass bounds what is pooled: 8 MiB. Larger ones are left to the
	// collector.
	maxClass = 23
)

// buffer is memory for one frame, taken from a shared pool that the garbage
// collector empties. b is as long as was asked for.
type buffer struct {
	b []byte
}

// bufferPools[k] holds capacities above 1<<(k−1) up to 1<<k.
var bufferPools [maxClass + 1]sync.Pool

// class is the smallest k with n <= 1<<k.
func class(n int) int { return bits.Len(uint(max(n, minBuffer) - 1)) }

// getBuffer returns a buffer of length n with arbitrary content.
func getBuffer(n int) *buffer {
	k := class(n)
	if k > maxClass {
		return &buffer{b: make([]byte, n)}
	}
	if v := bufferPools[k].Get(); v != nil {
		if buf := v.(*buffer); cap(buf.b) >= n {
			buf.b = buf.b[:n]
			return buf
		}
		// Too small by a little; dropping it lets the larger ones prevail.
	}
	size := 1 << k
	if n > roundBuffer {
		size = (n + page - 1) &^ (page - 1)
	}
	return &buffer{b: make([]byte, n, size)}
}

// put returns the buffer to its pool. b may be nil.
func (b *buffer) put() {
	if b == nil {
		return
	}
	if k := class(cap(b.b)); k <= maxClass {
		bufferPools[k].Put(b)
	}
}

// enlarge returns b with the same content and a capacity of exactly n, which
// must be larger than it has.
func enlarge(b []byte, n int) []byte {
	out := make([]byte, len(b), n)
	copy(out, b)
	return out
}
