package spu

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
	"github.com/fluvio-go/fluvio/engine/log/vfs/errorfs"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

func TestReplicate(t *testing.T) {
	c := newCluster(t, three, nil)
	a := replicated("t", three...)
	c.host(a)
	conn := c.nodes[1].dial()
	for i := range 50 {
		if base := mustCommit(t, conn, "t", fmt.Sprint("a", i), fmt.Sprint("b", i)); base != int64(2*i) {
			t.Fatalf("offset %d, want %d", base, 2*i)
		}
	}
	c.awaitEnds(a, 100, three...)
	c.sameUpTo(a, 100, three...)
	for _, id := range three[1:] {
		if !bytes.Equal(c.nodes[id].files(a), c.nodes[1].files(a)) {
			t.Errorf("the files of SPU %d differ from those of SPU 1", id)
		}
	}
	// The SC hears of followers too.
	c.await("reports", func() bool {
		c.sc.mu.Lock()
		defer c.sc.mu.Unlock()
		for _, id := range three {
			if r := c.sc.by[id][a.ReplicaRef]; r.LEO != 100 || r.HW != 100 || r.LeaderEpoch != 1 {
				return false
			}
		}
		return true
	})
}

// A follower that was away catches up, whatever happened to its connections.
func TestFollowerCatchesUp(t *testing.T) {
	c := newCluster(t, three, nil)
	a := acksAtOnce(replicated("t", three...))
	c.host(a)
	conn := c.nodes[1].dial()
	mustCommit(t, conn, "t", "both")
	c.cut(3, 1)
	for i := range 200 {
		mustProduce(t, conn, "t", fmt.Sprint(i, strings.Repeat("x", 10_000)))
	}
	c.await("SPU 2", func() bool { end, _ := c.ends(2, a); return end == 201 })
	if end, hw := c.ends(1, a); end != 201 || hw > 1 {
		t.Errorf("end %d, high watermark %d: SPU 3 is in sync and has 1", end, hw)
	}
	c.heal(3, 1)
	c.awaitEnds(a, 201, three...)
	c.sameUpTo(a, 201, three...)
}

// Connections end in the middle of answers, again and again.
func TestConnectionsBreak(t *testing.T) {
	c := newCluster(t, three, func(cfg *Config) {
		cfg.MaxPeerBytes = 30_000 // so that an answer can get through
		dial := cfg.DialPeer
		cfg.DialPeer = func(ctx context.Context, spec api.SpuSpec) (net.Conn, error) {
			nc, err := dial(ctx, spec)
			if err != nil {
				return nil, err
			}
			return &fragile{Conn: nc, left: 70_000}, nil
		}
	})
	a := replicated("t", three...)
	c.host(a)
	conn := c.nodes[1].dial()
	for i := range 100 {
		mustProduce(t, conn, "t", fmt.Sprint(i, strings.Repeat("x", 20_000)))
	}
	c.awaitEnds(a, 100, three...)
	c.sameUpTo(a, 100, three...)
}

// fragile breaks after some bytes were read.
type fragile struct {
	net.Conn
	left int
}

func (f *fragile) Read(p []byte) (int, error) {
	if f.left <= 0 {
		f.Conn.Close()
	}
	n, err := f.Conn.Read(p[:min(len(p), max(f.left, 1))])
	f.left -= n
	return n, err
}

func TestWipedFollowerRefills(t *testing.T) {
	c := newCluster(t, three, func(cfg *Config) { cfg.ReplicaLag = testLag })
	a := replicated("t", three...)
	c.host(a)
	conn := c.nodes[1].dial()
	for i := range 20 {
		mustCommit(t, conn, "t", fmt.Sprint(i))
	}
	c.nodes[3].kill()
	c.nodes[3].wipe()
	c.cut(3, 1)
	c.nodes[3].start()
	c.await("a smaller in-sync set", func() bool { return slices.Equal(c.assigned(a).ISR, []int32{1, 2}) })
	mustCommit(t, conn, "t", "without it")
	c.heal(3, 1)
	c.await("the full in-sync set", func() bool { return len(c.assigned(a).ISR) == 3 })
	c.awaitEnds(a, 21, three...)
	c.sameUpTo(a, 21, three...)
}

// A member that lost its data and comes back at once is put out before anyone
// can elect it.
func TestWipedMemberLeavesAtOnce(t *testing.T) {
	c := newCluster(t, three, nil) // with an endless lag
	a := replicated("t", three...)
	c.host(a)
	conn := c.nodes[1].dial()
	for i := range 20 {
		mustCommit(t, conn, "t", fmt.Sprint(i))
	}
	c.nodes[3].kill()
	empty := c.peer(3, 1)
	empty.at(a, 1, 0, -1)
	c.await("a smaller in-sync set", func() bool { return slices.Equal(c.assigned(a).ISR, []int32{1, 2}) })
	mustCommit(t, conn, "t", "without it")
	c.nodes[3].wipe()
	c.nodes[3].start()
	c.awaitEnds(a, 21, three...)
	c.await("the full in-sync set", func() bool { return len(c.assigned(a).ISR) == 3 })
}

func TestFollowerBehindLogStart(t *testing.T) {
	c := newCluster(t, three, func(cfg *Config) { cfg.Clean, cfg.ReplicaLag = 5*time.Millisecond, testLag })
	a := segmentSize(replicated("t", three...), 2048)
	limit := uint64(8000)
	a.Spec.Storage.MaxPartitionSize = &limit
	c.host(a)
	conn := c.nodes[1].dial()
	mustCommit(t, conn, "t", "first")
	c.cut(3, 1)
	for i := range 60 {
		mustProduce(t, conn, "t", fmt.Sprint(i, strings.Repeat("x", 500)))
	}
	c.await("eviction", func() bool { return c.part(1, a).report().StartOffset > 1 })
	c.heal(3, 1)
	c.awaitEnds(a, 61, three...)
	if start := c.part(3, a).report().StartOffset; start <= 1 {
		t.Errorf("the follower's log begins at %d", start)
	}
	c.sameUpTo(a, 61, three...)
	mustCommit(t, conn, "t", "after")
	c.awaitEnds(a, 62, three...)
}

// A batch larger than every limit of an answer gets through.
func TestLargeBatch(t *testing.T) {
	c := newCluster(t, three, nil)
	a := replicated("t", three...)
	c.host(a)
	conn := c.nodes[1].dial()
	mustCommit(t, conn, "t", strings.Repeat("x", 20<<20))
	mustCommit(t, conn, "t", "small")
	c.awaitEnds(a, 2, three...)
	c.sameUpTo(a, 2, three...)
}

// Many partitions share one connection and its limits.
func TestPartitionsTakeTurns(t *testing.T) {
	c := newCluster(t, three, func(cfg *Config) { cfg.MaxPeerBytes = 10_000 })
	var as []api.ReplicaAssignment
	for i := range 30 {
		as = append(as, replicated(fmt.Sprint("t", i), three...))
	}
	c.host(as...)
	conn := c.nodes[1].dial()
	for range 3 {
		for i := range as {
			mustProduce(t, conn, fmt.Sprint("t", i), strings.Repeat("x", 6_000))
		}
	}
	for _, a := range as {
		c.awaitEnds(a, 3, three...)
	}
}

// The old leader has records that nobody else got. They disappear, what the
// new leader wrote takes their place, and no committed reader ever saw them.
func TestDivergedTailIsCut(t *testing.T) {
	c := newCluster(t, three, nil)
	a := acksAtOnce(replicated("t", three...))
	c.host(a)
	conn := c.nodes[1].dial()
	reader := consume(t, conn, &api.StreamFetchRequest{Topic: "t", Isolation: api.ReadCommitted})
	for i := range 10 {
		mustCommit(t, conn, "t", fmt.Sprint("kept ", i))
	}
	c.awaitEnds(a, 10, three...)
	c.cut(2, 1)
	c.cut(3, 1)
	for i := range 7 {
		mustProduce(t, conn, "t", fmt.Sprint("lost ", i), "lost too")
	}
	c.elect(a, 2)
	second := c.nodes[2].dial()
	for i := range 4 {
		mustProduce(t, second, "t", fmt.Sprint("new ", i), "new", "new")
	}
	c.awaitEnds(a, 22, three...)
	c.sameUpTo(a, 22, three...)
	// And back, without anything in between.
	c.heal(2, 1)
	c.heal(3, 1)
	c.elect(a, 1)
	mustCommit(t, conn, "t", "last")
	c.awaitEnds(a, 23, three...)
	c.sameUpTo(a, 23, three...)
	for _, v := range c.recordsOf(3, a, 23) {
		if strings.HasPrefix(v, "lost") {
			t.Errorf("record %q came back", v)
		}
	}
	for id, next := uint32(0), int64(0); ; {
		resp := reader.next()
		if resp.Partition.Error.ID != api.OK {
			if resp.Partition.Error.ID != api.NotLeaderForPartition {
				t.Errorf("stream: %v", resp.Partition.Error)
			}
			break
		}
		var got []string
		got, next = values(t, resp)
		for _, v := range got {
			if !strings.HasPrefix(v, "kept") {
				t.Errorf("committed reader saw %q", v)
			}
		}
		if id = resp.StreamID; next < 10 {
			// The stream may have been ended by now.
			var ack api.UpdateOffsetsResponse
			call(t, conn, api.KeyUpdateOffsets, 0, &api.UpdateOffsetsRequest{Offsets: []api.StreamOffset{{Offset: next, SessionID: id}}}, &ack)
		}
	}
}

// Committed records are not removed even if the leader does not have them.
func TestCommittedRecordsAreKept(t *testing.T) {
	c := newCluster(t, three, nil)
	a := acksAtOnce(replicated("t", three...))
	c.host(a)
	conn := c.nodes[1].dial()
	for i := range 10 {
		mustCommit(t, conn, "t", fmt.Sprint(i))
	}
	c.awaitEnds(a, 10, three...)
	for _, id := range []int32{1, 3} {
		c.nodes[id].kill()
	}
	c.nodes[3].wipe() // and the SC does not know
	c.nodes[3].start()
	c.elect(a, 3)
	c.await("SPU 2 to complain", func() bool {
		return c.part(2, a).health.state() == api.ReplicaFailed
	})
	mustProduce(t, c.nodes[3].dial(), "t", "wrong")
	if end, hw := c.ends(2, a); end != 10 || hw != 10 {
		t.Errorf("end %d, high watermark %d, want the committed 10", end, hw)
	}
	c.await("the report", func() bool {
		c.sc.mu.Lock()
		defer c.sc.mu.Unlock()
		r := c.sc.by[2][a.ReplicaRef]
		return r.State == api.ReplicaFailed && strings.Contains(r.Reason, "committed here")
	})
	c.elect(a, 2)
	mustProduce(t, c.nodes[2].dial(), "t", "right")
	if state := c.part(2, a).health.state(); state != api.ReplicaServing {
		t.Errorf("state is %s", stateName(state))
	}
}

// peer talks to a leader as a follower would.
type peer struct {
	t testing.TB
	c *transport.Conn
	s uint32
}

func (c *cluster) peer(from, to int32) *peer {
	c.t.Helper()
	nc, err := c.dialPeer(context.Background(), from, to)
	if err != nil {
		c.t.Fatal(err)
	}
	conn := transport.NewConn(nc, "peer", transport.Options{RequestTimeout: testPatience})
	c.t.Cleanup(func() { conn.Close() })
	var resp api.PeerHelloResponse
	call(c.t, conn, api.KeyPeerHello, 1, &api.PeerHelloRequest{ClusterID: testCluster, From: from, To: to}, &resp)
	if err := resp.Error.Err(); err != nil {
		c.t.Fatal(err)
	}
	return &peer{t: c.t, c: conn}
}

// at says where the follower stands and returns the answer about it, or nil.
func (p *peer) at(a api.ReplicaAssignment, epoch int32, offset int64, last int32) *api.ReplicaFetchResult {
	p.t.Helper()
	p.s++
	req := &api.ReplicaFetchRequest{Session: p.s, Full: true, MaxWaitMS: 1, MaxBytes: 1 << 20, Partitions: []api.ReplicaFetchState{{
		ReplicaRef: a.ReplicaRef, LeaderEpoch: epoch, FetchOffset: offset, LastEpoch: last, HW: 1 << 60,
	}}}
	var resp api.ReplicaFetchResponse
	call(p.t, p.c, api.KeyReplicaFetch, 1, req, &resp)
	if resp.Session != p.s || resp.Unknown || len(resp.Partitions) > 1 {
		p.t.Fatalf("answer %+v", resp)
	}
	if len(resp.Partitions) == 0 {
		return nil
	}
	return &resp.Partitions[0]
}

func TestFetchIsFenced(t *testing.T) {
	c := newCluster(t, []int32{1}, nil)
	a := acksAtOnce(replicated("t", three...))
	a.LeaderEpoch = 5
	c.host(a)
	conn := c.nodes[1].dial()
	mustProduce(t, conn, "t", "a", "b")
	p := c.peer(2, 1)
	other := a
	other.TopicID = topicID("another")
	for _, tt := range []struct {
		name   string
		a      api.ReplicaAssignment
		epoch  int32
		offset int64
		last   int32
		want   api.ReplicaFetchStatus
	}{
		{"an old epoch", a, 4, 0, -1, api.FetchFenced},
		{"a later one", a, 6, 0, -1, api.FetchUnknown},
		{"another topic of that name", other, 5, 0, -1, api.FetchUnknown},
		{"the right one", a, 5, 0, -1, api.FetchOK},
		{"beyond the end", a, 5, 3, 5, api.FetchDiverged},
		{"records of an epoch that is unknown here", a, 5, 2, 4, api.FetchDiverged},
		{"an empty log beyond the end", a, 5, 3, -1, api.FetchDiverged},
		{"inside a batch", a, 5, 1, 5, api.FetchDiverged},
	} {
		if r := p.at(tt.a, tt.epoch, tt.offset, tt.last); r == nil || r.Status != tt.want {
			t.Errorf("%s: %+v, want status %d", tt.name, r, tt.want)
		}
	}
	if r := c.peer(9, 1).at(a, 5, 0, -1); r == nil || r.Status != api.FetchUnknown {
		t.Errorf("a stranger: %+v", r)
	}
}

// An answer of a leader of another epoch changes nothing.
func TestAnswersAreFenced(t *testing.T) {
	c := newCluster(t, []int32{2}, nil)
	a := replicated("t", three...)
	a.LeaderEpoch = 5
	c.sc.assign(a)
	c.await("the replica", func() bool { end, _ := c.ends(2, a); return end == 0 })
	p := c.part(2, a)
	batch := batchOf(t, "x")
	for _, tt := range []struct {
		name   string
		leader int32
		epoch  int32
		want   verdict
	}{
		{"an older epoch", 1, 4, ignore},
		{"a later epoch", 1, 6, ignore},
		{"another leader", 3, 5, ignore},
		{"the leader", 1, 5, ask},
	} {
		r := &api.ReplicaFetchResult{ReplicaRef: a.ReplicaRef, LeaderEpoch: tt.epoch, HW: 1, Records: api.RecordSet{Bytes: batch}}
		if v, err := p.replicate(tt.leader, r); v != tt.want || err != nil {
			t.Errorf("%s: verdict %d, %v", tt.name, v, err)
		}
	}
	if end, hw := c.ends(2, a); end != 1 || hw != 1 {
		t.Errorf("end %d, high watermark %d, want one record", end, hw)
	}
}

// The fetch offset is the truth about a follower, also when it goes back.
func TestFetchOffsetGoesBack(t *testing.T) {
	c := newCluster(t, []int32{1}, func(cfg *Config) { cfg.PeerWait = time.Millisecond })
	c.sc.alter = alterIgnore
	a := acksAtOnce(replicated("t", three...))
	c.host(a)
	conn := c.nodes[1].dial()
	for i := range 10 {
		mustProduce(t, conn, "t", fmt.Sprint(i))
	}
	two, third := c.peer(2, 1), c.peer(3, 1)
	for _, tt := range []struct {
		p      *peer
		offset int64
		hw     int64
	}{
		{two, 8, 0}, {two, 3, 0}, {third, 6, 3}, {third, 2, 3}, {two, 9, 3}, {third, 10, 9}, {two, 1, 9}, {two, 10, 10},
	} {
		tt.p.at(a, 1, tt.offset, 1)
		if _, hw := c.ends(1, a); hw != tt.hw {
			t.Errorf("SPU %p at %d: high watermark %d, want %d", tt.p, tt.offset, hw, tt.hw)
		}
	}
}

// Until the SC has confirmed that a member is out, nothing is committed
// without it.
func TestUnconfirmedShrink(t *testing.T) {
	c := newCluster(t, three, func(cfg *Config) { cfg.ReplicaLag = testLag })
	c.sc.mu.Lock()
	c.sc.alter = alterIgnore
	c.sc.mu.Unlock()
	a := replicated("t", three...)
	c.host(a)
	conn := c.nodes[1].dial()
	mustCommit(t, conn, "t", "all")
	c.nodes[3].kill()
	c.await("a proposal", func() bool {
		c.sc.mu.Lock()
		defer c.sc.mu.Unlock()
		return slices.ContainsFunc(c.sc.altered, func(ch api.ISRChange) bool { return slices.Equal(ch.ISR, []int32{1, 2}) })
	})
	if res := commit(t, conn, "t", time.Millisecond, "two"); res.Error.ID != api.RequestTimedOut {
		t.Errorf("produce: %v, want a time-out", res.Error)
	}
	if _, hw := c.ends(1, a); hw != 1 {
		t.Errorf("high watermark is %d, want 1", hw)
	}
	// The answer is lost, the assignment comes.
	c.alter(a, func(a *api.ReplicaAssignment) { a.ISR = []int32{1, 2} })
	c.awaitEnds(a, 2, 1, 2)
}

// What becomes of a proposal whose answer never arrives is found out by asking
// again.
func TestLostAnswerOfTheSC(t *testing.T) {
	c := newCluster(t, three, func(cfg *Config) { cfg.ReplicaLag = testLag })
	a := replicated("t", three...)
	c.host(a)
	conn := c.nodes[1].dial()
	mustCommit(t, conn, "t", "all")
	c.sc.mu.Lock()
	c.sc.alter = alterLose
	c.sc.mu.Unlock()
	c.nodes[3].kill()
	c.await("a smaller set in the store", func() bool { return len(c.assigned(a).ISR) == 2 })
	// The connection on which the answer was to come ends, and with the next
	// one comes the truth.
	c.sc.mu.Lock()
	c.sc.alter = alterAccept
	c.sc.mu.Unlock()
	c.sc.down()
	c.sc.up()
	mustCommit(t, conn, "t", "two")
}

func TestDeadFollower(t *testing.T) {
	c := newCluster(t, three, func(cfg *Config) { cfg.ReplicaLag = testLag })
	a := replicated("t", three...)
	a.Config.MinInSync = 2
	c.host(a)
	conn := c.nodes[1].dial()
	mustCommit(t, conn, "t", "all")
	c.nodes[3].kill()
	mustCommit(t, conn, "t", "two") // waits for the shrink
	if isr := c.assigned(a).ISR; !slices.Equal(isr, []int32{1, 2}) {
		t.Errorf("in-sync set is %v", isr)
	}
	// With one less there are too few. Who waits already is told when the set
	// shrinks, who comes later at once.
	c.nodes[2].kill()
	want := "not enough in-sync replicas: 1 of 2"
	for range 2 {
		if res := commit(t, conn, "t", testPatience, "one"); res.Error.ID != api.Other || !strings.Contains(res.Error.Error(), want) {
			t.Errorf("produce: %v, want %q", res.Error, want)
		}
	}
	mustProduce(t, conn, "t", "uncommitted is fine")
	c.nodes[2].start()
	c.await("SPU 2 in sync", func() bool { return len(c.assigned(a).ISR) == 2 })
	c.await("a commit", func() bool { return commit(t, conn, "t", testPatience, "two again").Error.ID == api.OK })
}

// A follower with a full disk drops out and comes back by itself.
func TestFollowerDiskFull(t *testing.T) {
	c := newCluster(t, three, func(cfg *Config) { cfg.ReplicaLag, cfg.RetryMax = testLag, 20*time.Millisecond })
	a := replicated("t", three...)
	c.host(a)
	conn := c.nodes[1].dial()
	mustCommit(t, conn, "t", "all")
	c.awaitEnds(a, 1, three...)
	c.nodes[3].fs.Inject(errorfs.Rule{Op: errorfs.OpWrite, Match: "*.log", Err: syscall.ENOSPC})
	c.nodes[3].fs.Inject(errorfs.Rule{Op: errorfs.OpWrite, Match: "space.tmp", Err: syscall.ENOSPC})
	mustCommit(t, conn, "t", "two")
	if isr := c.assigned(a).ISR; slices.Contains(isr, 3) {
		t.Errorf("in-sync set is %v", isr)
	}
	c.await("the report", func() bool {
		c.sc.mu.Lock()
		defer c.sc.mu.Unlock()
		return c.sc.by[3][a.ReplicaRef].State == api.ReplicaOutOfStorage
	})
	c.nodes[3].fs.Clear()
	c.await("SPU 3 in sync", func() bool { return len(c.assigned(a).ISR) == 3 })
	c.awaitEnds(a, 2, three...)
	if state := c.part(3, a).health.state(); state != api.ReplicaServing {
		t.Errorf("state is %s", stateName(state))
	}
}

// Under "always" a follower is counted when its disk has the records.
func TestFollowerSyncFails(t *testing.T) {
	c := newCluster(t, three, func(cfg *Config) { cfg.ReplicaLag, cfg.RetryMax = testLag, 20*time.Millisecond })
	a := replicated("t", three...)
	a.Config.Durability = api.DurabilityAlways
	c.host(a)
	conn := c.nodes[1].dial()
	mustCommit(t, conn, "t", "all")
	c.awaitEnds(a, 1, three...)
	c.nodes[3].fs.Inject(errorfs.Rule{Op: errorfs.OpSync, Err: syscall.EIO})
	mustCommit(t, conn, "t", "two")
	if isr := c.assigned(a).ISR; slices.Contains(isr, 3) {
		t.Errorf("in-sync set is %v", isr)
	}
	if state := c.part(3, a).health.state(); state != api.ReplicaFailed {
		t.Errorf("state is %s", stateName(state))
	}
	c.nodes[3].fs.Clear()
	c.await("SPU 3 in sync", func() bool { return len(c.assigned(a).ISR) == 3 })
	c.awaitEnds(a, 2, three...)
	c.await("recovery", func() bool { return c.part(3, a).health.state() == api.ReplicaServing })
	c.sameUpTo(a, 2, three...)
}

// A leader that can save its unsynced records from a device that failed to sync
// them goes on leading: nobody has lost anything.
func TestLeaderSavesItsTail(t *testing.T) {
	c := newCluster(t, three, nil)
	a := replicated("t", three...)
	a.Config.Durability = api.DurabilityAlways
	c.host(a)
	conn := c.nodes[1].dial()
	mustCommit(t, conn, "t", "safe")
	c.awaitEnds(a, 1, three...)
	c.nodes[1].fs.Inject(errorfs.Rule{Op: errorfs.OpSync, Match: "*.log", Times: 1, Err: syscall.EIO, Do: func() { c.awaitFollowers(a, 2) }})
	produce(t, conn, produceReq("t", entry(0, batchOf(t, "saved")))) // acknowledged or not, it is there
	mustCommit(t, conn, "t", "next")
	if !c.leads(a.Key, 1) {
		t.Error("the leader stepped down")
	}
	c.awaitEnds(a, 3, three...)
	c.sameUpTo(a, 3, three...)
}

// awaitFollowers waits until SPUs 2 and 3 have everything before end.
func (c *cluster) awaitFollowers(a api.ReplicaAssignment, end int64) {
	c.await("the followers", func() bool {
		two, _ := c.ends(2, a)
		third, _ := c.ends(3, a)
		return two == end && third == end
	})
}

// logFile is the first segment of a replica.
func logFile(n *node, key api.ReplicaKey) string {
	return filepath.Join(n.srv.replicaDir(key), "00000000000000000000.log")
}

func fileSize(t *testing.T, fsys vfs.FS, name string) int64 {
	t.Helper()
	info, err := fsys.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size
}

// wipe overwrites a file with zeros from off on.
func wipe(t *testing.T, fsys vfs.FS, name string, off int64) {
	t.Helper()
	f, err := fsys.OpenRW(name)
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	if _, err := f.WriteAt(make([]byte, fileSize(t, fsys, name)-off), off); err != nil {
		t.Error(err)
	}
}

// A leader that loses records which followers have must not put others in
// their place.
func TestLeaderLosesItsTail(t *testing.T) {
	c := newCluster(t, three, nil)
	a := replicated("t", three...)
	a.Config.Durability = api.DurabilityAlways
	c.host(a)
	conn := c.nodes[1].dial()
	mustCommit(t, conn, "t", "safe")
	c.awaitEnds(a, 1, three...)
	// Once the followers have the record the sync fails, and with it goes what
	// the page cache held: there is nothing left to save to another file.
	n := c.nodes[1]
	tail := logFile(n, a.Key)
	synced := fileSize(t, n.mem, tail)
	n.fs.Inject(errorfs.Rule{Op: errorfs.OpSync, Match: "*.log", Times: 1, Err: syscall.EIO, Do: func() {
		c.awaitFollowers(a, 2)
		wipe(t, n.mem, tail, synced)
	}})
	if res := produce(t, conn, produceReq("t", entry(0, batchOf(t, "lost at the leader"))))[0]; res.Error.ID == api.OK {
		t.Error("the record was acknowledged")
	}
	c.await("SPU 1 to step down", func() bool { return !c.leads(a.Key, 1) })
	if res := produce(t, conn, produceReq("t", entry(0, batchOf(t, "another"))))[0]; res.Error.ID != api.NotLeaderForPartition {
		t.Errorf("produce: %v", res.Error)
	}
	c.await("the report", func() bool {
		c.sc.mu.Lock()
		defer c.sc.mu.Unlock()
		return c.sc.by[1][a.ReplicaRef].State == api.ReplicaFailed
	})
	c.elect(a, 2)
	mustCommit(t, c.nodes[2].dial(), "t", "next")
	c.awaitEnds(a, 3, three...)
	c.sameUpTo(a, 3, three...)
}

func TestCloseMovesLeaders(t *testing.T) {
	c := newCluster(t, three, nil)
	a := replicated("t", three...)
	c.host(a)
	conn := c.nodes[1].dial()
	mustCommit(t, conn, "t", "x")
	c.nodes[1].close()
	c.awaitLeader(a.Key, 2)
	if now := c.assigned(a); now.Leader != 2 || now.LeaderEpoch != 2 {
		t.Errorf("assigned %+v", now)
	}
	c.nodes[1].start()
	mustCommit(t, c.nodes[2].dial(), "t", "y")
	c.awaitEnds(a, 2, three...)
}

// The leader dies before the followers know what is committed. It comes back
// with a higher watermark than the new leader had, which stops nobody.
func TestWatermarkNotPropagated(t *testing.T) {
	for _, ids := range [][]int32{{1, 2}, three} {
		t.Run(fmt.Sprint(len(ids), " replicas"), func(t *testing.T) {
			c := newCluster(t, ids, nil)
			a := replicated("t", ids...)
			c.host(a)
			conn := c.nodes[1].dial()
			for i := range 10 {
				mustCommit(t, conn, "t", fmt.Sprint(i))
			}
			for _, n := range c.nodes {
				n.kill()
			}
			// Nothing of the watermarks but SPU 1's was written.
			for _, id := range ids[1:] {
				dir := c.nodes[id].dir(a)
				_ = c.nodes[id].mem.Remove(dir + "/replication.chk")
			}
			for _, id := range ids[1:] {
				c.nodes[id].start()
			}
			c.elect(a, 2)
			c.alter(a, func(a *api.ReplicaAssignment) { a.ISR = ids[1:] })
			c.awaitEnds(a, 10, ids[1:]...)
			mustCommit(t, c.nodes[2].dial(), "t", "next")
			c.nodes[1].start()
			c.awaitEnds(a, 11, ids...)
			c.await("SPU 1 in sync", func() bool { return len(c.assigned(a).ISR) == len(ids) })
			mustCommit(t, c.nodes[2].dial(), "t", "and on")
			c.awaitEnds(a, 12, ids...)
			c.sameUpTo(a, 12, ids...)
		})
	}
}

func TestStrangersAreRefused(t *testing.T) {
	c := newCluster(t, []int32{1}, nil)
	c.host(replicated("t", three...))
	for _, tt := range []struct {
		hello api.PeerHelloRequest
		want  string
	}{
		{api.PeerHelloRequest{ClusterID: "another", From: 2, To: 1}, "belongs to cluster"},
		{api.PeerHelloRequest{ClusterID: testCluster, From: 2, To: 3}, "this is SPU 1"},
		{api.PeerHelloRequest{ClusterID: testCluster, From: 1, To: 1}, "cannot follow"},
	} {
		nc, err := c.dialPeer(context.Background(), 2, 1)
		if err != nil {
			t.Fatal(err)
		}
		conn := transport.NewConn(nc, "peer", transport.Options{RequestTimeout: testPatience})
		var resp api.PeerHelloResponse
		call(t, conn, api.KeyPeerHello, 1, &tt.hello, &resp)
		if err := resp.Error.Err(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: %v, want %q", tt.hello, err, tt.want)
		}
		conn.Close()
	}
}
