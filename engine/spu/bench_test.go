package spu

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/record"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// benchBatch is one batch of records of size bytes, about total bytes large.
func benchBatch(b *testing.B, size, total int) []byte {
	b.Helper()
	var rb record.Builder
	for rb.Len() == 0 || rb.Size()+size < total {
		rb.Add(nil, false, make([]byte, size), 1_700_000_000_000)
	}
	out, err := rb.Finish(nil, record.None)
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// benchServer runs an SPU that was assigned as, on disk, without an SC.
func benchServer(b *testing.B, as ...api.ReplicaAssignment) *Server {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	sc := transport.NewMemListener("no SC") // never accepts
	s, err := New(Config{ID: testSpu, Public: ln, DialSC: sc.Dial, Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Start(); err != nil {
		b.Fatal(err)
	}
	if err := s.identity.claim(testCluster); err != nil {
		b.Fatal(err)
	}
	s.apply(&api.Assignments{Full: true, Replicas: as})
	b.Cleanup(func() { s.Kill() })
	return s
}

func benchDial(b *testing.B, s *Server) (net.Conn, *bufio.Reader) {
	b.Helper()
	c, err := net.Dial("tcp", s.Addr())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	br := bufio.NewReaderSize(c, 64<<10)
	trust := requestFrame(b, &api.RequestHeader{Key: api.KeyApiVersions, Version: 2, CorrelationID: 1}, &api.ApiVersionsRequest{ClientVersion: "0.50.2"})
	if _, err := c.Write(trust); err != nil {
		b.Fatal(err)
	}
	discardFrame(b, br)
	return c, br
}

func discardFrame(b *testing.B, br *bufio.Reader) int {
	size, err := br.Peek(4)
	if err != nil {
		b.Fatal(err)
	}
	n := int(binary.BigEndian.Uint32(size)) + 4
	if _, err := br.Discard(n); err != nil {
		b.Fatal(err)
	}
	return n
}

// nullConn swallows answers and has one request to read, over and over.
type nullConn struct {
	net.Conn
	frame []byte
	off   int
	left  int
}

func (c *nullConn) Read(p []byte) (int, error) {
	if c.off == len(c.frame) {
		if c.left--; c.left <= 0 {
			return 0, io.EOF
		}
		c.off = 0
	}
	n := copy(p, c.frame[c.off:])
	c.off += n
	return n, nil
}
func (c *nullConn) Write(p []byte) (int, error) { return len(p), nil }
func (c *nullConn) Close() error                { return nil }
func (c *nullConn) RemoteAddr() net.Addr        { return &net.TCPAddr{} }

// BenchmarkProducePath is everything between two system calls of the socket:
// read the frame, decode, verify, append, encode the answer.
func BenchmarkProducePath(b *testing.B) {
	for _, size := range []int{16 << 10, 128 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := diskServer(b, neverSynced(assignment("t", 0)))
			frame := produceFrame(b, 1, produceReq("t", entry(0, benchBatch(b, 1000, size))))
			nc := transport.NewServerConn(s.ctx, &nullConn{frame: frame, left: b.N}, transport.ServerOptions{})
			nc.Trust()
			c := &conn{srv: s, nc: nc, room: make(chan struct{}, 1)}
			b.SetBytes(int64(len(frame)))
			b.ReportAllocs()
			b.ResetTimer()
			if err := c.readLoop(s.ctx); err != io.EOF {
				b.Fatal(err)
			}
		})
	}
}

func neverSynced(a api.ReplicaAssignment) api.ReplicaAssignment {
	a.Config.Durability = api.DurabilityNever
	return a
}

// BenchmarkProduceRoundTrip is one record of 1 KB over loopback, one request
// at a time.
func BenchmarkProduceRoundTrip(b *testing.B) {
	for name, a := range map[string]api.ReplicaAssignment{
		"page-cache": assignment("t", 0), "always": always1(assignment("t", 0)),
	} {
		b.Run(name, func(b *testing.B) {
			s := benchServer(b, a)
			c, br := benchDial(b, s)
			frame := produceFrame(b, 1, produceReq("t", entry(0, benchBatch(b, 1000, 0))))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Write(frame); err != nil {
					b.Fatal(err)
				}
				discardFrame(b, br)
			}
		})
	}
}

// BenchmarkProducePipelined keeps eight requests on their way.
func BenchmarkProducePipelined(b *testing.B) {
	for _, size := range []int{16 << 10, 128 << 10} {
		for name, a := range map[string]api.ReplicaAssignment{
			"page-cache": assignment("t", 0), "always": always1(assignment("t", 0)),
		} {
			b.Run(fmt.Sprintf("%d/%s", size, name), func(b *testing.B) {
				s := benchServer(b, a)
				c, br := benchDial(b, s)
				frame := produceFrame(b, 1, produceReq("t", entry(0, benchBatch(b, 1000, size))))
				slots := make(chan struct{}, 8)
				b.SetBytes(int64(len(frame)))
				b.ReportAllocs()
				b.ResetTimer()
				go func() {
					for range b.N {
						slots <- struct{}{}
						if _, err := c.Write(frame); err != nil {
							return
						}
					}
				}()
				for range b.N {
					discardFrame(b, br)
					<-slots
				}
			})
		}
	}
}

// BenchmarkManyProducers is 256 producers of one record each, closed loop.
func BenchmarkManyProducers(b *testing.B) {
	for name, a := range map[string]api.ReplicaAssignment{
		"page-cache": assignment("t", 0), "always": always1(assignment("t", 0)),
	} {
		b.Run(name, func(b *testing.B) {
			s := benchServer(b, a)
			frame := produceFrame(b, 1, produceReq("t", entry(0, benchBatch(b, 1000, 0))))
			type peer struct {
				c  net.Conn
				br *bufio.Reader
			}
			peers := make(chan peer, 256)
			for range 256 {
				c, br := benchDial(b, s)
				peers <- peer{c, br}
			}
			b.SetParallelism(256 / runtime.GOMAXPROCS(0))
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				p := <-peers
				for pb.Next() {
					if _, err := p.c.Write(frame); err != nil {
						b.Error(err)
						return
					}
					discardFrame(b, p.br)
				}
				peers <- p
			})
		})
	}
}

func streamFrame(b *testing.B, offset int64, maxBytes int32) []byte {
	return requestFrame(b, &api.RequestHeader{Key: api.KeyStreamFetch, Version: api.SpuVersion, CorrelationID: 2},
		&api.StreamFetchRequest{Topic: "t", FetchOffset: offset, MaxBytes: maxBytes})
}

// ackFrame returns a frame and where in it the offset is.
func ackFrame(b *testing.B, id uint32) (frame, offset []byte) {
	frame = requestFrame(b, &api.RequestHeader{Key: api.KeyUpdateOffsets, CorrelationID: 3},
		&api.UpdateOffsetsRequest{Offsets: []api.StreamOffset{{SessionID: id}}})
	return frame, frame[len(frame)-12:]
}

// BenchmarkEndToEnd is the time from produce to the push on another
// connection, one record of 1 KB at a time, acknowledgement included.
func BenchmarkEndToEnd(b *testing.B) {
	s := benchServer(b, assignment("t", 0))
	pc, pbr := benchDial(b, s)
	cc, cbr := benchDial(b, s)
	frame := produceFrame(b, 1, produceReq("t", entry(0, benchBatch(b, 1000, 0))))
	if _, err := cc.Write(streamFrame(b, 0, 1<<20)); err != nil {
		b.Fatal(err)
	}
	ack, offset := ackFrame(b, 1)
	b.ReportAllocs()
	for next := uint64(1); b.Loop(); next++ {
		_, _ = pc.Write(frame)
		discardFrame(b, cbr)
		discardFrame(b, pbr)
		binary.BigEndian.PutUint64(offset, next)
		_, _ = cc.Write(ack)
		discardFrame(b, cbr)
	}
}

// BenchmarkCatchUp reads a log of 256 MiB that is in the page cache.
func BenchmarkCatchUp(b *testing.B) {
	s := benchServer(b, neverSynced(assignment("t", 0)))
	p := s.replicas.get(api.ReplicaKey{Topic: "t"})
	batch := benchBatch(b, 1000, 128<<10)
	for p.open().Size() < 256<<20 {
		if _, _, code := p.append(batch, api.ReadUncommitted); code.ID != api.OK {
			b.Fatal(code)
		}
	}
	end := p.open().EndOffset()
	c, br := benchDial(b, s)
	ack, offset := ackFrame(b, 0)
	b.SetBytes(p.open().Size())
	id := uint32(0)
	for b.Loop() {
		id++
		binary.BigEndian.PutUint32(ack[len(ack)-4:], id)
		if _, err := c.Write(streamFrame(b, 0, 1<<20)); err != nil {
			b.Fatal(err)
		}
		for next := int64(0); next < end; {
			// The answer to the acknowledgement and the next push come in
			// either order.
			if h, err := br.Peek(8); err != nil {
				b.Fatal(err)
			} else if binary.BigEndian.Uint32(h[4:]) == 3 {
				discardFrame(b, br)
				continue
			}
			next = pushEnd(b, br)
			binary.BigEndian.PutUint64(offset, uint64(next))
			_, _ = c.Write(ack)
		}
	}
}

// pushEnd reads one push and returns the offset after its last record.
func pushEnd(b *testing.B, br *bufio.Reader) (next int64) {
	// Length, correlation id, topic, stream, partition, error, three offsets,
	// aborted, length of the records.
	const head = 4 + 4 + 3 + 4 + 4 + 2 + 24 + 1 + 4
	h, err := br.Peek(head)
	if err != nil {
		b.Fatal(err)
	}
	left := int(binary.BigEndian.Uint32(h[head-4:]))
	_, _ = br.Discard(head)
	for left > 0 {
		h, err := br.Peek(record.HeaderSize)
		if err != nil {
			b.Fatal(err)
		}
		size, err := record.SizeFromPreamble(h)
		if err != nil {
			b.Fatal(err)
		}
		next = record.Batch(h).NextOffset()
		if _, err := br.Discard(size); err != nil {
			b.Fatal(err)
		}
		left -= size
	}
	return next
}

// BenchmarkTailReaders is one record to 1,000 streams of ten connections,
// until the last has it.
func BenchmarkTailReaders(b *testing.B) {
	s := benchServer(b, assignment("t", 0))
	const conns, each = 10, 100
	pc, pbr := benchDial(b, s)
	type peer struct {
		c    net.Conn
		br   *bufio.Reader
		acks []byte
		off  [][]byte
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	peers := make([]*peer, conns)
	for i := range peers {
		c, br := benchDial(b, s)
		p := &peer{c: c, br: br}
		peers[i] = p
		req := &api.UpdateOffsetsRequest{}
		for j := range each {
			_, _ = c.Write(streamFrame(b, 0, 1<<20))
			req.Offsets = append(req.Offsets, api.StreamOffset{SessionID: uint32(j + 1)})
		}
		p.acks = requestFrame(b, &api.RequestHeader{Key: api.KeyUpdateOffsets, CorrelationID: 3}, req)
		for j := range each {
			p.off = append(p.off, p.acks[len(p.acks)-12*(each-j):])
		}
	}
	frame := produceFrame(b, 1, produceReq("t", entry(0, benchBatch(b, 1000, 0))))
	b.ReportAllocs()
	for next := uint64(1); b.Loop(); next++ {
		_, _ = pc.Write(frame)
		for _, p := range peers {
			for range each {
				discardFrame(b, p.br)
			}
		}
		discardFrame(b, pbr)
		for _, p := range peers {
			for _, o := range p.off {
				binary.BigEndian.PutUint64(o, next)
			}
			_, _ = p.c.Write(p.acks)
			discardFrame(b, p.br)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	mem := after.HeapInuse + after.StackInuse - before.HeapInuse - before.StackInuse
	b.ReportMetric(float64(mem)/(conns*each), "B/stream")
}

// BenchmarkDecodeAck is the request that a consumer sends most.
func BenchmarkDecodeAck(b *testing.B) {
	frame, _ := ackFrame(b, 1)
	body := frame[14:]
	var req api.UpdateOffsetsRequest
	var c codec.Coder
	b.ReportAllocs()
	for b.Loop() {
		c.ResetDecode(body, 0)
		req.Code(&c)
		if c.Err() != nil {
			b.Fatal(c.Err())
		}
	}
}
