package sc

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

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

// The same with three copies on three SPUs.
func BenchmarkCreateDelete1000PartitionsRF3(b *testing.B) {
	c := startCluster(b, openBolt(b, filepath.Join(b.TempDir(), "metadata.db")), quiet)
	for _, id := range chaosSpus {
		go beat(c.startSpu(id, 1))
	}
	cl := c.client()
	b.ResetTimer()
	for i := range b.N {
		name := fmt.Sprintf("t%d", i)
		want(b, "create", cl.createSpec(name, computed(1000, 3)), name+": ok")
		want(b, "delete", cl.deleteTopic(name, false), name+": ok")
	}
}

// An SPU that leads 1,000 partitions and follows in 1,000 hands over, goes and
// comes back as another start.
func BenchmarkRestart1000(b *testing.B) {
	c := startCluster(b, openBolt(b, filepath.Join(b.TempDir(), "metadata.db")), quiet)
	go beat(c.startSpu(5002, 1))
	spu := c.startSpu(5001, 1)
	want(b, "create", c.client().createSpec("t", computed(2000, 2)), "t: ok")
	b.ResetTimer()
	for i := range b.N {
		var resp api.MoveLeadersResponse
		if err := call(spu.conn, api.KeyMoveLeaders, api.ClusterVersion, &api.MoveLeadersRequest{}, &resp); err != nil || resp.Remaining != 0 {
			b.Fatal(resp, err)
		}
		spu.kill()
		spu = c.connectSpu(5001, uint64(i+2))
		spu.has("t", 1999)
	}
}

func beat(s *fakeSpu) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_ = s.send(&api.ReportReplicasRequest{})
		case <-s.done:
			return
		}
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
