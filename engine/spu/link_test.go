package spu

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
	"github.com/fluvio-go/fluvio/engine/log/vfs/errorfs"
	"github.com/fluvio-go/fluvio/netproto/api"
)

func TestReports(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Report = time.Millisecond })
	a, b := assignment("t", 0), assignment("t", 1)
	r.host(a, b)
	r.sc.await("first reports", func() bool { return len(r.sc.reports) == 2 })
	c := r.dial()
	mustProduce(t, c, "t", "a", "b")
	r.sc.await("offsets", func() bool {
		rep := r.sc.reports[a.ReplicaRef]
		return rep.LEO == 2 && rep.HW == 2 && rep.Size > 0 && rep.StartOffset == 0 && rep.LeaderEpoch == 1 && rep.State == api.ReplicaServing
	})
	r.sc.mu.Lock()
	heard := r.sc.heard
	r.sc.mu.Unlock()
	r.sc.await("heartbeats while nothing happens", func() bool { return r.sc.heard > heard+2 })
	r.sc.mu.Lock()
	reg := r.sc.registers[0]
	r.sc.mu.Unlock()
	if reg.SpuID != testSpu || reg.ClusterID != "" || reg.Boot == 0 {
		t.Errorf("first registration: %+v", reg)
	}
}

func TestServesWhileTheSCIsAway(t *testing.T) {
	r := newRig(t, nil)
	a := assignment("t", 0)
	r.host(a)
	c := r.dial()
	mustProduce(t, c, "t", "a")
	r.sc.down()
	if off := mustProduce(t, c, "t", "b"); off != 1 {
		t.Errorf("offset %d without an SC", off)
	}
	mustProduce(t, r.dial(), "t", "c")
	r.sc.mu.Lock()
	clear(r.sc.reports)
	r.sc.mu.Unlock()
	r.sc.up()
	r.sc.await("a full report after reconnecting", func() bool { return r.sc.reports[a.ReplicaRef].LEO == 3 })
	r.sc.mu.Lock()
	defer r.sc.mu.Unlock()
	n := len(r.sc.registers)
	if first, last := r.sc.registers[0], r.sc.registers[n-1]; n < 2 || last.Boot != first.Boot || last.ClusterID != testCluster {
		t.Errorf("registrations %+v", r.sc.registers)
	}
}

func TestRegistersAgain(t *testing.T) {
	r := newRig(t, nil)
	r.host(assignment("t", 0))
	r.sc.mu.Lock()
	r.sc.refuse, r.sc.forget = api.ErrorCode{ID: api.SpuRegistrationFailed}, true
	n := len(r.sc.registers)
	r.sc.mu.Unlock()
	mustProduce(t, r.dial(), "t", "makes a report")
	r.sc.await("attempts", func() bool { return len(r.sc.registers) > n+2 })
	r.sc.mu.Lock()
	r.sc.refuse = api.ErrorCode{}
	clear(r.sc.reports)
	r.sc.mu.Unlock()
	r.sc.await("reports", func() bool { return len(r.sc.reports) == 1 })
}

func TestRestartKeepsEverything(t *testing.T) {
	for _, how := range []string{"close", "kill"} {
		t.Run(how, func(t *testing.T) {
			r := newRig(t, nil)
			r.host(always1(assignment("t", 0)), assignment("t", 1))
			c := r.dial()
			for i := range 10 {
				mustProduce(t, c, "t", fmt.Sprint(i))
			}
			if how == "kill" {
				r.srv.Kill()
			} else {
				r.stop()
			}
			r.start()
			r.awaitServing(assignment("t", 0).Key)
			c = r.dial()
			s := consume(t, c, &api.StreamFetchRequest{Topic: "t"})
			vals, next := values(t, s.next())
			if next != 10 || len(vals) != 10 || vals[9] != "9" {
				t.Errorf("read %q up to %d", vals, next)
			}
			if off := mustProduce(t, c, "t", "more"); off != 10 {
				t.Errorf("next offset is %d", off)
			}
		})
	}
}

// TestWrongClusterNeverWipes: an SC of another cluster, whose full list is
// empty, must not cost any data.
func TestWrongClusterNeverWipes(t *testing.T) {
	r := newRig(t, nil)
	a := assignment("t", 0)
	r.host(always1(a))
	mustProduce(t, r.dial(), "t", "precious")

	foreign := func(n int) {
		r.sc.mu.Lock()
		r.sc.cluster = "cluster-2"
		saved := r.sc.assigned
		r.sc.assigned = map[api.ReplicaRef]api.ReplicaAssignment{}
		seen := len(r.sc.registers)
		r.sc.mu.Unlock()
		r.sc.up()
		r.sc.await("attempts to register", func() bool { return len(r.sc.registers) > seen+n })
		r.sc.mu.Lock()
		if len(r.sc.watchers) > 0 {
			t.Error("the SPU asked an SC of another cluster for assignments")
		}
		r.sc.cluster, r.sc.assigned = testCluster, saved
		r.sc.mu.Unlock()
	}
	r.sc.down()
	foreign(3) // while running
	r.sc.down()
	r.stop()
	r.start()
	foreign(3) // after a restart
	r.awaitServing(a.Key)
	c := r.dial()
	if vals, _ := values(t, consume(t, c, &api.StreamFetchRequest{Topic: "t"}).next()); !slices.Equal(vals, []string{"precious"}) {
		t.Errorf("read %q", vals)
	}
}

func TestFullListDropsWhatItLacks(t *testing.T) {
	r := newRig(t, nil)
	gone, kept, again := assignment("gone", 0), assignment("kept", 0), assignment("again", 0)
	r.host(gone, kept, again)
	c := r.dial()
	for _, topic := range []string{"gone", "kept", "again"} {
		mustProduce(t, c, topic, "old")
	}
	// A directory of upstream's SPU and something that is no replica.
	root := r.cfg.root()
	for _, dir := range []string{"imported-0", "notes"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r.stop()
	// While the SPU is away one topic is deleted, one deleted and made again.
	r.sc.drop(gone.ReplicaRef, again.ReplicaRef)
	old := again.ReplicaRef
	again.TopicID = topicID("another")
	r.sc.assign(again)
	r.start()
	r.sc.await("confirmations", func() bool { return r.sc.removed[gone.ReplicaRef] && r.sc.removed[old] })
	r.awaitServing(kept.Key)
	r.awaitServing(again.Key)
	names, err := vfs.Disk.List(root)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"again-0", "imported-0", "kept-0", "notes", identityName}; !slices.Equal(names, want) {
		t.Errorf("directory holds %q, want %q", names, want)
	}
	c = r.dial()
	if got := fetchOffsets(t, c, "kept").LastStableOffset; got != 1 {
		t.Errorf("the topic that stayed ends at %d", got)
	}
	if got := fetchOffsets(t, c, "again").LastStableOffset; got != 0 {
		t.Errorf("the new topic shows %d records of the old one", got)
	}
	// An empty full list is a full list.
	r.sc.mu.Lock()
	clear(r.sc.assigned)
	r.sc.send(r.sc.full())
	r.sc.mu.Unlock()
	r.sc.await("removal of the rest", func() bool { return r.sc.removed[kept.ReplicaRef] && r.sc.removed[again.ReplicaRef] })
}

func TestTopicMadeAgainUnderItsName(t *testing.T) {
	r := newRig(t, nil)
	a := assignment("t", 0)
	r.host(a)
	c := r.dial()
	mustProduce(t, c, "t", "old")
	old := a.ReplicaRef
	a.TopicID = topicID("second")
	r.host(a) // before the removal of the first is heard of
	r.awaitRevision(r.sc.drop(old))
	if got := fetchOffsets(t, c, "t").LastStableOffset; got != 0 {
		t.Errorf("the new topic shows %d records of the old one", got)
	}
	if off := mustProduce(t, c, "t", "new"); off != 0 {
		t.Errorf("first offset is %d", off)
	}
	r.sc.await("confirmation", func() bool { return r.sc.removed[old] })
}

func TestFailedOpenIsReportedAndRetried(t *testing.T) {
	fs := errorfs.New(vfs.Disk)
	r := newRig(t, func(c *Config) { c.FS = fs })
	remove := fs.Inject(errorfs.Rule{Op: errorfs.OpMkdir, Match: "bad-0", Err: syscall.EIO})
	bad, good := assignment("bad", 0), assignment("good", 0)
	r.host(bad, good)
	c := r.dial()
	mustProduce(t, c, "good", "not concerned")
	r.sc.await("failure", func() bool {
		rep := r.sc.reports[bad.ReplicaRef]
		return rep.State == api.ReplicaFailed && rep.Reason != ""
	})
	if e := produce(t, c, produceReq("bad", entry(0, batchOf(t, "x"))))[0].Error; e.ID != api.NotLeaderForPartition {
		t.Errorf("produce to a failed replica: %v", e)
	}
	remove()
	r.sc.await("recovery", func() bool {
		rep, ok := r.sc.reports[bad.ReplicaRef]
		return ok && rep.State == api.ReplicaServing
	})
	mustProduce(t, c, "bad", "works")
}

func TestSettingsChangeLive(t *testing.T) {
	r := newRig(t, nil)
	a := assignment("t", 0)
	r.host(a)
	c := r.dial()
	gzip := a
	gzip.Spec.Compression = api.CompressionGzip
	r.host(gzip)
	if e := produce(t, c, produceReq("t", entry(0, batchOf(t, "x"))))[0].Error; e.ID != api.CompressionError {
		t.Errorf("after the change: %v", e)
	}
	r.host(segmentSize(a, 1024))
	if e := produce(t, c, produceReq("t", entry(0, batchOf(t, string(make([]byte, 2000))))))[0].Error; e.ID != api.MessageTooLarge {
		t.Errorf("after the second change: %v", e)
	}
}

// TestCloseAnswersWhatIsParked: requests that were read before Close are
// answered.
func TestCloseAnswersWhatIsParked(t *testing.T) {
	fs := errorfs.New(vfs.Disk)
	parked := make(chan struct{}, 10)
	r := newRig(t, func(c *Config) {
		c.FS = fs
		c.Events.Parked = func(api.ReplicaKey, int64) { parked <- struct{}{} }
	})
	r.host(always1(assignment("t", 0)))
	g := newGate()
	defer g.open()
	defer fs.Inject(errorfs.Rule{Op: errorfs.OpSync, Match: "*.log", Do: g.hold})()
	nc := r.raw()
	if _, err := nc.Write(produceFrame(t, 7, produceReq("t", entry(0, batchOf(t, "x"))))); err != nil {
		t.Fatal(err)
	}
	<-parked
	<-g.entered
	closed := make(chan struct{})
	go func() { defer close(closed); r.stop() }()
	for !r.srv.draining.Load() {
		runtime.Gosched()
	}
	g.open()
	if id, resp := parseProduce(t, readRaw(t, nc)); id != 7 || resp.Topics[0].Partitions[0].Error.ID != api.OK {
		t.Errorf("got %d: %+v", id, resp)
	}
	<-closed
	if _, err := nc.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is still open")
	}
	if err := r.srv.Close(context.Background()); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}

func TestManyPartitions(t *testing.T) {
	r := newRig(t, nil)
	const n = 300
	as := make([]api.ReplicaAssignment, n)
	for i := range as {
		as[i] = assignment("t", uint32(i))
	}
	r.host(as...)
	c := r.dial()
	entries := make([]api.ProducePartition, n)
	for i := range entries {
		entries[i] = entry(uint32(i), batchOf(t, "x"))
	}
	for i, res := range produce(t, c, produceReq("t", entries...)) {
		if res.Error.ID != api.OK || res.Partition != uint32(i) {
			t.Fatalf("entry %d: %+v", i, res)
		}
	}
	r.sc.await("reports of all", func() bool {
		for _, a := range as {
			if r.sc.reports[a.ReplicaRef].LEO != 1 {
				return false
			}
		}
		return true
	})
	refs := make([]api.ReplicaRef, n)
	for i := range refs {
		refs[i] = as[i].ReplicaRef
	}
	r.sc.drop(refs...)
	r.sc.await("removals", func() bool { return len(r.sc.removed) == n })
}
