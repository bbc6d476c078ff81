package produce

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/cmd/cmdtest"
	"github.com/fluvio-go/fluvio/internal/iostreams"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// fakeProducer keeps records in memory and acknowledges them from a goroutine
// of its own, at most queue behind.
type fakeProducer struct {
	failAt int // index of the record that fails; -1 for none
	err    error

	mu      sync.Mutex
	records []client.Record
	work    chan func()
	pending sync.WaitGroup
	arrived chan struct{} // gets a value for each record
}

var errRefused = &client.Error{
	Code: api.ErrorCode{ID: api.PartitionFull}, Topic: "t", Partition: 0,
}

func newFakeProducer(t *testing.T) *fakeProducer {
	p := &fakeProducer{failAt: -1, err: errRefused, work: make(chan func(), 8), arrived: make(chan struct{}, 1<<20)}
	var tasks sync.WaitGroup
	quit := make(chan struct{})
	tasks.Go(func() {
		for {
			select {
			case f := <-p.work:
				f()
			case <-quit:
				return
			}
		}
	})
	t.Cleanup(func() { close(quit); tasks.Wait() })
	return p
}

func (p *fakeProducer) SendFunc(ctx context.Context, rec client.Record, done func(client.RecordMeta, error)) {
	rec.Key, rec.Value = bytes.Clone(rec.Key), bytes.Clone(rec.Value)
	p.mu.Lock()
	i := len(p.records)
	p.records = append(p.records, rec)
	p.mu.Unlock()
	p.pending.Add(1)
	p.arrived <- struct{}{}
	outcome := func() {
		defer p.pending.Done()
		if i == p.failAt {
			done(client.RecordMeta{Offset: -1}, p.err)
			return
		}
		done(client.RecordMeta{Offset: int64(i)}, nil)
	}
	select {
	case p.work <- outcome:
	case <-ctx.Done():
		p.pending.Done()
		done(client.RecordMeta{Offset: -1}, ctx.Err())
	}
}

func (p *fakeProducer) Flush(ctx context.Context) error {
	settled := make(chan struct{})
	go func() { p.pending.Wait(); close(settled) }()
	select {
	case <-settled:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *fakeProducer) values() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]string, len(p.records))
	for i, r := range p.records {
		out[i] = string(r.Value)
	}
	return out
}

// fakeCluster hands out one producer.
type fakeCluster struct {
	p      producer
	topics []api.Topic
	err    error // of Producer
	opts   int   // number of producer options
}

func (c *fakeCluster) Topics(context.Context, client.ListOptions) ([]api.Topic, error) {
	return c.topics, nil
}

func (c *fakeCluster) Producer(_ context.Context, _ string, opts ...client.ProducerOption) (producer, error) {
	c.opts = len(opts)
	return c.p, c.err
}

func (*fakeCluster) Close() {}

// result is what a run of the command leaves behind.
type result struct {
	err         error
	out, stderr string
}

// runCmd runs the command on an input.
func runCmd(ctx context.Context, c *fakeCluster, streams *iostreams.Test, args ...string) result {
	f := cmdtest.Factory(streams)
	cmd := newCmd(f, func(context.Context) (cluster, error) {
		if c == nil {
			return nil, errors.New("connected")
		}
		return c, nil
	}, nil)
	err := cmdtest.Run(ctx, cmd, append([]string{"produce"}, args...)...)
	return result{err, streams.Out.String(), streams.Err.String()}
}

func input(s string) *iostreams.Test { return &iostreams.Test{In: bytes.NewBufferString(s)} }

func join(values []string) string { return strings.Join(values, "|") }
