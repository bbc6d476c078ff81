package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// memBuffer is how many bytes each direction of an in-memory connection
// holds before a writer waits. It plays the part of the socket buffers.
const memBuffer = 256 << 10

var errMemRefused = errors.New("no such listener in this process")

// MemListener is a net.Listener inside this process. Servers that run in one
// process talk over it as they would over TCP.
type MemListener struct {
	addr   memAddr
	queue  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// NewMemListener returns a listener; name shows in addresses and errors.
func NewMemListener(name string) *MemListener {
	return &MemListener{addr: memAddr(name), queue: make(chan net.Conn), closed: make(chan struct{})}
}

type memAddr string

func (memAddr) Network() string  { return "mem" }
func (a memAddr) String() string { return "mem:" + string(a) }

// Accept waits for the next Dial.
func (l *MemListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: "mem", Addr: l.addr, Err: net.ErrClosed}
	}
}

// Addr is "mem:" and the name.
func (l *MemListener) Addr() net.Addr { return l.addr }

// Close makes Accept and Dial fail. Open connections live on.
func (l *MemListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Dial connects to the listener, waiting until it accepts.
func (l *MemListener) Dial(ctx context.Context) (net.Conn, error) {
	a, b := MemPipe(memAddr(string(l.addr)+"/client"), l.addr)
	select {
	case l.queue <- b:
		return a, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: "mem", Addr: l.addr, Err: errMemRefused}
	case <-ctx.Done():
		return nil, &net.OpError{Op: "dial", Net: "mem", Addr: l.addr, Err: ctx.Err()}
	}
}

// DialContext is Dial in the form that Options.Dialer wants; network and
// addr do not matter.
func (l *MemListener) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	return l.Dial(ctx)
}

// MemPipe returns two connected ends. Unlike net.Pipe each direction is
// buffered, so a write returns without a reader while there is room, and what
// was written before Close can still be read.
func MemPipe(addrA, addrB net.Addr) (a, b net.Conn) {
	ab, ba := newMemQueue(), newMemQueue()
	return &memConn{in: ba, out: ab, local: addrA, remote: addrB},
		&memConn{in: ab, out: ba, local: addrB, remote: addrA}
}

type memConn struct {
	in, out       *memQueue
	local, remote net.Addr
}

func (c *memConn) Read(p []byte) (int, error)         { return c.in.read(p) }
func (c *memConn) Write(p []byte) (int, error)        { return c.out.write(p) }
func (c *memConn) LocalAddr() net.Addr                { return c.local }
func (c *memConn) RemoteAddr() net.Addr               { return c.remote }
func (c *memConn) SetReadDeadline(t time.Time) error  { return c.in.readSide.setDeadline(c.in, t) }
func (c *memConn) SetWriteDeadline(t time.Time) error { return c.out.writeSide.setDeadline(c.out, t) }

func (c *memConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

func (c *memConn) Close() error {
	c.in.close(&c.in.readSide)
	c.out.close(&c.out.writeSide)
	return nil
}

// memQueue is one direction: a ring of bytes that grows up to memBuffer while
// in use and goes back to the pool whenever it is empty, so that an idle
// connection holds nothing.
type memQueue struct {
	mu   sync.Mutex
	cond sync.Cond // anything below changed
	mem  *buffer   // holds ring; nil when ring is
	ring []byte
	head int // next byte to read
	n    int // bytes held

	readSide, writeSide memSide
}

// memSide is one end's view of a queue.
type memSide struct {
	closed   bool
	expired  bool
	timer    *time.Timer
	deadline int // counts SetDeadline calls, so that an old timer is ignored
}

func newMemQueue() *memQueue {
	q := &memQueue{}
	q.cond.L = &q.mu
	return q
}

func (q *memQueue) close(s *memSide) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s.closed = true
	s.deadline++
	if s.timer != nil {
		s.timer.Stop()
	}
	if s == &q.readSide {
		q.drop()
	}
	q.cond.Broadcast()
}

func (s *memSide) setDeadline(q *memQueue, t time.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	s.deadline++
	s.expired = false
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	if t.IsZero() {
		return nil
	}
	wait := time.Until(t)
	if wait <= 0 {
		s.expired = true
		q.cond.Broadcast()
		return nil
	}
	current := s.deadline
	s.timer = time.AfterFunc(wait, func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		if s.deadline == current {
			s.expired = true
			q.cond.Broadcast()
		}
	})
	return nil
}

func (q *memQueue) read(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		switch {
		case q.readSide.closed:
			return 0, net.ErrClosed
		case q.readSide.expired:
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case q.n > 0:
			return q.take(p), nil
		case q.writeSide.closed:
			return 0, io.EOF
		}
		q.cond.Wait()
	}
}

// take copies out what fits. q.n is not zero.
func (q *memQueue) take(p []byte) int {
	done := 0
	for done < len(p) && q.n > 0 {
		m := copy(p[done:], q.ring[q.head:min(len(q.ring), q.head+q.n)])
		done += m
		q.n -= m
		if q.head += m; q.head == len(q.ring) {
			q.head = 0
		}
	}
	if q.n == 0 {
		q.drop()
	}
	q.cond.Broadcast()
	return done
}

func (q *memQueue) write(p []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	done := 0
	for {
		switch {
		case q.writeSide.closed:
			return done, net.ErrClosed
		case q.readSide.closed:
			return done, io.ErrClosedPipe
		case q.writeSide.expired:
			return done, os.ErrDeadlineExceeded
		case done == len(p):
			return done, nil
		case q.n < memBuffer:
			done += q.put(p[done:])
			continue
		}
		q.cond.Wait()
	}
}

// put copies in what fits below memBuffer.
func (q *memQueue) put(p []byte) int {
	p = p[:min(len(p), memBuffer-q.n)]
	q.reserve(q.n + len(p))
	done := 0
	for done < len(p) {
		tail := (q.head + q.n) % len(q.ring)
		end := len(q.ring)
		if tail < q.head {
			end = q.head
		}
		m := copy(q.ring[tail:end], p[done:])
		done += m
		q.n += m
	}
	q.cond.Broadcast()
	return done
}

// reserve makes the ring hold at least n bytes.
func (q *memQueue) reserve(n int) {
	if n <= len(q.ring) {
		return
	}
	mem := getBuffer(n)
	ring := mem.b[:cap(mem.b)]
	m := copy(ring, q.ring[q.head:min(len(q.ring), q.head+q.n)])
	copy(ring[m:], q.ring[:q.n-m])
	q.mem.put()
	q.mem, q.ring, q.head = mem, ring, 0
}

// drop forgets all bytes and returns the memory.
func (q *memQueue) drop() {
	q.mem.put()
	q.mem, q.ring, q.head, q.n = nil, nil, 0, 0
}
