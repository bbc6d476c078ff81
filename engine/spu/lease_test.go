package spu

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// bubble runs f on a clock of its own. Timers belong to a bubble or to none, so
// what others left in pools has to be gone before and after.
func bubble(t *testing.T, f func(t *testing.T)) {
	emptyPools := func() {
		runtime.GC()
		runtime.GC() // what the first one kept as victims
	}
	emptyPools()
	defer emptyPools()
	synctest.Test(t, f)
}

// An SPU that the SC does not answer stops leading what others may lead by
// now, and nothing else, and goes on when it is answered again.
func TestLease(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCluster(t, three, nil)
		shared, own := replicated("shared", three...), replicated("own", 1)
		c.host(shared, own)
		conn := c.nodes[1].dial()
		mustCommit(t, conn, "shared", "a")
		stream := consume(t, conn, &api.StreamFetchRequest{Topic: "shared", FetchOffset: 1})
		follower := c.peer(2, 1)

		time.Sleep(time.Minute)
		mustCommit(t, conn, "shared", "b") // answered all the time
		resp := stream.next()

		deaf := func(v bool) {
			c.sc.mu.Lock()
			c.sc.deaf = v
			c.sc.mu.Unlock()
		}
		deaf(true)
		time.Sleep(8 * time.Second)
		mustCommit(t, conn, "shared", "c")
		time.Sleep(time.Second + time.Millisecond)
		for _, topic := range []string{"shared", "own"} {
			want := api.NotLeaderForPartition
			if topic == "own" {
				want = api.OK
			}
			if res := produce(t, conn, produceReq(topic, entry(0, batchOf(t, "d"))))[0]; res.Error.ID != want {
				t.Errorf("produce to %s: %v, want %s", topic, res.Error, want.Name())
			}
		}
		if e := fetchOffsets(t, conn, "shared").Error; e.ID != api.PartitionNotLeader {
			t.Errorf("offsets: %v", e)
		}
		if resp.Partition.Error.ID != api.OK {
			t.Errorf("stream ended early: %v", resp.Partition.Error)
		}
		if resp = stream.next(); resp.Partition.Error.ID != api.NotLeaderForPartition {
			t.Errorf("stream: %v", resp.Partition.Error)
		}
		if r := follower.at(shared, 1, 3, 1); r == nil || r.Status != api.FetchUnknown {
			t.Errorf("fetch: %+v", r)
		}

		deaf(false)
		c.awaitLeader(shared.Key, 1)
		mustCommit(t, conn, "shared", "e")

		// Had the SC elected somebody meanwhile, it would not lead.
		deaf(true)
		time.Sleep(10 * time.Second)
		c.sc.mu.Lock()
		c.sc.deaf = false
		now := c.sc.assigned[shared.ReplicaRef]
		now.Leader, now.LeaderEpoch, now.PartitionEpoch = 2, 2, 2
		c.sc.assigned[shared.ReplicaRef] = now
		c.sc.mu.Unlock()
		c.awaitLeader(shared.Key, 2)
		if c.leads(shared.Key, 1) {
			t.Error("two leaders")
		}
		mustCommit(t, c.nodes[2].dial(), "shared", "f")
	})
}

func TestLeaseNeedsAssignments(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var told []bool
		l := newLease(time.Second, func(held bool) { told = append(told, held) })
		defer l.close()
		step := func(name string, want bool) {
			t.Helper()
			synctest.Wait()
			if l.held() != want || len(told) > 0 && told[len(told)-1] != want {
				t.Errorf("%s: held %v, told %v, want %v", name, l.held(), told, want)
			}
		}
		step("new", false)
		l.begin(0)
		l.confirm(time.Now())
		step("answered before there were assignments", false)
		l.assigned()
		l.confirm(time.Now())
		step("answered", true)
		time.Sleep(900 * time.Millisecond)
		l.confirm(time.Now().Add(-500 * time.Millisecond))
		time.Sleep(200 * time.Millisecond)
		step("what counts is when we spoke", true)
		l.begin(0)
		l.confirm(time.Now())
		time.Sleep(400 * time.Millisecond)
		step("a new connection counts from its assignments on", false)
		l.assigned()
		l.confirm(time.Now())
		step("again", true)
		if want := 3; len(told) != want {
			t.Errorf("told %v, want %d changes", told, want)
		}
	})
}

// The SC knows how long it waits; its word replaces our own setting.
func TestLeaseTermOfTheSC(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLease(9*time.Second, func(bool) {})
		l.begin(time.Second)
		l.assigned()
		l.confirm(time.Now())
		if !l.held() {
			t.Fatal("not held after an answer")
		}
		time.Sleep(time.Second)
		if l.held() {
			t.Error("held for longer than the SC grants")
		}
		l.close()
	})
}
