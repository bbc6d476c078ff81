package transport

import "sync"

// Buffers grow by steps of four, so a frame is copied at most once per step
// while it arrives and never claims more than four times what came.
const (
	minClass   = 10 // 1 KiB
	classStep  = 2  // ×4
	numClasses = 7  // up to 4 MiB; larger ones are left to the collector
)

// Buffer is memory for one frame, taken from a shared pool.
type buffer struct {
	b     []byte
	class int // −1: not pooled
}

var bufferPools [numClasses]sync.Pool

func classSize(i int) int { return 1 << (minClass + i*classStep) }

// getBuffer returns a buffer with room for n bytes and length n.
func getBuffer(n int) *buffer {
	for i := range numClasses {
		if n > classSize(i) {
			continue
		}
		if v := bufferPools[i].Get(); v != nil {
			buf := v.(*buffer)
			buf.b = buf.b[:n]
			return buf
		}
		return &buffer{b: make([]byte, n, classSize(i)), class: i}
	}
	return &buffer{b: make([]byte, n), class: -1}
}

// put returns the buffer to its pool. b may be nil.
func (b *buffer) put() {
	if b != nil && b.class >= 0 {
		bufferPools[b.class].Put(b)
	}
}
