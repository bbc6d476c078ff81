package consume

import (
	"context"
	"iter"
	"sync"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/cmd/cmdtest"
	"github.com/fluvio-go/fluvio/internal/iostreams"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// fakeStream delivers records, then waits for the context if follow is set,
// then ends with err.
type fakeStream struct {
	records []client.Record
	follow  bool
	err     error
	more    chan client.Record // delivered while following

	closeErr error
	closed   sync.Once
	ended    chan struct{}
}

func newFakeStream(values ...string) *fakeStream {
	s := &fakeStream{more: make(chan client.Record), ended: make(chan struct{})}
	for i, v := range values {
		s.records = append(s.records, client.Record{Value: []byte(v), Offset: int64(i), Timestamp: -1})
	}
	return s
}

func (s *fakeStream) Records(ctx context.Context) iter.Seq2[*client.Record, error] {
	return func(yield func(*client.Record, error) bool) {
		for i := range s.records {
			if ctx.Err() != nil {
				yield(nil, ctx.Err())
				return
			}
			if !yield(&s.records[i], nil) {
				return
			}
		}
		for s.follow {
			select {
			case r := <-s.more:
				if !yield(&r, nil) {
					return
				}
			case <-ctx.Done():
				yield(nil, ctx.Err())
				return
			}
		}
		if s.err != nil {
			yield(nil, s.err)
		}
	}
}

func (s *fakeStream) Close() error {
	s.closed.Do(func() { close(s.ended) })
	return s.closeErr
}

type fakeCluster struct {
	s       *fakeStream
	err     error // of Consumer
	topics  []api.Topic
	formats []api.TableFormat
	opts    int
}

func (c *fakeCluster) Topics(context.Context, client.ListOptions) ([]api.Topic, error) {
	return c.topics, nil
}

func (c *fakeCluster) TableFormats(context.Context) ([]api.TableFormat, error) { return c.formats, nil }

func (c *fakeCluster) Consumer(_ context.Context, _ string, opts ...client.ConsumerOption) (stream, error) {
	c.opts = len(opts)
	if c.err != nil {
		return nil, c.err
	}
	return c.s, nil
}

func (*fakeCluster) Close() {}

type result struct {
	err         error
	out, stderr string
}

func runCmd(ctx context.Context, c *fakeCluster, streams *iostreams.Test, args ...string) result {
	f := cmdtest.Factory(streams)
	cmd := newCmd(f, func(context.Context) (cluster, error) { return c, nil }, nil)
	err := cmdtest.Run(ctx, cmd, append([]string{"consume"}, args...)...)
	return result{err, streams.Out.String(), streams.Err.String()}
}
