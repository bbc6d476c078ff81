package client

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/fluvio-go/fluvio/client/internal/fakecluster"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/record"
)

// BenchmarkSend queues records and lets the writer send them to the fake
// cluster, whose own work is part of the time.
func BenchmarkSend(b *testing.B) {
	for _, size := range []int{100, 1000} {
		for _, codec := range []record.Codec{record.None, record.Lz4} {
			b.Run(fmt.Sprintf("%d/%s", size, codec), func(b *testing.B) {
				e := start(b, 1)
				e.topic("t", 1)
				e.fc.SetHooks(discard())
				p := e.producer("t", Compress(codec))
				rec := Record{Value: bytes.Repeat([]byte("fluvio"), size/6+1)[:size]}
				b.SetBytes(int64(size))
				b.ReportAllocs()
				b.ResetTimer()
				for b.Loop() {
					p.Send(e.ctx, rec)
				}
				if err := p.Flush(e.ctx); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}

// discard makes the fake accept records without keeping them.
func discard() fakecluster.Hooks {
	return fakecluster.Hooks{Produce: func(int32, *api.ProduceRequest) fakecluster.Fault {
		return fakecluster.Fault{Discard: true}
	}}
}

// BenchmarkRecords walks a log of 100-byte records; an operation is one
// record.
func BenchmarkRecords(b *testing.B) {
	for _, codec := range []record.Codec{record.None, record.Lz4} {
		b.Run(codec.String(), func(b *testing.B) {
			e := start(b, 1)
			e.topic("t", 1)
			values := make([]string, 150)
			for i := range values {
				values[i] = fmt.Sprintf("%0100d", i)
			}
			for range 1000 {
				e.fc.Append("t", 0, codec, values...)
			}
			b.SetBytes(100)
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; {
				c := e.consumer("t", From(Beginning()), UntilCurrentEnd())
				for _, err := range c.Records(e.ctx) {
					if err != nil {
						b.Fatal(err)
					}
					if n++; n == b.N {
						break
					}
				}
				c.Close()
			}
		})
	}
}
