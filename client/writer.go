package client

import (
	"context"
	"sync"
	"time"

	"github.com/fluvio-go/fluvio/netproto/record"
)

const (
	// queueWait is how long a record waits for room in the queue.
	queueWait = 30 * time.Second
	// maxRequestBytes bounds the batches of one request, unless the first one
	// is larger by itself. A request of this size keeps a server busy for
	// longer than the way there takes, so more would only cost memory.
	maxRequestBytes = 1 << 20
	// maxRecordBytes is the largest MaxRequestSize. Beyond it no frame could
	// hold a request; what is still too much for a topic its SPU says.
	maxRecordBytes = 60 << 20
)

// writer is the queue of one partition and the goroutine that empties it.
type writer struct {
	p  *Producer
	id uint32

	wake chan struct{} // capacity 1: the queue has something new
	term *term         // the goroutine's use of the leader, nil before the first

	mu    sync.Mutex
	queue []*batch      // oldest first; only the last may take more records
	sent  []*batch      // in the request under way
	force int           // how many batches at the front must not linger
	space chan struct{} // closed and replaced when the queue shrinks
	ended bool          // nobody empties the queue any more
}

// batchMemory is what a batch needs until it has its outcome.
type batchMemory struct {
	builder record.Builder
	encoded []byte
}

// keepBytes is the size of a batch up to which its memory is reused.
const keepBytes = 256 << 10

var batchMemories = sync.Pool{New: func() any { return new(batchMemory) }}

func newWriter(p *Producer, id uint32) *writer {
	return &writer{p: p, id: id, wake: make(chan struct{}, 1), space: make(chan struct{})}
}

// add queues one record.
func (w *writer) add(ctx context.Context, rec Record, done func(RecordMeta, error)) (Future, error) {
	if err := w.checkSize(&rec); err != nil {
		return Future{}, err
	}
	w.mu.Lock()
	for len(w.queue) >= w.p.cfg.queue && !w.ended {
		space := w.space
		w.mu.Unlock()
		if err := w.waitSpace(ctx, space); err != nil {
			return Future{}, err
		}
		w.mu.Lock()
	}
	if w.ended {
		w.mu.Unlock()
		return Future{}, ErrClosed
	}
	f, notify := w.push(&rec, done)
	w.mu.Unlock()
	if notify {
		w.signal()
	}
	return f, nil
}

// checkSize refuses a record that no batch may hold.
func (w *writer) checkSize(rec *Record) error {
	size := record.EmptySize + record.EncodedRecordSize(len(rec.Key), rec.Key != nil, len(rec.Value), 0, 0)
	if size > w.p.cfg.maxRequest {
		return &RecordTooLargeError{Size: size, Max: w.p.cfg.maxRequest}
	}
	return nil
}

func (w *writer) waitSpace(ctx context.Context, space <-chan struct{}) error {
	t := time.NewTimer(queueWait)
	defer t.Stop()
	select {
	case <-space:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-w.p.ctx.Done():
		return ErrClosed
	case <-t.C:
		return partitionError(w.p.topic, w.id, ErrQueueTimeout)
	}
}

// push appends to the open batch or to a new one, and reports whether the
// goroutine has to look. w.mu is held.
func (w *writer) push(rec *Record, done func(RecordMeta, error)) (_ Future, notify bool) {
	now := time.Now()
	hasKey := rec.Key != nil
	var b *batch
	if n := len(w.queue); n > 0 && !w.queue[n-1].full {
		b = w.queue[n-1]
		size := b.builder.RecordSize(len(rec.Key), hasKey, len(rec.Value), now.UnixMilli())
		if !b.builder.Fits(size, w.p.cfg.batchSize) {
			b.full = true
			b = nil
		}
	}
	if b == nil {
		b = w.open(now)
		w.queue = append(w.queue, b)
		notify = true
	}
	i := int64(b.builder.Add(rec.Key, hasKey, rec.Value, now.UnixMilli()))
	if done != nil {
		b.callbacks = append(b.callbacks, callback{i, done})
	}
	if b.builder.Size() >= w.p.cfg.batchSize {
		b.full = true
		notify = true
	}
	return Future{b: b.batchResult, index: i}, notify
}

func (w *writer) open(now time.Time) *batch {
	return &batch{
		created: now, batchMemory: batchMemories.Get().(*batchMemory),
		batchResult: &batchResult{partition: w.id, done: make(chan struct{})},
	}
}

func (w *writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// flush makes everything that is queued ready, and returns the outcomes to
// wait for, the request under way included.
func (w *writer) flush() []*batchResult {
	w.mu.Lock()
	w.force = len(w.queue)
	if w.force > 0 {
		w.queue[w.force-1].full = true // later records must not delay it
	}
	waits := make([]*batchResult, 0, len(w.sent)+len(w.queue))
	for _, b := range w.sent {
		waits = append(waits, b.batchResult)
	}
	for _, b := range w.queue {
		waits = append(waits, b.batchResult)
	}
	w.mu.Unlock()
	w.signal()
	return waits
}

// take removes the batches that are ready, or says how long until one is; 0
// means until something new comes. They stay in sent until settle.
func (w *writer) take() (ready []*batch, wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, bytes := 0, 0
	for n < len(w.queue) {
		b := w.queue[n]
		if !b.full && n >= w.force {
			if left := w.p.cfg.linger - time.Since(b.created); left > 0 {
				wait = left
				break
			}
		}
		if bytes += b.builder.Size(); n > 0 && bytes > maxRequestBytes {
			break
		}
		b.full = true
		n++
	}
	if n == 0 {
		return nil, wait
	}
	w.force = max(0, w.force-n)
	w.sent = append(w.sent[:0], w.queue[:n]...)
	w.queue = append(w.queue[:0], w.queue[n:]...)
	clear(w.queue[len(w.queue) : len(w.queue)+n])
	close(w.space)
	w.space = make(chan struct{})
	return w.sent, 0
}

// idle reports what take would wait for, without removing anything.
func (w *writer) idle() (empty bool, wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) == 0 {
		return true, 0
	}
	if b := w.queue[0]; !b.full && w.force == 0 {
		return false, max(0, w.p.cfg.linger-time.Since(b.created))
	}
	return false, 0
}

// settle ends the request under way and keeps the memory of its batches.
func (w *writer) settle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range w.sent {
		if b.size <= keepBytes {
			b.builder.Reset()
			b.encoded = b.encoded[:0]
			batchMemories.Put(b.batchMemory)
		}
		b.batchMemory = nil
	}
	clear(w.sent)
	w.sent = w.sent[:0]
}

// end fails everything that is left and refuses what is to come.
func (w *writer) end() {
	w.mu.Lock()
	w.ended = true
	left := w.queue
	w.queue = nil
	close(w.space)
	w.space = make(chan struct{})
	w.mu.Unlock()
	for _, b := range left {
		b.records = b.builder.Len()
		b.size = b.builder.Size()
		b.resolve(w.p, -1, ErrClosed)
	}
}
