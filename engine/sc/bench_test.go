package sc

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
)

func quiet(c *Config) { c.Logger = nil }

// One change of one of 1,000 topics reaches 100 watchers.
func BenchmarkWatchFanOut(b *testing.B) {
	const topics, watchers = 1000, 100
	f := newFeed()
	version := func(i, n int) *published {
		name := fmt.Sprintf("topic-%d", i)
		return &published{name: name, msg: &api.Topic{
			Name: name, Spec: computed(8, 1), Status: api.TopicStatus{Resolution: api.TopicProvisioned, Reason: fmt.Sprint(n)},
		}}
	}
	for i := range topics {
		f.publish([]*published{version(i, 0)})
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all, round sync.WaitGroup
	round.Add(watchers)
	for range watchers {
		all.Go(func() {
			var buf []byte
			_ = f.watch(ctx, func(u *update) (err error) {
				buf, err = codec.Append(buf[:0], api.ScVersion, api.Typed{Label: api.LabelTopic, Msg: u})
				round.Done()
				return err
			})
		})
	}
	round.Wait()
	b.ReportAllocs()
	for i := range b.N {
		round.Add(watchers)
		f.publish([]*published{version(i%topics, i)})
		round.Wait()
	}
	cancel()
	all.Wait()
}

// A topic of 1,000 partitions is created and deleted over the wire, with
// metadata on disk and an SPU that answers at once.
func BenchmarkCreateDelete1000Partitions(b *testing.B) {
	c := startCluster(b, openBolt(b, filepath.Join(b.TempDir(), "metadata.db")), quiet)
	c.startSpu(5001, 1)
	cl := c.client()
	b.ResetTimer()
	for i := range b.N {
		name := fmt.Sprintf("t%d", i)
		want(b, "create", cl.createTopic(name, 1000), name+": ok")
		want(b, "delete", cl.deleteTopic(name, false), name+": ok")
	}
}

// Topics are created one after the other on one connection.
func BenchmarkCreateTopic(b *testing.B) {
	c := startCluster(b, openBolt(b, filepath.Join(b.TempDir(), "metadata.db")), quiet)
	c.startSpu(5001, 1)
	cl := c.client()
	b.ResetTimer()
	for i := range b.N {
		name := fmt.Sprintf("t%d", i)
		want(b, "create", cl.createTopic(name, 1), name+": ok")
	}
}

// An SPU reports 1,000 replicas.
func BenchmarkReport1000(b *testing.B) {
	c := startCluster(b, nil, quiet)
	spu := c.startSpu(5001, 1)
	want(b, "create", c.client().createTopic("t", 1000), "t: ok")
	reports := make([]api.ReplicaReport, 1000)
	for i := range reports {
		reports[i] = serving(spu.has("t", uint32(i)), 0)
	}
	b.ResetTimer()
	for i := range b.N {
		for j := range reports {
			reports[j].LEO = int64(i)
		}
		spu.report(reports...)
	}
}
