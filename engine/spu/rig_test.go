package spu

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/record"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

const (
	testSpu = 5001
	// testPatience only bounds how long a broken test hangs.
	testPatience = 20 * time.Second
)

// rig is an SPU with its SC.
type rig struct {
	t   testing.TB
	sc  *fakeSC
	srv *Server
	cfg Config

	mu      sync.Mutex
	applied uint64
	changed chan struct{}
}

// newRig starts an SPU; edit changes its configuration.
func newRig(t *testing.T, edit func(*Config)) *rig {
	t.Helper()
	r := &rig{t: t, sc: newFakeSC(t), changed: make(chan struct{})}
	r.cfg = Config{ID: testSpu, Dir: t.TempDir(), DialSC: r.sc.dial, Logger: testLogger(t)}
	r.cfg.Redial, r.cfg.RedialMax = time.Millisecond, 10*time.Millisecond
	r.cfg.Retry = 5 * time.Millisecond
	r.cfg.Report = 20 * time.Millisecond
	r.cfg.Events.AssignmentsApplied = r.onApplied
	r.cfg.Events.Lease = func(bool) { r.onLease() }
	if edit != nil {
		edit(&r.cfg)
	}
	r.start()
	t.Cleanup(func() { r.stop() })
	return r
}

func (r *rig) onApplied(rev uint64) {
	r.mu.Lock()
	r.applied = rev
	r.mu.Unlock()
	r.onLease()
}

func (r *rig) onLease() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *rig) start() {
	r.t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	r.mu.Lock()
	r.applied = 0
	r.mu.Unlock()
	cfg := r.cfg
	cfg.Public = ln
	if r.srv, err = New(cfg); err != nil {
		r.t.Fatal(err)
	}
	if err := r.srv.Start(); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) stop() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testPatience)
	defer cancel()
	if err := r.srv.Close(ctx); err != nil {
		r.t.Errorf("close: %v", err)
	}
}

// awaitRevision waits until the SPU has applied rev.
func (r *rig) awaitRevision(rev uint64) {
	r.t.Helper()
	deadline := time.After(testPatience)
	for {
		r.mu.Lock()
		ok, changed := r.applied >= rev, r.changed
		r.mu.Unlock()
		if ok && r.leadsAll() {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			r.t.Fatalf("revision %d was not applied", rev)
		}
	}
}

// leadsAll reports whether every partition is led that is to be. Those with
// followers wait for a lease.
func (r *rig) leadsAll() bool {
	for _, p := range r.srv.replicas.all() {
		p.role.RLock()
		ok := p.leads() || p.log == nil || p.alone || p.assigned.Leader != testSpu
		p.role.RUnlock()
		if !ok {
			return false
		}
	}
	return true
}

// host assigns replicas and waits until the SPU has them.
func (r *rig) host(as ...api.ReplicaAssignment) {
	r.t.Helper()
	r.sc.await("registration", func() bool { return len(r.sc.watchers) > 0 || len(r.sc.registers) > 0 })
	r.awaitRevision(r.sc.assign(as...))
}

// topicID is a different id for each name.
func topicID(name string) (id api.TopicID) {
	copy(id[:], name+"----------------")
	return id
}

// assignment is a partition with one replica and page-cache acks.
func assignment(topic string, n uint32) api.ReplicaAssignment {
	return api.ReplicaAssignment{
		ReplicaRef:  api.ReplicaRef{Key: api.ReplicaKey{Topic: topic, Partition: n}, TopicID: topicID(topic)},
		Leader:      testSpu,
		LeaderEpoch: 1,
		Replicas:    []int32{testSpu},
		ISR:         []int32{testSpu},
		Spec:        api.PartitionSpec{Leader: testSpu, Replicas: []int32{testSpu}, Compression: api.CompressionAny},
		Config:      api.TopicConfig{Durability: api.DurabilityInterval},
	}
}

func always1(a api.ReplicaAssignment) api.ReplicaAssignment {
	a.Config.Durability = api.DurabilityAlways
	return a
}

func segmentSize(a api.ReplicaAssignment, n uint32) api.ReplicaAssignment {
	a.Spec.Storage = &api.TopicStorage{SegmentSize: &n}
	return a
}

// dial opens a client connection.
func (r *rig) dial() *transport.Conn {
	r.t.Helper()
	c, err := transport.Dial(context.Background(), r.srv.Addr(), transport.Options{RequestTimeout: testPatience})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	var resp api.ApiVersionsResponse
	call(r.t, c, api.KeyApiVersions, api.ApiVersionsVersion, &api.ApiVersionsRequest{ClientVersion: "0.50.2"}, &resp)
	return c
}

// raw opens a client connection without any protocol.
func (r *rig) raw() net.Conn {
	r.t.Helper()
	c, err := net.Dial("tcp", r.srv.Addr())
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(testPatience))
	return c
}

func call(t testing.TB, c *transport.Conn, key uint16, version int16, req, resp codec.Message) {
	t.Helper()
	if err := c.Call(context.Background(), key, version, req, resp); err != nil {
		t.Fatalf("call of key %d: %v", key, err)
	}
}

// batchOf is an encoded batch with one record per value.
func batchOf(t testing.TB, values ...string) []byte {
	t.Helper()
	var b record.Builder
	for _, v := range values {
		b.Add(nil, false, []byte(v), 1_700_000_000_000)
	}
	out, err := b.Finish(nil, record.None)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func entry(n uint32, records ...[]byte) api.ProducePartition {
	var all []byte
	for _, r := range records {
		all = append(all, r...)
	}
	return api.ProducePartition{Partition: n, Records: api.RecordSet{Bytes: all}}
}

func produceReq(topic string, entries ...api.ProducePartition) *api.ProduceRequest {
	return &api.ProduceRequest{TimeoutMS: 1500, Topics: []api.ProduceTopic{{Name: topic, Partitions: entries}}}
}

// produce sends one request and returns the results of its first topic.
func produce(t testing.TB, c *transport.Conn, req *api.ProduceRequest) []api.ProduceResult {
	t.Helper()
	var resp api.ProduceResponse
	call(t, c, api.KeyProduce, api.SpuVersion, req, &resp)
	if len(resp.Topics) != len(req.Topics) {
		t.Fatalf("%d topics answered, %d asked", len(resp.Topics), len(req.Topics))
	}
	return resp.Topics[0].Partitions
}

// mustProduce appends values to partition 0 as one batch.
func mustProduce(t testing.TB, c *transport.Conn, topic string, values ...string) int64 {
	t.Helper()
	res := produce(t, c, produceReq(topic, entry(0, batchOf(t, values...))))
	if err := res[0].Error.Err(); err != nil {
		t.Fatalf("produce: %v", err)
	}
	return res[0].BaseOffset
}

func fetchOffsets(t testing.TB, c *transport.Conn, topic string) api.PartitionOffsets {
	t.Helper()
	var resp api.FetchOffsetsResponse
	call(t, c, api.KeyFetchOffsets, api.SpuVersion,
		&api.FetchOffsetsRequest{Topics: []api.OffsetsTopic{{Name: topic, Partitions: []uint32{0}}}}, &resp)
	return resp.Topics[0].Partitions[0]
}

// consumer is a stream of one partition.
type consumer struct {
	t testing.TB
	c *transport.Conn
	s *transport.Stream
}

func consume(t testing.TB, c *transport.Conn, req *api.StreamFetchRequest) *consumer {
	t.Helper()
	if req.MaxBytes == 0 {
		req.MaxBytes = 1 << 20
	}
	s, err := c.Stream(context.Background(), api.KeyStreamFetch, api.SpuVersion, req)
	if err != nil {
		t.Fatal(err)
	}
	return &consumer{t, c, s}
}

func (c *consumer) next() *api.StreamFetchResponse {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testPatience)
	defer cancel()
	resp := new(api.StreamFetchResponse)
	if err := c.s.Recv(ctx, resp); err != nil {
		c.t.Fatalf("stream: %v", err)
	}
	return resp
}

func (c *consumer) ack(id uint32, offset int64) api.Code {
	c.t.Helper()
	var resp api.UpdateOffsetsResponse
	call(c.t, c.c, api.KeyUpdateOffsets, 0,
		&api.UpdateOffsetsRequest{Offsets: []api.StreamOffset{{Offset: offset, SessionID: id}}}, &resp)
	return resp.Offsets[0].Error.ID
}

// values decodes the records of a response and returns them with the offset
// after the last one.
func values(t testing.TB, resp *api.StreamFetchResponse) (out []string, next int64) {
	t.Helper()
	for rest := resp.Partition.Records.Bytes; len(rest) > 0; {
		b, tail, err := record.Next(rest)
		if err != nil {
			t.Fatalf("response is not whole batches: %v", err)
		}
		if err := b.Verify(); err != nil {
			t.Fatal(err)
		}
		it, err := b.Records(nil)
		if err != nil {
			t.Fatal(err)
		}
		for it.Next() {
			out = append(out, string(it.Record().Value))
		}
		if err := it.Err(); err != nil {
			t.Fatal(err)
		}
		next, rest = b.NextOffset(), tail
	}
	return out, next
}

// unhex reads a hex dump: lines begin with a position and two spaces, and what
// follows three spaces is a comment.
func unhex(t testing.TB, dump string) []byte {
	t.Helper()
	var digits strings.Builder
	for line := range strings.Lines(dump) {
		_, line, _ = strings.Cut(strings.TrimSpace(line), "  ")
		line, _, _ = strings.Cut(line, "   ")
		digits.WriteString(strings.ReplaceAll(line, " ", ""))
	}
	b, err := hex.DecodeString(digits.String())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// readRaw reads one frame with its length.
func readRaw(t testing.TB, c io.Reader) []byte {
	t.Helper()
	var size [4]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		t.Fatalf("frame: %v", err)
	}
	b := make([]byte, 4+binary.BigEndian.Uint32(size[:]))
	copy(b, size[:])
	if _, err := io.ReadFull(c, b[4:]); err != nil {
		t.Fatalf("frame: %v", err)
	}
	return b
}

func exchange(t testing.TB, c net.Conn, request []byte) []byte {
	t.Helper()
	if _, err := c.Write(request); err != nil {
		t.Fatal(err)
	}
	return readRaw(t, c)
}

func testLogger(t testing.TB) *slog.Logger {
	if !testing.Verbose() {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

// produceFrame is one request frame.
func produceFrame(t testing.TB, id int32, req *api.ProduceRequest) []byte {
	t.Helper()
	return requestFrame(t, &api.RequestHeader{Key: api.KeyProduce, Version: api.SpuVersion, CorrelationID: id, ClientID: "fluvio"}, req)
}

func requestFrame(t testing.TB, h *api.RequestHeader, body codec.Message) []byte {
	t.Helper()
	b, err := codec.Append(make([]byte, 4), h.Version, h)
	if err == nil {
		b, err = codec.Append(b, h.Version, body)
	}
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

func parseProduce(t testing.TB, frame []byte) (int32, *api.ProduceResponse) {
	t.Helper()
	resp := new(api.ProduceResponse)
	if n, err := codec.Unmarshal(frame[8:], api.SpuVersion, resp); err != nil || n != len(frame)-8 {
		t.Fatalf("response of %d bytes, %d read: %v", len(frame)-8, n, err)
	}
	return int32(binary.BigEndian.Uint32(frame[4:])), resp
}

// awaitServing waits, after a restart, until the SPU has caught up with the SC.
func (r *rig) awaitServing(key api.ReplicaKey) {
	r.t.Helper()
	r.sc.mu.Lock()
	rev := r.sc.revision
	r.sc.mu.Unlock()
	r.awaitRevision(rev)
	if p := r.srv.replicas.get(key); p == nil || p.leader() == nil {
		r.t.Fatalf("%v is not served", key)
	}
}
