package spu

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/engine/log/vfs/errorfs"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// A leader whose disk is full refuses records and goes on delivering and
// replicating those it has. With space again it takes records by itself; if
// another one leads by then it follows.
func TestLeaderDiskFull(t *testing.T) {
	for _, moved := range []bool{false, true} {
		t.Run(fmt.Sprint("moved ", moved), func(t *testing.T) {
			c := newCluster(t, three, func(cfg *Config) { cfg.ReplicaLag, cfg.RetryMax = testLag, 20*cfg.Retry })
			a := replicated("t", three...)
			c.host(a)
			conn := c.nodes[1].dial()
			mustCommit(t, conn, "t", "before")
			c.cut(3, 1) // it has yet to fetch the next
			mustProduce(t, conn, "t", "before, too")
			c.nodes[1].fs.SetBudget(0)
			for range 3 {
				res := produce(t, conn, produceReq("t", entry(0, batchOf(t, "no room"))))[0]
				if res.Error.ID != api.PartitionFull {
					t.Fatalf("produce: %v, want PartitionFull", res.Error)
				}
			}
			c.await("the report", func() bool {
				r := c.reported(1, a)
				return r.State == api.ReplicaOutOfStorage && r.Reason != "" && r.Loss == api.LossNone
			})
			if vals, _ := values(t, consume(t, c.nodes[1].dial(), &api.StreamFetchRequest{Topic: "t"}).next()); !slices.Equal(vals, []string{"before", "before, too"}) {
				t.Errorf("a full leader delivers %q", vals)
			}
			c.heal(3, 1)
			c.awaitEnds(a, 2, three...)

			leader := int32(1)
			if moved {
				leader = 2
				c.elect(a, leader) // as the SC does after a while
				mustCommit(t, c.nodes[2].dial(), "t", "elsewhere")
				c.await("SPU 1 out of the in-sync set", func() bool { return !slices.Contains(c.assigned(a).ISR, 1) })
			}
			c.nodes[1].fs.Clear()
			c.await("SPU 1 to be well", func() bool { return c.reported(1, a).State == api.ReplicaServing })
			c.await("the full in-sync set", func() bool { return len(c.assigned(a).ISR) == 3 })
			base := mustCommit(t, c.nodes[leader].dial(), "t", "after")
			c.awaitEnds(a, base+1, three...)
			c.sameUpTo(a, base+1, three...)
			want := []string{"before", "before, too", "elsewhere", "after"}
			if !moved {
				want = slices.Delete(want, 2, 3)
			}
			if got := c.recordsOf(3, a, base+1); !slices.Equal(got, want) {
				t.Errorf("records are %q, want %q", got, want)
			}
		})
	}
}

// A leader that cannot write gives way. What was committed is there, what was
// not acknowledged is nowhere twice, and it comes back as a follower.
func TestLeaderWriteFails(t *testing.T) {
	for _, op := range []errorfs.Op{errorfs.OpWrite, errorfs.OpSync} {
		t.Run(string(op), func(t *testing.T) {
			c := heedful(t, func(cfg *Config) {
				cfg.ReplicaLag = testLag
				cfg.Retry, cfg.RetryMax = 200*time.Millisecond, 200*time.Millisecond // after the SC has heard
			})
			a := replicated("t", three...)
			if op == errorfs.OpSync {
				a.Config.Durability = api.DurabilityAlways
			}
			c.host(a)
			conn := c.nodes[1].dial()
			for i := range 5 {
				mustCommit(t, conn, "t", fmt.Sprint("record ", i))
			}
			c.awaitEnds(a, 5, three...)
			c.nodes[1].fs.Inject(errorfs.Rule{Op: op, Match: "*.log*", Err: syscall.EIO, Short: true})
			if res := commit(t, conn, "t", testPatience, "perhaps"); res.Error.ID == api.OK {
				t.Error("acknowledged by a leader that cannot write")
			}
			c.await("another leader", func() bool { return c.assigned(a).Leader == 2 && c.leads(a.Key, 2) })
			mustCommit(t, c.nodes[2].dial(), "t", "elsewhere")
			c.nodes[1].fs.Clear()
			c.await("the full in-sync set", func() bool { return len(c.assigned(a).ISR) == 3 })
			c.await("SPU 1 to be well", func() bool {
				r := c.reported(1, a)
				return r.State == api.ReplicaServing && r.Loss == api.LossNone
			})
			base := mustCommit(t, c.nodes[2].dial(), "t", "after")
			c.awaitEnds(a, base+1, three...)
			c.sameUpTo(a, base+1, three...)
			got := c.recordsOf(1, a, base+1)
			got = slices.DeleteFunc(got, func(v string) bool { return v == "perhaps" })
			if want := []string{"record 0", "record 1", "record 2", "record 3", "record 4", "elsewhere", "after"}; !slices.Equal(got, want) {
				t.Errorf("records are %q, want %q", got, want)
			}
		})
	}
}

// A follower whose disk cannot be read or written any more does not stop the
// others, and is whole again when it can.
func TestFollowerWriteFails(t *testing.T) {
	c := heedful(t, func(cfg *Config) { cfg.ReplicaLag = testLag })
	a := replicated("t", three...)
	a.Config.MinInSync = 2
	c.host(a)
	conn := c.nodes[1].dial()
	mustCommit(t, conn, "t", "before")
	c.awaitEnds(a, 1, three...)
	c.nodes[3].fs.Inject(errorfs.Rule{Op: errorfs.OpWrite, Match: "*.log", Err: syscall.EIO, Short: true})
	mustCommit(t, conn, "t", "without it") // when the set has shrunk
	c.await("the report", func() bool { return c.reported(3, a).State == api.ReplicaFailed })
	if isr := c.assigned(a).ISR; !slices.Equal(isr, []int32{1, 2}) {
		t.Errorf("in-sync set is %v", isr)
	}
	c.nodes[3].fs.Clear()
	c.await("the full in-sync set", func() bool { return len(c.assigned(a).ISR) == 3 })
	c.awaitEnds(a, 2, three...)
	c.sameUpTo(a, 2, three...)
	c.await("SPU 3 to be well", func() bool { return c.reported(3, a).State == api.ReplicaServing })
}

// The files beside a log fill a disk, too. That is no failure of the disk, and
// the leader keeps its place until the SC decides that it has been full for
// long enough.
func TestCheckpointOnFullDisk(t *testing.T) {
	c := heedful(t, nil)
	a := replicated("t", three...)
	c.host(a)
	for _, op := range []errorfs.Op{errorfs.OpWrite, errorfs.OpCreate} { // no checkpoint, and no probe of space
		c.nodes[1].fs.Inject(errorfs.Rule{Op: op, Match: "replication.chk", Err: syscall.ENOSPC})
		c.nodes[1].fs.Inject(errorfs.Rule{Op: op, Match: "space.tmp", Err: syscall.ENOSPC})
	}
	mustCommit(t, c.nodes[1].dial(), "t", "fits")
	c.await("a report", func() bool { return c.reported(1, a).State != api.ReplicaServing })
	if r := c.reported(1, a); r.State != api.ReplicaOutOfStorage {
		t.Errorf("reported as %s: %s", stateName(r.State), r.Reason)
	}
	c.nodes[1].fs.Clear()
	c.await("recovery", func() bool { return c.reported(1, a).State == api.ReplicaServing })
	if now := c.assigned(a); now.Leader != 1 {
		t.Errorf("SPU %d leads", now.Leader)
	}
}
