package client

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fluvio-go/fluvio/netproto/record"
)

// Producer appends records to one topic. It is safe for concurrent use;
// records sent by one goroutine to one partition keep their order.
type Producer struct {
	cl    *Client
	topic string
	cfg   *producerConfig
	codec record.Codec

	view atomic.Pointer[seenView]

	ctx    context.Context // ends with Close or abort
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	mu      sync.RWMutex
	closed  bool
	writers map[uint32]*writer
}

// seenView is the metadata the partitioner works with and how old it is.
type seenView struct {
	gen  uint64
	view *topicView
}

// Producer returns a producer for topic. The error matches ErrTopicNotFound or
// ErrConfig, the latter also for a codec that the topic does not allow.
func (c *Client) Producer(ctx context.Context, topic string, opts ...ProducerOption) (*Producer, error) {
	cfg, err := newProducerConfig(opts)
	if err != nil {
		return nil, err
	}
	v, err := c.topic(ctx, topic)
	if err != nil {
		return nil, err
	}
	codec, err := cfg.pickCodec(v.compression)
	if err != nil {
		return nil, err
	}
	if cfg.fixed != nil && *cfg.fixed >= v.count {
		return nil, partitionNotFound(topic, *cfg.fixed)
	}
	p := &Producer{cl: c, topic: topic, cfg: cfg, codec: codec, writers: make(map[uint32]*writer)}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.view.Store(&seenView{view: v})
	if err := c.adopt(p); err != nil {
		p.cancel()
		return nil, err
	}
	return p, nil
}

// Topic is the name of the topic.
func (p *Producer) Topic() string { return p.topic }

// Send queues a record, copying its bytes. It blocks only while the queue of
// the record's partition is full, at most 30 s and as long as ctx allows. What
// becomes of the record, including a failure to queue it, is in the Future.
func (p *Producer) Send(ctx context.Context, rec Record) Future {
	f, err := p.enqueue(ctx, rec, nil)
	if err != nil {
		return Future{err: err}
	}
	return f
}

// SendFunc is Send with a callback. done is called once: by the goroutine of
// the partition, in order of the records, or at once by the caller's if the
// record could not be queued. It must not block.
func (p *Producer) SendFunc(ctx context.Context, rec Record, done func(RecordMeta, error)) {
	if _, err := p.enqueue(ctx, rec, done); err != nil {
		done(RecordMeta{Offset: -1}, err)
	}
}

// SendSync sends records without lingering and waits for all of them. The
// error is the first failure; the metas of the other records are valid.
func (p *Producer) SendSync(ctx context.Context, recs ...Record) ([]RecordMeta, error) {
	futures := make([]Future, len(recs))
	for i, rec := range recs {
		futures[i] = p.Send(ctx, rec)
	}
	for _, w := range p.snapshot() {
		w.flush()
	}
	metas := make([]RecordMeta, len(recs))
	var first error
	for i, f := range futures {
		var err error
		if metas[i], err = f.Wait(ctx); err != nil && first == nil {
			first = err
		}
	}
	return metas, first
}

// Flush sends everything that was queued before the call, without lingering,
// and waits for the outcome. The error is the first failure among those
// records, or ctx's.
func (p *Producer) Flush(ctx context.Context) error {
	var waits []*batchResult
	for _, w := range p.snapshot() {
		waits = append(waits, w.flush()...)
	}
	var first error
	for _, r := range waits {
		select {
		case <-r.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if first == nil {
			first = r.err
		}
	}
	return first
}

// Close flushes, as far as ctx allows, and ends the producer. Records that
// are still without an outcome then fail with ErrClosed. It returns when the
// producer's goroutines are gone, with Flush's error, and is idempotent.
func (p *Producer) Close(ctx context.Context) error {
	p.mu.Lock()
	first := !p.closed
	p.closed = true
	p.mu.Unlock()
	var err error
	if first {
		err = p.Flush(ctx)
	}
	p.abort()
	return err
}

// abort ends the producer at once.
func (p *Producer) abort() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	p.tasks.Wait()
	p.cl.release(p)
}

func (p *Producer) snapshot() []*writer {
	p.mu.RLock()
	defer p.mu.RUnlock()
	out := make([]*writer, 0, len(p.writers))
	for _, w := range p.writers {
		out = append(out, w)
	}
	return out
}

func (p *Producer) enqueue(ctx context.Context, rec Record, done func(RecordMeta, error)) (Future, error) {
	v := p.current()
	id := p.cfg.partitioner.Partition(rec.Key, TopicPartitions{Count: v.count, Online: v.online})
	if id >= v.count {
		return Future{}, partitionNotFound(p.topic, id)
	}
	w, err := p.writer(id)
	if err != nil {
		return Future{}, err
	}
	return w.add(ctx, rec, done)
}

// current is the newest known view. While the topic is unknown the last one
// serves; the partition's writer finds out what became of the topic.
func (p *Producer) current() *topicView {
	seen := p.view.Load()
	gen := p.cl.meta.gen.Load()
	if seen.gen == gen {
		return seen.view
	}
	v := p.cl.meta.topic(p.topic)
	if v == nil || v.count == 0 {
		v = seen.view
	}
	p.view.Store(&seenView{gen: gen, view: v})
	return v
}

// writer returns the writer of a partition, starting it if need be.
func (p *Producer) writer(id uint32) (*writer, error) {
	p.mu.RLock()
	w, closed := p.writers[id], p.closed
	p.mu.RUnlock()
	if closed {
		return nil, ErrClosed
	}
	if w != nil {
		return w, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, ErrClosed
	}
	if w = p.writers[id]; w == nil {
		w = newWriter(p, id)
		p.writers[id] = w
		p.tasks.Go(w.run)
	}
	return w, nil
}

// batch is records on their way.
type batch struct {
	*batchResult
	*batchMemory
	created   time.Time
	full      bool
	callbacks []callback
	records   int
	size      int // before compression
	sent      int // how often it went to an SPU
}

type callback struct {
	index int64
	f     func(RecordMeta, error)
}

// resolve publishes the outcome. It is called once.
func (b *batch) resolve(p *Producer, base int64, err error) {
	b.base, b.err = base, err
	close(b.done)
	for _, c := range b.callbacks {
		c.f(b.meta(c.index), err)
	}
	if p.cfg.onBatch != nil {
		p.cfg.onBatch(BatchEvent{
			Partition: b.partition, Records: b.records, Bytes: b.size,
			Created: b.created, Elapsed: time.Since(b.created), Again: b.sent > 1, Err: err,
		})
	}
}
