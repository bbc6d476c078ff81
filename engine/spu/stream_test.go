package spu

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

func TestStreamFollowsAcks(t *testing.T) {
	r := newRig(t, nil)
	r.host(assignment("t", 0))
	c := r.dial()
	mustProduce(t, c, "t", "a", "b")
	mustProduce(t, c, "t", "c")
	s := consume(t, c, &api.StreamFetchRequest{Topic: "t", MaxBytes: 1})
	first := s.next()
	if vals, next := values(t, first); first.StreamID != 1 || next != 2 || len(vals) != 2 {
		t.Fatalf("stream %d: %q up to %d, want one whole batch whatever max_bytes says", first.StreamID, vals, next)
	}
	// Nothing more comes until the acknowledgement; another stream shows that
	// the connection is not simply slow.
	other := consume(t, c, &api.StreamFetchRequest{Topic: "t", FetchOffset: 2})
	if resp := other.next(); resp.StreamID != 2 || resp.Partition.HighWatermark != 3 {
		t.Errorf("second stream: %+v", resp)
	}
	if code := s.ack(1, -1); code != api.OK {
		t.Errorf("ack of -1: %v", code)
	}
	if code := s.ack(1, 2); code != api.OK {
		t.Errorf("ack: %v", code)
	}
	if vals, next := values(t, s.next()); next != 3 || len(vals) != 1 {
		t.Errorf("after the ack: %q up to %d", vals, next)
	}
	s.ack(1, 3)
	mustProduce(t, c, "t", "d", "e")
	if vals, next := values(t, s.next()); next != 5 || len(vals) != 2 {
		t.Errorf("new records: %q up to %d", vals, next)
	}
	// Back again, into the middle of a batch.
	s.ack(1, 1)
	if vals, _ := values(t, s.next()); len(vals) != 2 || vals[0] != "a" {
		t.Errorf("going back: %q, want the batch that holds offset 1", vals)
	}
	if code := s.ack(77, 0); code != api.FetchSessionNotFound {
		t.Errorf("ack of an unknown stream: %v", code)
	}
}

func TestStreamRefusals(t *testing.T) {
	r := newRig(t, func(c *Config) { c.MaxStreams = 1 })
	follower := assignment("f", 0)
	follower.Leader, follower.Replicas, follower.ISR = 5002, []int32{5002, testSpu}, []int32{5002, testSpu}
	r.host(assignment("t", 0), follower)
	c := r.dial()
	mustProduce(t, c, "t", "a")
	for _, tt := range []struct {
		name string
		req  api.StreamFetchRequest
		id   uint32
		text string
	}{
		{"unknown topic", api.StreamFetchRequest{Topic: "nope"}, 0, "the given SPU is not the leader for the partition"},
		{"follower", api.StreamFetchRequest{Topic: "f"}, 0, "the given SPU is not the leader for the partition"},
		{"beyond the end", api.StreamFetchRequest{Topic: "t", FetchOffset: 5}, 1, "Other error: start offset: 5 is greater than leo: 1"},
		{"before the beginning", api.StreamFetchRequest{Topic: "t", FetchOffset: -3}, 2, "Offset -3 is evicted. The next available is 0"},
	} {
		resp := consume(t, c, &tt.req).next()
		if resp.StreamID != tt.id || resp.Partition.Error.Error() != tt.text || len(resp.Partition.Records.Bytes) > 0 {
			t.Errorf("%s: stream %d says %v", tt.name, resp.StreamID, resp.Partition.Error)
		}
		if resp.StreamID != 0 {
			r.awaitStreams(c, resp.StreamID)
		}
	}
	ok := consume(t, c, &api.StreamFetchRequest{Topic: "t"})
	ok.next()
	if resp := consume(t, c, &api.StreamFetchRequest{Topic: "t"}).next(); resp.Partition.Error.ID != api.Other {
		t.Errorf("one stream too many: %v", resp.Partition.Error)
	}
}

// awaitStreams waits until the SPU has forgotten a stream, which it does just
// after the last response.
func (r *rig) awaitStreams(c *transport.Conn, id uint32) {
	r.t.Helper()
	for deadline := time.Now().Add(testPatience); ; {
		s := &consumer{t: r.t, c: c}
		if s.ack(id, -1) == api.FetchSessionNotFound {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("stream %d is still there", id)
		}
	}
}

func TestStreamVersionGovernsItsFrames(t *testing.T) {
	r := newRig(t, nil)
	r.host(assignment("t", 0))
	c := r.dial()
	mustProduce(t, c, "t", "a")
	for _, version := range []int16{0, 10, 11, 16, 17, 18, 22, 23, 25} {
		req := &api.StreamFetchRequest{Topic: "t", MaxBytes: 1000, LegacyWasm: []byte("ignored"),
			LegacySmartModule: &api.SmartModuleInvocation{Predefined: "ignored"}}
		s, err := c.Stream(t.Context(), api.KeyStreamFetch, version, req)
		if err != nil {
			t.Fatal(err)
		}
		cs := &consumer{t, c, s}
		for range 2 {
			resp := cs.next()
			if vals, _ := values(t, resp); resp.Partition.Error.ID != api.OK || len(vals) != 1 {
				t.Fatalf("version %d: %q, %v", version, vals, resp.Partition.Error)
			}
			cs.ack(resp.StreamID, 0)
		}
	}
}

func TestStreamCrossesSegments(t *testing.T) {
	r := newRig(t, nil)
	r.host(segmentSize(assignment("t", 0), 1024))
	c := r.dial()
	s := consume(t, c, &api.StreamFetchRequest{Topic: "t"})
	const n = 40
	go func() {
		for i := range n {
			mustProduce(t, c, "t", fmt.Sprintf("%d%s", i, strings.Repeat(".", 300)))
		}
	}()
	for next := int64(0); next < n; {
		resp := s.next()
		vals, end := values(t, resp)
		for i, v := range vals {
			if want := fmt.Sprint(next + int64(i)); !strings.HasPrefix(v, want+".") {
				t.Fatalf("offset %s holds %q", want, v[:5])
			}
		}
		next = end
		s.ack(resp.StreamID, next)
	}
	logs, _ := filepath.Glob(filepath.Join(r.cfg.root(), "t-0", "*.log"))
	if len(logs) < n/4 {
		t.Errorf("%d segments, the test did not roll", len(logs))
	}
}

func TestTopicDeletedDuringStream(t *testing.T) {
	r := newRig(t, nil)
	a := assignment("t", 0)
	r.host(a, assignment("other", 0))
	c := r.dial()
	mustProduce(t, c, "t", "a")
	waiting := consume(t, c, &api.StreamFetchRequest{Topic: "t", FetchOffset: 1})
	unacked := consume(t, c, &api.StreamFetchRequest{Topic: "t"})
	unacked.next()
	r.sc.drop(a.ReplicaRef)
	for _, s := range []*consumer{waiting, unacked} {
		if resp := s.next(); resp.Partition.Error.ID != api.TopicDeleted || resp.StreamID == 0 {
			t.Errorf("stream %d: %v", resp.StreamID, resp.Partition.Error)
		}
	}
	r.sc.await("confirmation", func() bool { return r.sc.removed[a.ReplicaRef] })
	if _, err := os.Stat(filepath.Join(r.cfg.root(), "t-0")); !os.IsNotExist(err) {
		t.Errorf("the data is still there: %v", err)
	}
	mustProduce(t, c, "other", "the connection lives on")
	if e := produce(t, c, produceReq("t", entry(0, batchOf(t, "b"))))[0].Error; e.ID != api.NotLeaderForPartition {
		t.Errorf("produce to a deleted topic: %v", e)
	}
}

func TestDemotionEndsStreamsAndWaits(t *testing.T) {
	r := newRig(t, nil)
	a := assignment("t", 0)
	a.Replicas, a.ISR = []int32{testSpu, 5002}, []int32{testSpu, 5002}
	r.host(a)
	c := r.dial()
	mustProduce(t, c, "t", "a")
	s := consume(t, c, &api.StreamFetchRequest{Topic: "t", FetchOffset: 1})
	parked := make(chan api.ErrorCode, 1)
	go func() {
		req := produceReq("t", entry(0, batchOf(t, "b")))
		req.Isolation, req.TimeoutMS = api.ReadCommitted, 1_000_000
		parked <- produce(t, c, req)[0].Error
	}()
	r.sc.await("append", func() bool { return r.sc.reports[a.ReplicaRef].LEO == 2 })
	values(t, s.next())
	a.Leader, a.LeaderEpoch = 5002, 2
	r.host(a)
	if resp := s.next(); resp.Partition.Error.ID != api.NotLeaderForPartition {
		t.Errorf("stream: %v", resp.Partition.Error)
	}
	if e := <-parked; e.ID != api.NotLeaderForPartition {
		t.Errorf("parked produce: %v", e)
	}
	if e := fetchOffsets(t, c, "t").Error; e.ID != api.PartitionNotLeader {
		t.Errorf("offsets: %v", e)
	}
	a.Leader, a.LeaderEpoch, a.ISR = testSpu, 3, []int32{testSpu}
	r.host(a)
	if off := mustProduce(t, c, "t", "c"); off != 2 {
		t.Errorf("after leading again: offset %d", off)
	}
}

func TestRetentionDuringStream(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Clean = time.Millisecond })
	a := segmentSize(assignment("t", 0), 1024)
	limit := uint64(3000)
	a.Spec.Storage.MaxPartitionSize = &limit
	r.host(a)
	c := r.dial()
	big := strings.Repeat("x", 900)
	mustProduce(t, c, "t", big)
	s := consume(t, c, &api.StreamFetchRequest{Topic: "t"})
	first := s.next()
	for range 10 {
		mustProduce(t, c, "t", big)
	}
	r.sc.await("eviction", func() bool { return r.sc.reports[a.ReplicaRef].StartOffset > 1 })
	s.ack(first.StreamID, 1)
	resp := s.next()
	if e := resp.Partition.Error; e.ID != api.OffsetEvicted || e.Detail.Offset != 1 || e.Detail.NextAvailable < 2 {
		t.Fatalf("got %v, want OffsetEvicted{1}", e)
	}
	again := consume(t, c, &api.StreamFetchRequest{Topic: "t", FetchOffset: fetchOffsets(t, c, "t").StartOffset})
	if vals, _ := values(t, again.next()); len(vals) == 0 {
		t.Error("nothing after the evicted records")
	}
}

func TestDamageEndsTheStreamWithAnExplanation(t *testing.T) {
	r := newRig(t, nil)
	r.host(segmentSize(assignment("t", 0), 1024))
	c := r.dial()
	for range 4 {
		mustProduce(t, c, "t", strings.Repeat("x", 700))
	}
	r.stop()
	path := filepath.Join(r.cfg.root(), "t-0", "00000000000000000001.log")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[200] ^= 1
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	r.start()
	r.sc.await("report", func() bool { return r.sc.reports[assignment("t", 0).ReplicaRef].LEO == 4 })
	r.awaitServing(assignment("t", 0).Key)
	c = r.dial()
	s := consume(t, c, &api.StreamFetchRequest{Topic: "t"})
	resp := s.next()
	s.ack(resp.StreamID, 1)
	resp = s.next()
	want := "Other error: offsets 1 to 1 are damaged on disk, the next readable one is 2"
	if resp.Partition.Error.Error() != want {
		t.Fatalf("got %v, want %q", resp.Partition.Error, want)
	}
	s = consume(t, c, &api.StreamFetchRequest{Topic: "t", FetchOffset: 2})
	if vals, _ := values(t, s.next()); len(vals) != 1 {
		t.Errorf("after the damage: %d records", len(vals))
	}
	if off := mustProduce(t, c, "t", "goes on"); off != 4 {
		t.Errorf("next offset is %d, want 4", off)
	}
}

func TestThousandTailReaders(t *testing.T) {
	r := newRig(t, nil)
	r.host(assignment("t", 0))
	c := r.dial()
	const n = 1000
	streams := make([]*consumer, n)
	for i := range streams {
		streams[i] = consume(t, c, &api.StreamFetchRequest{Topic: "t"})
	}
	for round := range 3 {
		mustProduce(t, c, "t", fmt.Sprint(round))
		for i, s := range streams {
			resp := s.next()
			if vals, next := values(t, resp); !slices.Equal(vals, []string{fmt.Sprint(round)}) || next != int64(round+1) {
				t.Fatalf("round %d, stream %d: %q up to %d", round, i, vals, next)
			}
			s.ack(resp.StreamID, int64(round+1))
		}
	}
}

// TestStalledConsumers: consumers that never read hold back nobody else.
func TestStalledConsumers(t *testing.T) {
	r := newRig(t, nil)
	r.host(assignment("t", 0))
	c := r.dial()
	big := strings.Repeat("x", 8<<20)
	mustProduce(t, c, "t", big)
	for range 20 {
		nc := r.raw()
		h := &api.RequestHeader{Key: api.KeyStreamFetch, Version: api.SpuVersion, CorrelationID: 1}
		if _, err := nc.Write(requestFrame(t, h, &api.StreamFetchRequest{Topic: "t", MaxBytes: 1 << 30})); err != nil {
			t.Fatal(err)
		}
	}
	s := consume(t, c, &api.StreamFetchRequest{Topic: "t", MaxBytes: 1 << 30})
	for i := range 3 {
		resp := s.next()
		_, next := values(t, resp)
		if next != int64(i+1) {
			t.Fatalf("read up to %d, want %d", next, i+1)
		}
		s.ack(resp.StreamID, next)
		mustProduce(t, c, "t", "small")
	}
}

func TestFetchOnce(t *testing.T) {
	r := newRig(t, func(c *Config) { c.MaxFetchBytes = 1000 })
	r.host(assignment("t", 0), assignment("t", 1))
	c := r.dial()
	mustProduce(t, c, "t", strings.Repeat("a", 600))
	mustProduce(t, c, "t", strings.Repeat("b", 600))
	produce(t, c, produceReq("t", entry(1, batchOf(t, "other"))))
	fetch := func(version int16, parts ...api.FetchPartition) []api.FetchedPartition {
		t.Helper()
		var resp api.FetchResponse
		call(t, c, api.KeyFetch, version, &api.FetchRequest{
			MaxBytes: 1 << 20, Topics: []api.FetchTopic{{Name: "t", Partitions: parts}},
		}, &resp)
		return resp.Topics[0].Partitions
	}
	for _, version := range []int16{0, 3, 4, 25} {
		got := fetch(version, api.FetchPartition{FetchOffset: 1}, api.FetchPartition{Partition: 1},
			api.FetchPartition{Partition: 2}, api.FetchPartition{FetchOffset: 7}, api.FetchPartition{FetchOffset: 2},
			api.FetchPartition{FetchOffset: 0}, api.FetchPartition{FetchOffset: 0})
		if n := len(got[0].Records.Bytes); n < 600 || n > 1000 || got[0].HighWatermark != 2 {
			t.Errorf("version %d: %d bytes, high watermark %d", version, n, got[0].HighWatermark)
		}
		if len(got[1].Records.Bytes) == 0 {
			t.Errorf("version %d: nothing of the other partition", version)
		}
		if got[2].Error.ID != api.NotLeaderForPartition || got[3].Error.ID != api.Other || got[4].Error.ID != api.OK {
			t.Errorf("version %d: %v, %v, %v", version, got[2].Error, got[3].Error, got[4].Error)
		}
		if len(got[5].Records.Bytes) == 0 || len(got[6].Records.Bytes) > 0 {
			t.Errorf("version %d: the budget gave %d and %d bytes", version, len(got[5].Records.Bytes), len(got[6].Records.Bytes))
		}
	}
}

func TestConsumerOffsets(t *testing.T) {
	r := newRig(t, nil)
	r.host(assignment("t", 0))
	c := r.dial()
	mustProduce(t, c, "t", "a")
	me := "me"
	named := consume(t, c, &api.StreamFetchRequest{Topic: "t", ConsumerID: &me}).next()
	nameless := consume(t, c, &api.StreamFetchRequest{Topic: "t"}).next()
	for _, tt := range []struct {
		session uint32
		want    string
	}{
		{99, "the fetch session was not found"},
		{nameless.StreamID, "Other error: stream without consumer id"},
		{named.StreamID, "the offset management is disabled for the stream"},
	} {
		var resp api.UpdateConsumerOffsetResponse
		call(t, c, api.KeyUpdateConsumerOffset, api.SpuVersion, &api.UpdateConsumerOffsetRequest{SessionID: tt.session}, &resp)
		if resp.Error.Error() != tt.want {
			t.Errorf("session %d: %v, want %q", tt.session, resp.Error, tt.want)
		}
	}
	ask := func() (api.Code, api.Code) {
		var list api.FetchConsumerOffsetsResponse
		call(t, c, api.KeyFetchConsumerOffsets, api.SpuVersion, &api.FetchConsumerOffsetsRequest{}, &list)
		var del api.DeleteConsumerOffsetResponse
		call(t, c, api.KeyDeleteConsumerOffset, api.SpuVersion, &api.DeleteConsumerOffsetRequest{ConsumerID: me}, &del)
		if len(list.Consumers) > 0 {
			t.Errorf("%d offsets listed", len(list.Consumers))
		}
		return list.Error.ID, del.Error.ID
	}
	if l, d := ask(); l != api.PartitionNotLeader || d != api.PartitionNotLeader {
		t.Errorf("without the topic: %v, %v", l, d)
	}
	r.host(assignment(api.ConsumerOffsetTopic, 0))
	if l, d := ask(); l != api.OK || d != api.OK {
		t.Errorf("leading the topic: %v, %v", l, d)
	}
}
