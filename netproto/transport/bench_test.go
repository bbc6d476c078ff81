package transport_test

import (
	"testing"

	"github.com/fluvio-go/fluvio/netproto/transport"
)

func BenchmarkRoundTrip(b *testing.B) {
	for _, name := range []string{"tcp", "mem", "tls"} {
		b.Run(name, func(b *testing.B) {
			c := kinds(b)[name]((&server{}).handle)
			req, resp := msg("ping"), msg("")
			b.ReportAllocs()
			for b.Loop() {
				if err := c.Call(b.Context(), keyEcho, 1, req, resp); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPipelined has 64 calls under way on one connection.
func BenchmarkPipelined(b *testing.B) {
	c := kinds(b)["tcp"]((&server{}).handle)
	b.SetParallelism(32)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		req, resp := msg("ping"), msg("")
		for pb.Next() {
			if err := c.Call(b.Context(), keyEcho, 1, req, resp); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkFile1MiB(b *testing.B) {
	f, _ := tempFile(b, 1<<20)
	for name, s := range map[string]section{
		"sendfile": {f: f, size: 1 << 20},
		"copy":     {f: f, size: 1 << 20, noFile: true},
	} {
		b.Run(name, func(b *testing.B) {
			c := kinds(b)["tcp"]((&server{file: s}).handle)
			var out blob
			b.SetBytes(1 << 20)
			b.ReportAllocs()
			for b.Loop() {
				if err := c.Call(b.Context(), keyFile, 1, msg(""), &out); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

var _ transport.FileSection = section{}
