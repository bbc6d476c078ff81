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

// BenchmarkReplication is committed produce of 64 KiB batches of 1 KB records,
// 16 requests under way, on disk, with all SPUs in one process. The default
// durability syncs before the answer where there is one replica; "interval"
// with one replica is what three replicas do on each disk, and "never" leaves
// the disk out of it.
func BenchmarkReplication(b *testing.B) {
	for _, bb := range []struct {
		name     string
		replicas []int32
		mode     api.Durability
	}{
		{"1-auto", []int32{1}, api.DurabilityAuto},
		{"1-interval", []int32{1}, api.DurabilityInterval},
		{"3-auto", three, api.DurabilityAuto},
		{"3-always", three, api.DurabilityAlways},
		{"1-never", []int32{1}, api.DurabilityNever},
		{"3-never", three, api.DurabilityNever},
	} {
		b.Run(bb.name, func(b *testing.B) {
			c := newCluster(b, three, func(cfg *Config) {
				cfg.FS, cfg.Dir = vfs.Disk, b.TempDir()
				cfg.ReplicaLag, cfg.Flush = time.Minute, time.Second
			})
			a := replicated("t", bb.replicas...)
			a.Config.Durability = bb.mode
			c.host(a)
			conn := c.nodes[1].dial()
			batch := benchBatch(b, 1000, 64<<10)
			b.SetBytes(int64(len(batch)))
			var left atomic.Int64
			left.Store(int64(b.N))
			var wg sync.WaitGroup
			b.ResetTimer()
			for range 16 {
				wg.Go(func() {
					req := produceReq("t", entry(0, batch))
					req.Isolation, req.TimeoutMS = api.ReadCommitted, 60_000
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
