package localcluster

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// These benchmarks go the whole way: client, loopback TCP, SPU, disk and back.
// Client and servers share the process and its processors.

type benchCluster struct {
	*testing.B
	cl *client.Client
}

func newBench(b *testing.B, d api.Durability) (benchCluster, context.Context) {
	b.Helper()
	ctx := context.Background()
	c, err := Open(ctx, Options{DataDir: b.TempDir(), SPUs: 1, SCAddr: "127.0.0.1:0"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close(ctx) })
	cl, err := client.Dial(ctx, client.WithEndpoint(c.SCAddr()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { cl.Close() })
	err = cl.Admin().CreateTopic(ctx, "bench", api.TopicSpec{Replicas: api.Computed(1, 1), Compression: api.CompressionAny},
		client.CreateTopicOptions{Config: api.TopicConfig{Durability: d}})
	if err != nil {
		b.Fatal(err)
	}
	return benchCluster{b, cl}, ctx
}

func (b benchCluster) producer(ctx context.Context, opts ...client.ProducerOption) *client.Producer {
	p, err := b.cl.Producer(ctx, "bench", opts...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { p.Close(context.Background()) })
	return p
}

// latencies collects times between 1 µs and 60 s.
type latencies struct{ h *hdrhistogram.Histogram }

func newLatencies() latencies { return latencies{hdrhistogram.New(1000, 60e9, 3)} }

func (l latencies) report(b *testing.B) {
	for _, q := range []float64{50, 99, 99.9} {
		b.ReportMetric(float64(l.h.ValueAtQuantile(q))/1e3, fmt.Sprintf("p%v-µs", q))
	}
}

// One record of 1 KiB, sent and acknowledged, closed loop.
func BenchmarkProduceRoundTrip(b *testing.B) {
	for _, d := range []api.Durability{api.DurabilityNever, api.DurabilityInterval, api.DurabilityAlways} {
		b.Run(d.String(), func(b *testing.B) {
			bc, ctx := newBench(b, d)
			p := bc.producer(ctx)
			rec := client.Record{Value: make([]byte, 1024)}
			lat := newLatencies()
			b.ReportAllocs()
			for b.Loop() {
				start := time.Now()
				if _, err := p.Send(ctx, rec).Wait(ctx); err != nil {
					b.Fatal(err)
				}
				_ = lat.h.RecordValue(int64(time.Since(start)))
			}
			lat.report(b)
		})
	}
}

// From the call of Send to the record in the hands of a consumer that waits.
func BenchmarkEndToEnd(b *testing.B) {
	for _, d := range []api.Durability{api.DurabilityNever, api.DurabilityAlways} {
		b.Run(d.String(), func(b *testing.B) {
			bc, ctx := newBench(b, d)
			p := bc.producer(ctx)
			c, err := bc.cl.Consumer(ctx, "bench", client.From(client.Beginning()))
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			rec := client.Record{Value: make([]byte, 1024)}
			got := make(chan struct{})
			go func() {
				for _, err := range c.Records(ctx) {
					if err != nil {
						return // Close, when the benchmark is over
					}
					got <- struct{}{}
				}
			}()
			lat := newLatencies()
			for b.Loop() {
				start := time.Now()
				p.Send(ctx, rec)
				<-got
				_ = lat.h.RecordValue(int64(time.Since(start)))
			}
			lat.report(b)
		})
	}
}

// Records of 1 KiB as fast as they go.
func BenchmarkProduceThroughput(b *testing.B) {
	for _, d := range []api.Durability{api.DurabilityNever, api.DurabilityAlways} {
		for _, batch := range []int{16 << 10, 128 << 10} {
			b.Run(fmt.Sprintf("%s/batch=%dKiB", d, batch>>10), func(b *testing.B) {
				bc, ctx := newBench(b, d)
				p := bc.producer(ctx, client.BatchSize(batch))
				rec := client.Record{Value: make([]byte, 1024)}
				b.SetBytes(1024)
				b.ReportAllocs()
				var last client.Future
				for b.Loop() {
					last = p.Send(ctx, rec)
				}
				if _, err := last.Wait(ctx); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

// The same records read back, warm.
func BenchmarkConsumeThroughput(b *testing.B) {
	bc, ctx := newBench(b, api.DurabilityNever)
	p := bc.producer(ctx, client.BatchSize(128<<10))
	const records = 200_000
	rec := client.Record{Value: make([]byte, 1024)}
	for range records {
		p.Send(ctx, rec)
	}
	if err := p.Flush(ctx); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(records * 1024)
	b.ReportAllocs()
	for b.Loop() {
		c, err := bc.cl.Consumer(ctx, "bench", client.From(client.Beginning()), client.UntilCurrentEnd())
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for _, err := range c.Records(ctx) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != records {
			b.Fatalf("%d records, want %d", n, records)
		}
		c.Close()
	}
}
