package spu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
	"github.com/fluvio-go/fluvio/engine/log/vfs/errorfs"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/record"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

func TestProduceAnswersEveryEntry(t *testing.T) {
	r := newRig(t, nil)
	only := assignment("gzip-only", 0)
	only.Spec.Compression = api.CompressionGzip
	r.host(always1(assignment("t", 0)), assignment("t", 1), only)
	c := r.dial()

	bad := batchOf(t, "bad")
	bad[len(bad)-1] ^= 1
	odd := record.Batch(batchOf(t, "odd codec"))
	odd[22] = 6
	odd.SetCRC()
	req := &api.ProduceRequest{TimeoutMS: 1500, Topics: []api.ProduceTopic{
		{Name: "t", Partitions: []api.ProducePartition{
			entry(0, batchOf(t, "a", "b")),
			entry(1, batchOf(t, "c")),
			entry(0, bad),
			entry(0, batchOf(t, "d"), emptyBatch(-1, true), batchOf(t, "e")),
			entry(0),
			entry(0, emptyBatch(0, true)),
			entry(9, batchOf(t, "nowhere")),
			entry(0, batchOf(t, "f")),
			entry(0, odd),
			entry(0, batchOf(t, "cut")[:60]),
		}},
		{Name: "t"}, // what a flush of nothing sends
		{Name: "gzip-only", Partitions: []api.ProducePartition{entry(0, batchOf(t, "plain")), entry(0, emptyBatch(-1, true))}},
		{Name: "unknown", Partitions: []api.ProducePartition{entry(0)}},
	}}
	for _, iso := range []api.Isolation{api.ReadUncommitted, api.ReadCommitted} {
		req.Isolation = iso
		before := fetchOffsets(t, c, "t").LastStableOffset
		var resp api.ProduceResponse
		call(t, c, api.KeyProduce, api.SpuVersion, req, &resp)
		var got strings.Builder
		for _, topic := range resp.Topics {
			fmt.Fprintf(&got, "%s:", topic.Name)
			for _, p := range topic.Partitions {
				base := p.BaseOffset
				if topic.Name == "t" && p.Partition == 0 && p.Error.ID == api.OK && base > 0 {
					base -= before
				}
				fmt.Fprintf(&got, " %d/%s@%d", p.Partition, p.Error.ID.Name(), base)
			}
			got.WriteByte('\n')
		}
		second := before / 5
		want := fmt.Sprintf(`t: 0/None@0 1/None@%d 0/Other@0 0/None@2 0/None@0 0/None@0 9/NotLeaderForPartition@0 0/None@4 0/CompressionError@0 0/Other@0
t:
gzip-only: 0/CompressionError@0 0/None@0
unknown: 0/NotLeaderForPartition@0
`, second)
		if got.String() != want {
			t.Errorf("isolation %v:\n got %s\nwant %s", iso, got.String(), want)
		}
		if after := fetchOffsets(t, c, "t").LastStableOffset; after != before+5 {
			t.Errorf("high watermark is %d, want %d", after, before+5)
		}
	}
}

func TestSmartModulesAreRefused(t *testing.T) {
	r := newRig(t, nil)
	r.host(assignment("t", 0))
	c := r.dial()
	name := "adhoc"
	for _, tt := range []struct {
		module api.SmartModuleInvocation
		want   api.Code
		text   string
	}{
		{api.SmartModuleInvocation{Predefined: "my-filter"}, api.SmartModuleNotFound, "SmartModule my-filter was not found"},
		{api.SmartModuleInvocation{AdHoc: true, Wasm: []byte("wasm"), Name: &name}, api.SmartModuleInvalid, "does not run SmartModules"},
	} {
		req := produceReq("t", entry(0, batchOf(t, "a")))
		req.SmartModules = []api.SmartModuleInvocation{tt.module}
		res := produce(t, c, req)[0]
		if res.Error.ID != tt.want || !strings.Contains(res.Error.Error(), tt.text) {
			t.Errorf("produce: %v, want %s", res.Error, tt.want.Name())
		}
		s := consume(t, c, &api.StreamFetchRequest{Topic: "t", SmartModules: req.SmartModules})
		got := s.next()
		if got.StreamID == 0 || got.Partition.Error.ID != tt.want {
			t.Errorf("stream %d: %v, want %s on a stream of its own", got.StreamID, got.Partition.Error, tt.want.Name())
		}
	}
	if end := fetchOffsets(t, c, "t").LastStableOffset; end != 0 {
		t.Errorf("%d records were written", end)
	}
}

func TestOneSyncPerRequest(t *testing.T) {
	fs := errorfs.New(vfs.Disk)
	r := newRig(t, func(c *Config) { c.FS = fs })
	r.host(always1(assignment("t", 0)))
	c := r.dial()
	mustProduce(t, c, "t", "warm up") // syncs the names too
	entries := make([]api.ProducePartition, 50)
	for i := range entries {
		entries[i] = entry(0, batchOf(t, "a", "b"))
	}
	fs.ResetCounts()
	for i, res := range produce(t, c, produceReq("t", entries...)) {
		if res.Error.ID != api.OK || res.BaseOffset != int64(1+2*i) {
			t.Fatalf("entry %d: %v at %d", i, res.Error, res.BaseOffset)
		}
	}
	if n := fs.Count(errorfs.OpSync); n != 1 {
		t.Errorf("%d syncs for one request, want 1", n)
	}
}

// gate holds syncs of segments back until it is opened.
type gate struct {
	entered chan struct{}
	release chan struct{}
	once    sync.Once
}

func newGate() *gate { return &gate{entered: make(chan struct{}, 100), release: make(chan struct{})} }

func (g *gate) hold() {
	select {
	case g.entered <- struct{}{}:
	default:
	}
	<-g.release
}

func (g *gate) open() { g.once.Do(func() { close(g.release) }) }

func TestParkedProduceBlocksNothing(t *testing.T) {
	fs := errorfs.New(vfs.Disk)
	r := newRig(t, func(c *Config) { c.FS = fs })
	r.host(always1(assignment("t", 0)), assignment("other", 0))
	c := r.dial()
	mustProduce(t, c, "t", "warm up")
	g := newGate()
	defer g.open()
	defer fs.Inject(errorfs.Rule{Op: errorfs.OpSync, Match: "*.log", Do: g.hold})()

	type answer struct {
		res []api.ProduceResult
		err error
	}
	answers := make(chan answer, 10)
	for range 10 {
		go func() {
			var resp api.ProduceResponse
			err := c.Call(context.Background(), api.KeyProduce, api.SpuVersion, produceReq("t", entry(0, batchOf(t, "x"))), &resp)
			if err == nil {
				answers <- answer{res: resp.Topics[0].Partitions}
				return
			}
			answers <- answer{err: err}
		}()
	}
	<-g.entered
	// On the same connection: other requests, other partitions, streams.
	if got := fetchOffsets(t, c, "t").LastStableOffset; got != 1 {
		t.Errorf("high watermark is %d before the sync, want 1", got)
	}
	mustProduce(t, c, "other", "y")
	s := consume(t, c, &api.StreamFetchRequest{Topic: "other"})
	if vals, _ := values(t, s.next()); len(vals) != 1 {
		t.Errorf("stream delivered %q", vals)
	}
	select {
	case a := <-answers:
		t.Fatalf("answered before the sync: %+v", a)
	default:
	}
	g.open()
	seen := map[int64]bool{}
	for range 10 {
		a := <-answers
		if a.err != nil || a.res[0].Error.ID != api.OK {
			t.Fatalf("%+v", a)
		}
		seen[a.res[0].BaseOffset] = true
	}
	for o := int64(1); o <= 10; o++ {
		if !seen[o] {
			t.Errorf("offset %d was not assigned", o)
		}
	}
}

func TestReadCommittedTimesOut(t *testing.T) {
	fs := errorfs.New(vfs.Disk)
	r := newRig(t, func(c *Config) { c.FS = fs })
	r.host(always1(assignment("t", 0)))
	c := r.dial()
	mustProduce(t, c, "t", "warm up")
	g := newGate()
	defer g.open()
	defer fs.Inject(errorfs.Rule{Op: errorfs.OpSync, Match: "*.log", Do: g.hold})()
	req := produceReq("t", entry(0, batchOf(t, "x")), entry(0))
	req.Isolation, req.TimeoutMS = api.ReadCommitted, 5
	res := produce(t, c, req)
	if e := res[0].Error; e.ID != api.RequestTimedOut || e.Detail.TimeoutMS != 5 || res[0].BaseOffset != 0 {
		t.Errorf("got %+v, want a time-out of 5 ms", res[0])
	}
	if res[1].Error.ID != api.OK {
		t.Errorf("the empty entry got %v", res[1].Error)
	}
}

// A committed read needs more than the leader: with a second replica in the
// in-sync set that does not follow, nothing is committed.
func TestReadCommittedNeedsTheInSyncSet(t *testing.T) {
	r := newRig(t, nil)
	a := assignment("t", 0)
	a.Replicas, a.ISR = []int32{testSpu, 5002}, []int32{testSpu, 5002}
	r.host(a)
	c := r.dial()
	mustProduce(t, c, "t", "x")
	req := produceReq("t", entry(0, batchOf(t, "y")))
	req.Isolation, req.TimeoutMS = api.ReadCommitted, 1
	if e := produce(t, c, req)[0].Error; e.ID != api.RequestTimedOut {
		t.Errorf("got %v, want a time-out", e)
	}
	if hw := fetchOffsets(t, c, "t").LastStableOffset; hw != 0 {
		t.Errorf("high watermark is %d", hw)
	}
	s := consume(t, c, &api.StreamFetchRequest{Topic: "t", Isolation: api.ReadUncommitted})
	if vals, _ := values(t, s.next()); len(vals) != 2 {
		t.Errorf("uncommitted reader got %q", vals)
	}
}

func TestPipelinedProduceKeepsOrder(t *testing.T) {
	r := newRig(t, nil)
	r.host(always1(assignment("t", 0)))
	nc := r.raw()
	const n = 200
	go func() {
		for i := range n {
			_, _ = nc.Write(produceFrame(t, int32(i), produceReq("t", entry(0, batchOf(t, fmt.Sprint(i))))))
		}
	}()
	for range n {
		frame := readRaw(t, nc)
		id, resp := parseProduce(t, frame)
		if got := resp.Topics[0].Partitions[0]; got.Error.ID != api.OK || got.BaseOffset != int64(id) {
			t.Fatalf("request %d got offset %d, %v", id, got.BaseOffset, got.Error)
		}
	}
}

func TestBackPressure(t *testing.T) {
	fs := errorfs.New(vfs.Disk)
	parked := make(chan struct{}, 100)
	r := newRig(t, func(c *Config) {
		c.FS, c.MaxParked = fs, 3
		c.Events.Parked = func(api.ReplicaKey, int64) { parked <- struct{}{} }
	})
	r.host(always1(assignment("t", 0)))
	nc := r.raw()
	nc.Write(produceFrame(t, 0, produceReq("t", entry(0, batchOf(t, "warm up")))))
	readRaw(t, nc)
	<-parked
	g := newGate()
	defer g.open()
	defer fs.Inject(errorfs.Rule{Op: errorfs.OpSync, Match: "*.log", Do: g.hold})()
	const n = 10
	for i := range n {
		nc.Write(produceFrame(t, int32(i), produceReq("t", entry(0, batchOf(t, "x")))))
	}
	for range 3 {
		<-parked
	}
	<-g.entered
	if got := fetchOffsets(t, r.dial(), "t"); got.LastStableOffset != 1 {
		t.Errorf("high watermark is %d", got.LastStableOffset)
	}
	if end := r.srv.replicas.get(api.ReplicaKey{Topic: "t"}).open().EndOffset(); end != 1+3 {
		t.Errorf("%d records were appended with room for 3 requests", end-1)
	}
	g.open()
	for range n {
		readRaw(t, nc)
	}
}

func TestMessageTooLarge(t *testing.T) {
	r := newRig(t, nil)
	r.host(assignment("t", 0), segmentSize(assignment("small", 0), 1024))
	c := r.dial()
	big := string(make([]byte, 33<<20))
	if e := produce(t, c, produceReq("t", entry(0, batchOf(t, big))))[0].Error; e.ID != api.MessageTooLarge {
		t.Errorf("33 MiB: %v", e)
	}
	if e := produce(t, c, produceReq("t", entry(0, batchOf(t, big[:30<<20]))))[0].Error; e.ID != api.OK {
		t.Errorf("30 MiB: %v", e)
	}
	if e := produce(t, c, produceReq("small", entry(0, batchOf(t, big[:2000]))))[0].Error; e.ID != api.MessageTooLarge {
		t.Errorf("larger than a segment: %v", e)
	}
	if off := mustProduce(t, c, "small", "fits"); off != 0 {
		t.Errorf("the next batch got offset %d", off)
	}
}

func TestDiskFullAndSpaceAgain(t *testing.T) {
	fs := errorfs.New(vfs.Disk)
	r := newRig(t, func(c *Config) { c.FS = fs })
	a := assignment("t", 0)
	r.host(a)
	c := r.dial()
	mustProduce(t, c, "t", "before")
	fs.SetBudget(0)
	res := produce(t, c, produceReq("t", entry(0, batchOf(t, "no room"))))[0]
	if res.Error.ID != api.PartitionFull || res.Error.Detail.Replica != a.Key {
		t.Fatalf("got %v, want PartitionFull of %v", res.Error, a.Key)
	}
	r.sc.await("out of storage", func() bool {
		rep := r.sc.reports[a.ReplicaRef]
		return rep.State == api.ReplicaOutOfStorage && rep.Reason != ""
	})
	s := consume(t, c, &api.StreamFetchRequest{Topic: "t"})
	if vals, _ := values(t, s.next()); len(vals) != 1 {
		t.Errorf("a full partition delivers %q", vals)
	}
	fs.Clear()
	// Nobody produces to a partition that is out of storage.
	r.sc.await("recovery", func() bool { return r.sc.reports[a.ReplicaRef].State == api.ReplicaServing })
	if off := mustProduce(t, c, "t", "after"); off != 1 {
		t.Errorf("offset %d after the disk was full, want 1", off)
	}
}

func TestSyncFailureIsNotAcknowledged(t *testing.T) {
	fs := errorfs.New(vfs.Disk)
	r := newRig(t, func(c *Config) { c.FS = fs })
	r.host(always1(assignment("t", 0)))
	c := r.dial()
	mustProduce(t, c, "t", "before")
	remove := fs.Inject(errorfs.Rule{Op: errorfs.OpSync, Match: "*.log", Times: 1, Err: syscall.EIO})
	if e := produce(t, c, produceReq("t", entry(0, batchOf(t, "lost"))))[0].Error; e.ID != api.StorageError {
		t.Errorf("got %v, want StorageError", e)
	}
	remove()
	off := mustProduce(t, c, "t", "after")
	s := consume(t, c, &api.StreamFetchRequest{Topic: "t"})
	var got []string
	for next := int64(0); next <= off; {
		resp := s.next()
		vals, n := values(t, resp)
		got, next = append(got, vals...), n
		s.ack(resp.StreamID, n)
	}
	if got[0] != "before" || got[len(got)-1] != "after" {
		t.Errorf("read %q", got)
	}
}

func TestMalformedRequestsCloseTheConnection(t *testing.T) {
	r := newRig(t, nil)
	r.host(assignment("t", 0))
	good := unhex(t, hexProduceReq)
	negative := append([]byte(nil), good...)
	negative[0x17] = 0xff // time-out
	for name, frame := range map[string][]byte{
		"unknown key":          {0, 0, 0, 10, 0x12, 0x34, 0, 1, 0, 0, 0, 1, 0, 0},
		"no header":            {0, 0, 0, 2, 0, 0},
		"zero length":          {0, 0, 0, 0},
		"negative length":      {0xff, 0xff, 0xff, 0xff},
		"cut body":             append([]byte{0, 0, 0, 0x40}, good[4:0x44]...),
		"negative time-out":    negative,
		"length of a giant":    {0x7f, 0xff, 0xff, 0xff},
		"start of a mirror":    {0, 0, 0, 18, 0x07, 0xd0, 0, 25, 0, 0, 0, 1, 0, 0, 0, 1, 'x', 0, 1, 'y', 0, 0},
		"huge count of topics": {0, 0, 0, 14, 3, 0xea, 0, 25, 0, 0, 0, 1, 0, 0, 0x7f, 0xff, 0xff, 0xff},
	} {
		t.Run(name, func(t *testing.T) {
			nc := r.raw()
			if _, err := nc.Write(frame); err != nil {
				t.Fatal(err)
			}
			if n, err := nc.Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("read %d bytes, %v; want the connection closed", n, err)
			}
		})
	}
	mustProduce(t, r.dial(), "t", "still alive")
}

// TestPartitionsThatTakeNoRecords: the order of the checks shows in which code
// wins.
func TestPartitionsThatTakeNoRecords(t *testing.T) {
	r := newRig(t, nil)
	home, target, dedup := assignment("home", 0), assignment("target", 0), assignment("dedup", 0)
	home.Spec.Mirror = &api.PartitionMirror{Side: api.MirrorHome}
	target.Spec.Mirror = &api.PartitionMirror{Side: api.MirrorRemote, Target: true}
	dedup.Spec.Deduplication = &api.Deduplication{Count: 1, Uses: "filter"}
	source := assignment("source", 0)
	source.Spec.Mirror = &api.PartitionMirror{Side: api.MirrorHome, Home: api.HomePartition{Source: true}}
	r.host(home, target, dedup, source)
	c := r.dial()
	for topic, want := range map[string]api.Code{
		"home": api.MirrorProduceFromHome, "target": api.MirrorProduceFromRemoteNotAllowed,
		"dedup": api.DeduplicationSmartModuleNotLoaded, "source": api.OK,
	} {
		res := produce(t, c, produceReq(topic, entry(0, batchOf(t, "x")), entry(0)))
		if res[0].Error.ID != want {
			t.Errorf("%s: %v, want %s", topic, res[0].Error, want.Name())
		}
		if empty := res[1].Error.ID; empty != api.OK && empty != want || topic == "dedup" && empty != api.OK {
			t.Errorf("%s: an empty entry got %s", topic, empty.Name())
		}
	}
}

// TestSmallerInSyncSetCommits: what waited for a replica that left the in-sync
// set is committed then.
func TestSmallerInSyncSetCommits(t *testing.T) {
	parked := make(chan struct{}, 1)
	r := newRig(t, func(c *Config) {
		c.Events.Parked = func(api.ReplicaKey, int64) { parked <- struct{}{} }
	})
	a := assignment("t", 0)
	a.Replicas, a.ISR = []int32{testSpu, 5002}, []int32{testSpu, 5002}
	r.host(a)
	c := r.dial()
	s := consume(t, c, &api.StreamFetchRequest{Topic: "t", Isolation: api.ReadCommitted})
	answer := make(chan api.ErrorCode, 1)
	go func() {
		req := produceReq("t", entry(0, batchOf(t, "x")))
		req.Isolation, req.TimeoutMS = api.ReadCommitted, 1_000_000
		answer <- produce(t, c, req)[0].Error
	}()
	<-parked
	a.ISR, a.PartitionEpoch = []int32{testSpu}, 1
	r.host(a)
	if e := <-answer; e.ID != api.OK {
		t.Errorf("parked produce: %v", e)
	}
	if vals, _ := values(t, s.next()); len(vals) != 1 {
		t.Errorf("committed reader got %q", vals)
	}
}

// TestProduceDoesNotAllocate is a budget: the path from frame to answer of
// acknowledgements that do not wait.
func TestProduceDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	s := diskServer(t, neverSynced(assignment("t", 0)))
	frame := produceFrame(t, 1, produceReq("t", entry(0, batchOf(t, string(make([]byte, 1000))))))
	const n = 2000
	run := func() {
		nc := transport.NewServerConn(s.ctx, &nullConn{frame: frame, left: n}, transport.ServerOptions{})
		c := &conn{srv: s, nc: nc, room: make(chan struct{}, 1)}
		if err := c.readLoop(s.ctx); err != io.EOF {
			t.Fatal(err)
		}
	}
	if per := testing.AllocsPerRun(1, run) / n; per > 0.1 {
		t.Errorf("%.2f allocations per request", per)
	}
}
