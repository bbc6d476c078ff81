package spu

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/engine/log/vfs/errorfs"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// TestRandomFaults lets SPUs lose power, links break and leaders change, one
// at a time, while records are produced at either isolation. In the end every
// acknowledged record is there, in its place, on every replica.
func TestRandomFaults(t *testing.T) {
	seeds := []uint64{1, 2, 18017608552291454905, rand.Uint64()}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { randomFaults(t, seed) })
	}
}

func randomFaults(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 0))
	c := newCluster(t, three, nil)
	a := segmentSize(replicated("t", three...), 4096)
	a.Config.MinInSync = 2
	c.host(a)
	acked := make(map[int64]string) // by offset
	down := int32(-1)
	for i := range 80 {
		now := c.assigned(a)
		switch op := rng.IntN(10); {
		case op < 5:
			faultyProduce(c, now, rng, fmt.Sprint("record ", i), acked)
		case op < 6 && down < 0:
			victim := three[rng.IntN(3)]
			others := slices.DeleteFunc(slices.Clone(now.ISR), func(id int32) bool { return id == victim })
			if len(others) < 2 {
				continue // the last copies have to stay
			}
			down = victim
			n := c.nodes[victim]
			n.kill()
			n.mem = n.mem.CrashClone(rng)
			n.fs = errorfs.New(n.mem)
			c.alter(a, func(a *api.ReplicaAssignment) {
				a.ISR = others
				if a.Leader == victim {
					a.Leader = others[rng.IntN(len(others))]
				}
				a.LeaderEpoch++
			})
		case op < 8 && down >= 0:
			c.nodes[down].start()
			down = -1
		case op < 9:
			to := now.ISR[rng.IntN(len(now.ISR))]
			c.alter(a, func(a *api.ReplicaAssignment) {
				if slices.Contains(a.ISR, to) {
					a.Leader = to
					a.LeaderEpoch++
				}
			})
		default:
			from, to := three[rng.IntN(3)], three[rng.IntN(3)]
			c.cut(from, to)
			faultyProduce(c, c.assigned(a), rng, fmt.Sprint("cut off ", i), acked)
			c.heal(from, to)
		}
	}
	if down >= 0 {
		c.nodes[down].start()
	}
	c.await("the full in-sync set", func() bool { return len(c.assigned(a).ISR) == 3 })
	conn := c.nodes[c.assigned(a).Leader].dial()
	var base int64
	c.await("the last commit", func() bool { // the leader may be told of its last epoch only now
		res := commit(t, conn, "t", testPatience, "the end")
		base = res.BaseOffset
		return res.Error.ID == api.OK
	})
	c.awaitEnds(a, base+1, three...)
	c.sameUpTo(a, base+1, three...)
	got := c.recordsOf(1, a, base+1)
	if int64(len(got)) != base+1 {
		t.Fatalf("%d records, want %d", len(got), base+1)
	}
	for offset, want := range acked {
		if got[offset] != want {
			t.Errorf("offset %d holds %q, acknowledged was %q", offset, got[offset], want)
		}
	}
	if len(acked) == 0 {
		t.Error("nothing was acknowledged")
	}
}

// faultyProduce tries to produce one record, at either isolation, to the
// leader, which may be down, cut off or not know yet that it leads.
func faultyProduce(c *cluster, a api.ReplicaAssignment, rng *rand.Rand, value string, acked map[int64]string) {
	committed := rng.IntN(2) == 0
	n := c.nodes[a.Leader]
	if n.srv == nil {
		return
	}
	conn := n.dial()
	defer conn.Close()
	const patience = 30 * time.Millisecond
	if committed {
		if res := commit(c.t, conn, "t", patience, value); res.Error.ID == api.OK {
			acked[res.BaseOffset] = value
		}
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var resp api.ProduceResponse
	err := conn.Call(ctx, api.KeyProduce, api.SpuVersion, produceReq("t", entry(0, batchOf(c.t, value))), &resp)
	if err != nil {
		return // given up, and perhaps committed later
	}
	if res := resp.Topics[0].Partitions[0]; res.Error.ID == api.OK {
		acked[res.BaseOffset] = value
	}
}
