package client

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/client/internal/fakecluster"
	"github.com/fluvio-go/fluvio/netproto/api"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limit ends a test that hangs; nothing is asserted about time.
const limit = 30 * time.Second

// env is a fake cluster and a client of it.
type env struct {
	t   testing.TB
	ctx context.Context
	fc  *fakecluster.Cluster
	cl  *Client
}

func start(t testing.TB, spus int, opts ...Option) *env {
	t.Helper()
	fc := fakecluster.New(spus)
	t.Cleanup(fc.Close)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	cl, err := Dial(ctx, append([]Option{WithEndpoint(fakecluster.SCAddr), WithDialer(fc.Dial)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cl.Close() })
	return &env{t, ctx, fc, cl}
}

func (e *env) topic(name string, partitions uint32) {
	e.fc.CreateTopic(name, partitions, api.CompressionAny)
}

func (e *env) producer(topic string, opts ...ProducerOption) *Producer {
	e.t.Helper()
	p, err := e.cl.Producer(e.ctx, topic, opts...)
	if err != nil {
		e.t.Fatal(err)
	}
	return p
}

func (e *env) consumer(topic string, opts ...ConsumerOption) *Consumer {
	e.t.Helper()
	c, err := e.cl.Consumer(e.ctx, topic, opts...)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { c.Close() })
	return c
}

// take reads n records and returns their values.
func (e *env) take(c *Consumer, n int) []string {
	e.t.Helper()
	var out []string
	if n == 0 {
		return out
	}
	for rec, err := range c.Records(e.ctx) {
		if err != nil {
			e.t.Fatalf("after %d records: %v", len(out), err)
		}
		out = append(out, string(rec.Value))
		if len(out) == n {
			break
		}
	}
	return out
}

func numbers(from, to int) []string {
	var out []string
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprint(i))
	}
	return out
}

func value(s string) Record { return Record{Value: []byte(s)} }
