package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"

	"github.com/fluvio-go/fluvio/netproto/record"
)

// Consumer reads partitions of one topic. One goroutine at a time may loop
// over it; leaving a loop and starting another goes on with the next record.
type Consumer struct {
	cl      *Client
	topic   string
	cfg     *consumerConfig
	streams []*stream
	out     chan message // holds all that the streams may have under way

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	loop sync.Mutex // held by the loop; guards what follows
	cur  *fetch     // being read
	last Batch
	rs   record.Records // position in last
	open bool           // rs has records left
	live int            // streams that have not ended
	err  error          // final
	dec  record.Decompressor
	rec  Record
}

// message is what a stream hands to the loop: a fetch, or its end with or
// without an error.
type message struct {
	fetch *fetch
	err   error
}

var errTwoLoops = errors.New("consumer is already being read")

// Consumer returns a consumer for topic. When it returns, the start is settled
// in every partition whose leader could be reached: records produced from then
// on are behind End. The error matches ErrTopicNotFound, ErrPartitionNotFound
// or ErrConfig.
func (c *Client) Consumer(ctx context.Context, topic string, opts ...ConsumerOption) (*Consumer, error) {
	cfg, err := newConsumerConfig(opts)
	if err != nil {
		return nil, err
	}
	v, err := c.topic(ctx, topic)
	if err != nil {
		return nil, err
	}
	ids, err := pickPartitions(topic, cfg.partitions, v.count)
	if err != nil {
		return nil, err
	}
	co := &Consumer{
		cl: c, topic: topic, cfg: cfg, live: len(ids),
		out: make(chan message, len(ids)*(maxOutstanding+1)),
	}
	co.ctx, co.cancel = context.WithCancel(context.Background())
	if err := c.adopt(co); err != nil {
		co.cancel()
		return nil, err
	}
	for _, id := range ids {
		s := newStream(co, id, cfg.fetchBytes(len(ids)))
		co.streams = append(co.streams, s)
		co.tasks.Go(s.run)
	}
	if cfg.group != nil && cfg.group.auto > 0 {
		co.tasks.Go(co.autoCommit)
	}
	if err := co.settled(ctx); err != nil {
		co.abort()
		return nil, err
	}
	return co, nil
}

// pickPartitions checks the wish, or returns all partitions.
func pickPartitions(topic string, wish []uint32, count uint32) ([]uint32, error) {
	if wish == nil {
		for id := range count {
			wish = append(wish, id)
		}
		return wish, nil
	}
	seen := make(map[uint32]bool)
	for _, id := range wish {
		if id >= count {
			return nil, partitionNotFound(topic, id)
		}
		if seen[id] {
			return nil, fmt.Errorf("%w: partition %d is named twice", ErrConfig, id)
		}
		seen[id] = true
	}
	return wish, nil
}

// settled waits until every stream knows its start or has failed to find out
// once.
func (c *Consumer) settled(ctx context.Context) error {
	for _, s := range c.streams {
		select {
		case <-s.ready:
			if s.early != nil {
				return s.early
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-c.ctx.Done():
			return ErrClosed
		}
	}
	return nil
}

// Topic is the name of the topic.
func (c *Consumer) Topic() string { return c.topic }

// Records loops over records. The record and its bytes are valid until the
// next turn; Clone keeps them. The loop ends without an error when
// UntilCurrentEnd is reached in every partition. Otherwise it ends with one
// pair that has a nil record and the error: ctx's, ErrClosed, or a failure
// that the reconnect policy did not overcome.
func (c *Consumer) Records(ctx context.Context) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		if !c.loop.TryLock() {
			yield(nil, errTwoLoops)
			return
		}
		defer c.loop.Unlock()
		for {
			err := c.nextRecord(ctx)
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			more := yield(&c.rec, nil)
			c.cur.s.consumed(c.rec.Offset)
			if !more {
				return
			}
		}
	}
}

// Batches loops over whole batches as they were stored, still compressed. A
// batch is valid until the next turn. What a loop over Records left of its last
// batch is passed over. Otherwise it is like Records.
func (c *Consumer) Batches(ctx context.Context) iter.Seq2[*Batch, error] {
	return func(yield func(*Batch, error) bool) {
		if !c.loop.TryLock() {
			yield(nil, errTwoLoops)
			return
		}
		defer c.loop.Unlock()
		for {
			err := c.nextBatch(ctx)
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			more := yield(&c.last, nil)
			c.cur.s.consumed(c.last.raw.NextOffset() - 1)
			if !more {
				return
			}
		}
	}
}

// nextRecord moves c.rec to the next record.
func (c *Consumer) nextRecord(ctx context.Context) error {
	for {
		if c.open {
			for c.rs.Next() {
				if r := c.rs.Record(); r.Offset >= c.last.from {
					c.last.fill(&c.rec, r)
					return nil
				}
			}
			c.open = false
			if err := c.rs.Err(); err != nil {
				return c.corrupt(err)
			}
		}
		if err := c.nextBatch(ctx); err != nil {
			return err
		}
		var err error
		if c.rs, err = c.last.raw.Records(&c.dec); err != nil {
			return c.corrupt(err)
		}
		c.open = true
	}
}

// corrupt makes damage in the batch at hand final.
func (c *Consumer) corrupt(err error) error {
	c.err = partitionError(c.topic, c.last.Partition, fmt.Errorf("batch at offset %d: %w", c.last.raw.BaseOffset(), err))
	return c.err
}

// nextBatch moves c.last to the next batch. io.EOF means that all streams have
// ended.
func (c *Consumer) nextBatch(ctx context.Context) error {
	c.open = false
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if c.cur != nil {
			if c.cur.next(&c.last) {
				return c.check()
			}
			c.cur.s.release(c.cur)
			c.cur = nil
		}
		switch {
		case c.err != nil:
			return c.err
		case c.live == 0:
			return io.EOF
		}
		select {
		case m := <-c.out:
			if c.take(m); c.err != nil {
				return c.err
			}
		case <-ctx.Done():
		case <-c.ctx.Done():
			c.err = ErrClosed
		}
	}
}

func (c *Consumer) take(m message) {
	switch {
	case m.fetch != nil:
		c.cur = m.fetch
	case m.err != nil:
		c.err = m.err
	default:
		c.live--
	}
}

// check compares the checksum of c.last.
func (c *Consumer) check() error {
	if c.cfg.skipCRC {
		return nil
	}
	b := c.last.raw
	if got, want := b.ComputeCRC(), b.CRC(); got != want {
		return c.corrupt(fmt.Errorf("%w: CRC-32C is %08x, header says %08x", record.ErrCorrupt, got, want))
	}
	return nil
}

// Close stores what the Group option still has to store, ends the streams and
// returns when the consumer's goroutines are gone. The error is about storing.
// It is idempotent.
func (c *Consumer) Close() error {
	err := c.lastCommit()
	c.abort()
	return err
}

// abort ends the consumer at once.
func (c *Consumer) abort() {
	c.cancel()
	c.tasks.Wait()
	c.cl.release(c)
}
