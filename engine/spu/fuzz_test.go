package spu

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// stillServer is an SPU without network, background work or SC.
func stillServer(t testing.TB, fs vfs.FS, dir string, as ...api.ReplicaAssignment) *Server {
	t.Helper()
	ln := transport.NewMemListener("nobody")
	s, err := New(Config{ID: testSpu, Public: ln, DialSC: ln.Dial, Dir: dir, FS: fs,
		Limits: Limits{MaxStreams: 4, MaxParked: 4}})
	if err != nil {
		t.Fatal(err)
	}
	if err := fs.MkdirAll(s.cfg.root()); err != nil {
		t.Fatal(err)
	}
	if err := s.identity.load(fs, s.cfg.root()); err != nil {
		t.Fatal(err)
	}
	if err := s.identity.claim(testCluster); err != nil {
		t.Fatal(err)
	}
	s.apply(&api.Assignments{Full: true, Replicas: as})
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

func diskServer(t testing.TB, as ...api.ReplicaAssignment) *Server {
	t.Helper()
	return stillServer(t, vfs.Disk, t.TempDir(), as...)
}

// fuzzServer has a few partitions in memory, one of them with records.
func fuzzServer(t testing.TB) *Server {
	t.Helper()
	s := stillServer(t, vfs.NewMem(), "/data",
		always1(assignment("hello", 0)), assignment("hello", 1), assignment(api.ConsumerOffsetTopic, 0))
	if _, _, code := s.replicas.get(api.ReplicaKey{Topic: "hello"}).append(batchOf(t, "a", "b"), api.ReadCommitted); code.ID != api.OK {
		t.Fatal(code)
	}
	return s
}

const lastID = 999

// FuzzDispatch sends arbitrary bodies for arbitrary keys and versions. The SPU
// must answer with well-formed frames or close the connection, and must work
// afterwards.
func FuzzDispatch(f *testing.F) {
	seed := func(key uint16, version int16, m codec.Message) {
		b, err := codec.Append(nil, version, m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(key, version, b)
	}
	ref, name := "x", "me"
	for _, v := range []int16{0, 7, 18, 23, 25} {
		req := produceReq("hello", entry(0, batchOf(f, "x")), entry(1), entry(0, emptyBatch(-1, true)))
		req.Isolation, req.TransactionalID = api.ReadCommitted, &ref
		seed(api.KeyProduce, v, req)
		seed(api.KeyFetch, v, &api.FetchRequest{MaxBytes: 100, Topics: []api.FetchTopic{{Name: "hello", Partitions: []api.FetchPartition{{FetchOffset: 1}}}}})
		seed(api.KeyFetchOffsets, v, &api.FetchOffsetsRequest{Topics: []api.OffsetsTopic{{Name: "hello", Partitions: []uint32{0, 1}}}, ConsumerID: &ref})
		seed(api.KeyStreamFetch, v, &api.StreamFetchRequest{Topic: "hello", MaxBytes: 10, ConsumerID: &name})
		seed(api.KeyUpdateOffsets, v, &api.UpdateOffsetsRequest{Offsets: []api.StreamOffset{{Offset: 1, SessionID: 1}}})
		seed(api.KeyUpdateConsumerOffset, v, &api.UpdateConsumerOffsetRequest{SessionID: 1})
		seed(api.KeyDeleteConsumerOffset, v, &api.DeleteConsumerOffsetRequest{ConsumerID: "me"})
		seed(api.KeyFetchConsumerOffsets, v, &api.FetchConsumerOffsetsRequest{Filter: &api.ConsumerOffsetFilter{ConsumerID: &name}})
		seed(api.KeyStartMirror, v, &api.StartMirrorRequest{RemoteReplica: "a-0"})
		seed(api.KeyApiVersions, v, &api.ApiVersionsRequest{ClientVersion: "0.50.2"})
	}
	f.Add(uint16(4242), int16(-1), []byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, key uint16, version int16, body []byte) {
		s := fuzzServer(t)
		talk(t, s, func(c io.Writer) {
			h := &api.RequestHeader{Key: key, Version: version, CorrelationID: 1}
			_, _ = c.Write(requestFrame(t, h, rawBody(body)))
			last := &api.RequestHeader{Key: api.KeyApiVersions, Version: api.ApiVersionsVersion, CorrelationID: lastID}
			_, _ = c.Write(requestFrame(t, last, &api.ApiVersionsRequest{}))
		})
		if p := s.replicas.get(api.ReplicaKey{Topic: "hello"}); p == nil || p.leader() == nil {
			t.Fatal("the partition is gone")
		}
	})
}

type rawBody []byte

func (b rawBody) Code(c *codec.Coder) {
	v := []byte(b)
	c.Raw(&v, len(v))
}

// talk runs one connection: it sends, then reads answers until the last one or
// the end.
func talk(t *testing.T, s *Server, send func(io.Writer)) {
	t.Helper()
	ln := transport.NewMemListener("client")
	defer ln.Close()
	a, b := transport.MemPipe(ln.Addr(), ln.Addr())
	nc := transport.NewServerConn(context.Background(), b, transport.ServerOptions{MaxFrame: 1 << 20})
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.serveConn(nc.Context(), nc)
		nc.Close()
		nc.Wait()
	}()
	_ = a.SetDeadline(time.Now().Add(testPatience))
	send(a)
	br := bufio.NewReader(a)
	for {
		frame, err := transport.ReadFrame(br, nil, 1<<24)
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Errorf("answer: %v", err)
			}
			break
		}
		id := binary.BigEndian.Uint32(frame)
		if id == lastID {
			break
		}
		if id != 1 {
			t.Errorf("answer to request %d, which was not made", id)
		}
	}
	a.Close()
	<-done
}
