package spu

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// BenchmarkReplication is produce of 64 KiB batches of 1 KB records, 16 requests
// under way, on disk, with all SPUs in one process; "plain" is what producers do
// that ask for no commit, the others do. "alone" has the leader alone in sync. The default
// durability syncs before the answer where there is one replica; "interval"
// with one replica is what three replicas do on each disk, and "never" leaves
// the disk out of it.
func BenchmarkReplication(b *testing.B) {
	for _, bb := range []struct {
		name     string
		replicas []int32
		mode     api.Durability
		iso      api.Isolation
		isr      []int32
	}{
		{"1-auto", []int32{1}, api.DurabilityAuto, api.ReadCommitted, nil},
		{"1-interval", []int32{1}, api.DurabilityInterval, api.ReadCommitted, nil},
		{"3-auto", three, api.DurabilityAuto, api.ReadCommitted, nil},
		{"3-auto-plain", three, api.DurabilityAuto, api.ReadUncommitted, nil},
		{"3-interval-plain", three, api.DurabilityInterval, api.ReadUncommitted, nil},
		{"3-auto-alone", three, api.DurabilityAuto, api.ReadUncommitted, []int32{1}},
		{"3-always", three, api.DurabilityAlways, api.ReadCommitted, nil},
		{"1-never", []int32{1}, api.DurabilityNever, api.ReadCommitted, nil},
		{"3-never", three, api.DurabilityNever, api.ReadCommitted, nil},
	} {
		b.Run(bb.name, func(b *testing.B) {
			c := newCluster(b, three, func(cfg *Config) {
				cfg.FS, cfg.Dir = vfs.Disk, b.TempDir()
				cfg.ReplicaLag, cfg.Flush = time.Minute, time.Second
			})
			a := replicated("t", bb.replicas...)
			a.Config.Durability = bb.mode
			if bb.isr != nil {
				a.ISR = bb.isr
				c.cut(2, 1)
				c.cut(3, 1)
			}
			c.host(a)
			conn := c.nodes[1].dial()
			batch := benchBatch(b, 1000, 64<<10)
			b.SetBytes(int64(len(batch)))
			b.ReportAllocs()
			var left atomic.Int64
			left.Store(int64(b.N))
			var wg sync.WaitGroup
			b.ResetTimer()
			for range 16 {
				wg.Go(func() {
					req := produceReq("t", entry(0, batch))
					req.Isolation, req.TimeoutMS = bb.iso, 60_000
					for left.Add(-1) >= 0 {
						var resp api.ProduceResponse
						if err := conn.Call(context.Background(), api.KeyProduce, api.SpuVersion, req, &resp); err != nil {
							b.Error(err)
							return
						}
						if err := resp.Topics[0].Partitions[0].Error.Err(); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}
