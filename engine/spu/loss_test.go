package spu

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
	"github.com/fluvio-go/fluvio/engine/log/vfs/errorfs"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/record"
)

// heedful is a cluster whose SC acts on what replicas report.
func heedful(t *testing.T, edit func(*Config)) *cluster {
	c := newCluster(t, three, func(cfg *Config) {
		cfg.RetryMax, cfg.Clean = 20*time.Millisecond, time.Hour
		if edit != nil {
			edit(cfg)
		}
	})
	c.sc.mu.Lock()
	c.sc.heed = true
	c.sc.mu.Unlock()
	return c
}

// reported is what an SPU said last about its replica.
func (c *cluster) reported(id int32, a api.ReplicaAssignment) api.ReplicaReport {
	c.sc.mu.Lock()
	defer c.sc.mu.Unlock()
	return c.sc.by[id][a.ReplicaRef]
}

// forgetReports makes reported empty until the SPU reports again.
func (c *cluster) forgetReports(id int32) {
	c.sc.mu.Lock()
	defer c.sc.mu.Unlock()
	delete(c.sc.by, id)
}

// awaitLoss waits until an SPU has reported a loss.
func (c *cluster) awaitLoss(id int32, a api.ReplicaAssignment, want api.ReplicaLoss) {
	c.t.Helper()
	c.await(fmt.Sprintf("SPU %d to report loss %d", id, want), func() bool {
		r := c.reported(id, a)
		return r.Key == a.Key && r.Loss == want && (r.LossReason != "") == (want != api.LossNone)
	})
}

// registered is what an SPU said when it registered last, of n times.
func (c *cluster) registered(id int32, n int) api.RegisterSpuRequest {
	c.t.Helper()
	var last api.RegisterSpuRequest
	c.sc.await(fmt.Sprintf("registration %d of SPU %d", n, id), func() bool {
		seen := 0
		for _, r := range c.sc.registers {
			if r.SpuID == id {
				last, seen = r, seen+1
			}
		}
		return seen >= n
	})
	return last
}

// crash replaces the disk of a stopped SPU by what a power loss leaves.
func (n *node) crash(seed uint64) {
	n.mem = n.mem.CrashClone(rand.New(rand.NewPCG(seed, 0)))
	n.fs = errorfs.New(n.mem)
}

const stoppedFile = "/data/spu-logs-1/" + stoppedName

// TestCleanStop: whether an SPU was stopped in order is what its next start
// says, and nothing else makes it say so.
func TestCleanStop(t *testing.T) {
	c := newCluster(t, []int32{1}, nil)
	n := c.nodes[1]
	starts := 1
	restart := func(what string, want bool) {
		t.Helper()
		n.start()
		starts++
		if got := c.registered(1, starts).Clean; got != want {
			t.Errorf("%s: clean is %v", what, got)
		}
	}
	if c.registered(1, 1).Clean {
		t.Error("the first start says that another was stopped before it")
	}
	c.host(assignment1("t"))
	n.close()
	restart("after a stop in order", true)
	n.kill()
	restart("after a kill", false)
	c.awaitLeader(assignment1("t").Key, 1)
	n.close()
	restart("stopped in order again", true)

	for seed := range uint64(10) { // the file must not come back
		n.kill()
		n.crash(seed)
		restart("after a loss of power", false)
		c.awaitLeader(assignment1("t").Key, 1)
		n.close()
		restart("stopped in order again", true)
	}

	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := n.srv.Close(ended); err != nil {
		t.Fatal(err)
	}
	restart("stopped in haste, but with whole logs", true)

	c.awaitLeader(assignment1("t").Key, 1)
	mustProduce(t, n.dial(), "t", "x")
	n.fs.Inject(errorfs.Rule{Op: errorfs.OpSync, Match: "*.log*", Err: syscall.EIO})
	ctx, cancel := context.WithTimeout(context.Background(), testPatience)
	defer cancel()
	if err := n.srv.Close(ctx); !errors.Is(err, syscall.EIO) {
		t.Fatalf("close: %v", err)
	}
	n.fs.Clear()
	restart("with a log that could not be closed", false)
	c.awaitLeader(assignment1("t").Key, 1)
	n.close()

	for what, content := range map[string]string{
		"of another cluster": `{"format":1,"cluster_id":"cluster-2"}`,
		"of no cluster":      `{"format":1}`,
		"of another format":  `{"format":2,"cluster_id":"` + testCluster + `"}`,
		"damaged":            `{`,
	} {
		if err := vfs.WriteFile(n.mem, stoppedFile, []byte(content)); err != nil {
			t.Fatal(err)
		}
		restart("with a file "+what, false)
		c.awaitLeader(assignment1("t").Key, 1)
		n.close()
	}
}

func assignment1(topic string) api.ReplicaAssignment {
	a := assignment(topic, 0)
	a.Leader, a.Replicas, a.ISR = 1, []int32{1}, []int32{1}
	return a
}

// TestCleanStopFaults: a start that cannot forget that the last stop was in
// order does not begin.
func TestCleanStopFaults(t *testing.T) {
	for _, op := range []errorfs.Op{errorfs.OpRemove, errorfs.OpSyncDir} {
		c := newCluster(t, []int32{1}, nil)
		n := c.nodes[1]
		c.host(assignment1("t"))
		n.close()
		n.fs.Inject(errorfs.Rule{Op: op, Err: syscall.EIO})
		cfg := Config{ID: 1, Public: n.public, DialSC: c.sc.dial, Dir: "/data", FS: n.fs}
		srv, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := srv.Start(); !errors.Is(err, syscall.EIO) {
			t.Errorf("%s: start: %v", op, err)
		}
		srv.Kill()
		n.fs.Clear()
		n.srv = nil
	}
}

// TestUncleanStopIsNotForgotten: a start that has not told the SC is no proof
// that nothing is missing, however it ends.
func TestUncleanStopIsNotForgotten(t *testing.T) {
	c := heedful(t, nil)
	a := replicated("t", three...)
	c.host(a)
	c.alter(a, func(*api.ReplicaAssignment) {}) // as after any restart
	c.await("the assignment", func() bool { return c.part(3, a).report().LeaderEpoch == 1 })
	c.nodes[3].kill()
	c.sc.down()
	c.nodes[3].start()
	c.nodes[3].close() // in order, but it never heard from the SC
	c.forgetReports(3)
	c.sc.up()
	c.nodes[3].start()
	if r := c.registered(3, 2); r.Clean {
		t.Error("the SC never heard of the crash")
	}
	c.await("SPU 3 out of the in-sync set and back", func() bool {
		now := c.assigned(a)
		return now.PartitionEpoch >= 4 && len(now.ISR) == 3
	})
	c.awaitLoss(3, a, api.LossNone)
	c.nodes[3].close()
	c.nodes[3].start()
	if r := c.registered(3, 3); !r.Clean {
		t.Error("it was stopped in order after that")
	}
}

// TestUncleanStop: a replica may lack its end, and says so until nobody counts
// on it. One whose records count only when they are on the device does not.
func TestUncleanStop(t *testing.T) {
	c := newCluster(t, three, nil)
	a, strict := replicated("t", three...), replicated("strict", three...)
	strict.Config.Durability = api.DurabilityAlways
	c.host(a, strict)
	for _, x := range []api.ReplicaAssignment{a, strict} {
		c.alter(x, func(*api.ReplicaAssignment) {})
	}
	for range 2 { // it says so again after another crash
		c.nodes[3].kill()
		c.forgetReports(3)
		c.nodes[3].start()
		c.awaitLoss(3, a, api.LossPossible)
		c.awaitLoss(3, strict, api.LossNone)
	}
	c.nodes[3].close() // in order, and still unheeded
	c.forgetReports(3)
	c.nodes[3].start()
	c.awaitLoss(3, a, api.LossPossible)
	c.elect(a, 2) // which says nothing about SPU 3
	c.await("the new epoch", func() bool { return c.reported(3, a).LeaderEpoch == 2 })
	if r := c.reported(3, a); r.Loss != api.LossPossible {
		t.Errorf("reported %+v", r)
	}
	c.elect(a, 3) // which says that what it has is all there is
	c.awaitLoss(3, a, api.LossNone)
}

// TestWipedReplica: one that comes back without its log is known to be empty
// until the SC has taken note.
func TestWipedReplica(t *testing.T) {
	for _, settle := range []string{"not in sync", "elected"} {
		t.Run(settle, func(t *testing.T) {
			c := newCluster(t, three, nil)
			a := replicated("t", three...)
			c.host(a)
			conn := c.nodes[1].dial()
			for i := range 5 {
				mustCommit(t, conn, "t", fmt.Sprint(i))
			}
			c.alter(a, func(*api.ReplicaAssignment) {})
			for _, id := range []int32{1, 2} { // all alone
				c.cut(3, id)
			}
			c.nodes[3].close()
			c.nodes[3].wipe()
			c.forgetReports(3)
			c.nodes[3].start()
			c.awaitLoss(3, a, api.LossAll)
			for seed := range uint64(4) {
				c.nodes[3].kill()
				c.nodes[3].crash(seed)
				c.forgetReports(3)
				c.nodes[3].start()
				c.awaitLoss(3, a, api.LossAll)
			}
			if settle == "elected" {
				c.elect(a, 3)
			} else {
				c.alter(a, func(a *api.ReplicaAssignment) { a.ISR = []int32{1, 2} })
			}
			c.awaitLoss(3, a, api.LossNone)
			c.alter(a, func(a *api.ReplicaAssignment) { a.ISR = three })
			c.nodes[3].close()
			c.forgetReports(3)
			c.nodes[3].start()
			c.awaitLoss(3, a, api.LossNone)
		})
	}
}

// TestNewReplicaLostNothing: an empty log is no loss where the partition is
// new, or the SC does not count on the replica.
func TestNewReplicaLostNothing(t *testing.T) {
	c := newCluster(t, three, nil)
	fresh, outside := replicated("new", three...), replicated("outside", three...)
	outside.PartitionEpoch, outside.ISR = 7, []int32{1, 2}
	c.sc.assign(fresh, outside)
	for _, a := range []api.ReplicaAssignment{fresh, outside} {
		c.awaitLoss(3, a, api.LossNone)
	}
}

// TestLossThatCannotBeForgotten: the replica is not well until it is.
func TestLossThatCannotBeForgotten(t *testing.T) {
	c := newCluster(t, three, nil)
	a := replicated("t", three...)
	a.PartitionEpoch = 2
	c.nodes[3].fs.Inject(errorfs.Rule{Op: errorfs.OpRemove, Match: "loss.json", Err: syscall.EIO})
	c.cut(3, 1)
	c.cut(3, 2)
	c.sc.assign(a)
	c.awaitLoss(3, a, api.LossAll)
	c.alter(a, func(a *api.ReplicaAssignment) { a.ISR = []int32{1, 2} })
	c.await("the report", func() bool {
		r := c.reported(3, a)
		return r.State == api.ReplicaFailed && r.Loss == api.LossAll
	})
	c.nodes[3].fs.Clear()
	c.await("recovery", func() bool {
		r := c.reported(3, a)
		return r.State == api.ReplicaServing && r.Loss == api.LossNone
	})
}

// flip changes one byte of the first record of a batch in the middle of a
// stopped or running replica's files.
func flip(t *testing.T, n *node, a api.ReplicaAssignment, offset int64) {
	t.Helper()
	dir := n.dir(a)
	names, err := n.mem.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if filepath.Ext(name) != ".log" {
			continue
		}
		b, err := vfs.ReadFile(n.mem, filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for at := 0; at < len(b); {
			batch, _, err := record.Next(b[at:])
			if err != nil {
				t.Fatal(err)
			}
			if batch.BaseOffset() == offset {
				f, err := n.mem.OpenRW(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				last := int64(at + len(batch) - 2)
				_, err = f.WriteAt([]byte{b[last] ^ 1}, last)
				if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
					t.Fatal(err)
				}
				return
			}
			at += len(batch)
		}
	}
	t.Fatalf("no batch at %d", offset)
}

// TestDamagedReplicaRefills flips a bit in the middle of a log. Whoever finds
// it, the replica leads no more, fetches the records again and is whole, byte
// for byte, and in sync.
func TestDamagedReplicaRefills(t *testing.T) {
	for name, tt := range map[string]struct {
		victim int32
		find   func(t *testing.T, c *cluster, a api.ReplicaAssignment)
	}{
		"a follower, when it starts": {3, func(t *testing.T, c *cluster, a api.ReplicaAssignment) {
			n := c.nodes[3]
			n.close()
			_ = n.mem.Remove(filepath.Join(n.dir(a), "recovery-point.chk")) // so that all is read
			flip(t, n, a, 12)
			n.start()
		}},
		"a follower that is elected": {3, func(t *testing.T, c *cluster, a api.ReplicaAssignment) {
			n := c.nodes[3]
			n.close()
			flip(t, n, a, 12)
			n.start()
			c.awaitEnds(a, 30, three...)
			c.elect(a, 3)
			readThrough(t, n, 12)
		}},
		"the leader, when it is read": {1, func(t *testing.T, c *cluster, a api.ReplicaAssignment) {
			n := c.nodes[1]
			n.close() // SPU 2 leads
			flip(t, n, a, 12)
			n.start()
			c.awaitEnds(a, 30, three...)
			c.elect(a, 1)
			readThrough(t, n, 12)
		}},
		"the leader, when a follower is far behind": {1, func(t *testing.T, c *cluster, a api.ReplicaAssignment) {
			c.nodes[1].close()
			flip(t, c.nodes[1], a, 12)
			c.nodes[1].start()
			c.awaitEnds(a, 30, three...)
			c.elect(a, 1)
			c.alter(a, func(a *api.ReplicaAssignment) { a.ISR = []int32{1, 2} })
			c.nodes[3].kill()
			c.nodes[3].wipe()
			c.nodes[3].start()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := heedful(t, nil)
			a := segmentSize(replicated("t", three...), 1024)
			c.host(a)
			conn := c.nodes[1].dial()
			for i := range 30 {
				mustCommit(t, conn, "t", fmt.Sprint("record ", i))
			}
			c.awaitEnds(a, 30, three...)
			c.alter(a, func(*api.ReplicaAssignment) {})
			tt.find(t, c, a)
			c.await("the repair", func() bool {
				now := c.assigned(a)
				r := c.reported(tt.victim, a)
				return now.PartitionEpoch > 3 && len(now.ISR) == 3 && now.Leader != tt.victim &&
					r.Loss == api.LossNone && r.State == api.ReplicaServing && r.LEO == 30
			})
			leader := c.assigned(a).Leader
			c.awaitLeader(a.Key, leader)
			c.await("a commit", func() bool { return commit(t, c.nodes[leader].dial(), "t", testPatience, "after").Error.ID == api.OK })
			end, _ := c.ends(leader, a)
			c.awaitEnds(a, end, three...)
			c.sameUpTo(a, end, three...)
			c.elect(a, tt.victim)
			mustCommit(t, c.nodes[tt.victim].dial(), "t", "and leads again")
			c.awaitEnds(a, end+1, three...)
			c.sameUpTo(a, end+1, three...)
		})
	}
}

// readThrough consumes from the node until it meets what it cannot read.
func readThrough(t *testing.T, n *node, bad int64) {
	t.Helper()
	conn := n.dial()
	for offset := int64(0); offset <= bad; offset++ {
		s := consume(t, conn, &api.StreamFetchRequest{Topic: "t", FetchOffset: offset})
		resp := s.next()
		if resp.Partition.Error.ID != api.OK {
			return
		}
	}
	t.Fatalf("everything up to offset %d could be read", bad)
}

// TestDamageIsNotRefetchedWhileCounted: as long as the SC counts on what the
// replica has, none of it is given up, nor to a leader that lacks some of it.
func TestDamageIsNotRefetchedWhileCounted(t *testing.T) {
	c := newCluster(t, three, nil) // the SC does nothing
	a := segmentSize(replicated("t", three...), 1024)
	c.host(a)
	conn := c.nodes[1].dial()
	for i := range 30 {
		mustCommit(t, conn, "t", fmt.Sprint("record ", i))
	}
	c.awaitEnds(a, 30, three...)
	n := c.nodes[3]
	n.close()
	_ = n.mem.Remove(filepath.Join(n.dir(a), "recovery-point.chk"))
	flip(t, n, a, 12)
	n.start()
	c.awaitLoss(3, a, api.LossDamage)
	mustCommit(t, conn, "t", "while in sync")
	c.awaitEnds(a, 31, three...)
	if x := c.part(3, a).open().Loss(); x.Offset != 12 || x.Next != 13 {
		t.Errorf("loss is %+v", x)
	}
	// Another one leads without records that are committed here.
	c.nodes[1].kill()
	c.nodes[2].kill()
	c.nodes[2].wipe()
	c.nodes[2].start()
	c.elect(a, 2)
	c.alter(a, func(a *api.ReplicaAssignment) { a.ISR = []int32{2} })
	c.await("SPU 3 to complain", func() bool {
		r := c.reported(3, a)
		return r.State == api.ReplicaFailed && strings.Contains(r.Reason, "committed here")
	})
	if end, hw := c.ends(3, a); end != 31 || hw != 31 {
		t.Errorf("end %d, high watermark %d", end, hw)
	}
}

// TestPowerLossTakesCommittedRecords: the log of a replica that lost power may
// end before what it knew to be committed. It says so, and catches up.
func TestPowerLossTakesCommittedRecords(t *testing.T) {
	c := heedful(t, nil)
	a := replicated("t", three...)
	c.host(a)
	conn := c.nodes[1].dial()
	for i := range 10 {
		mustCommit(t, conn, "t", fmt.Sprint(i))
	}
	c.awaitEnds(a, 10, three...)
	c.alter(a, func(*api.ReplicaAssignment) {})
	n := c.nodes[3]
	n.close()
	// As if the last records had never reached the device: their place is there,
	// filled with zeros.
	name := filepath.Join(n.dir(a), "00000000000000000000.log")
	whole, err := vfs.ReadFile(n.mem, name)
	if err != nil {
		t.Fatal(err)
	}
	clear(whole[len(whole)-100:])
	if err := vfs.WriteFile(n.mem, name, whole); err != nil {
		t.Fatal(err)
	}
	_ = n.mem.Remove(filepath.Join(n.dir(a), "recovery-point.chk"))
	for _, id := range []int32{1, 2} {
		c.cut(3, id)
	}
	c.forgetReports(3)
	c.sc.mu.Lock()
	c.sc.heed = false
	c.sc.mu.Unlock()
	n.start()
	c.awaitLoss(3, a, api.LossTail)
	n.kill()
	n.crash(1)
	c.forgetReports(3)
	c.sc.mu.Lock()
	c.sc.heed = true
	c.sc.mu.Unlock()
	n.start()
	c.await("a smaller in-sync set", func() bool { return slices.Equal(c.assigned(a).ISR, []int32{1, 2}) })
	c.heal(3, 1)
	c.await("the full in-sync set", func() bool { return len(c.assigned(a).ISR) == 3 })
	c.awaitEnds(a, 10, three...)
	c.sameUpTo(a, 10, three...)
}
