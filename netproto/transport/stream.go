package transport

import (
	"context"
	"fmt"
	"sync"

	"github.com/fluvio-go/fluvio/netproto/codec"
)

// Stream receives the many responses of one request. The protocol has neither
// an end marker nor a cancel message: a stream ends with its connection, or
// when the receiver calls Close.
type Stream struct {
	c       *Conn
	id      int32
	version int16

	ready chan struct{} // capacity 1: something changed

	mu      sync.Mutex
	queue   []*buffer
	backlog int   // bytes in queue
	err     error // delivered once queue is empty
}

// Stream sends a request that gets many responses. ctx bounds the sending
// only.
func (c *Conn) Stream(ctx context.Context, key uint16, version int16, req codec.Message) (*Stream, error) {
	s := &Stream{c: c, version: version, ready: make(chan struct{}, 1)}
	id, err := c.register(s)
	if err != nil {
		return nil, err
	}
	s.id = id
	if err := c.write(ctx, &RequestHeader{Key: key, Version: version, CorrelationID: id, ClientID: c.opts.ClientID}, req); err != nil {
		c.forget(id)
		return nil, err
	}
	return s, nil
}

// Version is the version of the request, which governs every response.
func (s *Stream) Version() int16 { return s.version }

// deliver queues a frame. It runs on the connection's reader and must not
// wait: official clients stall the whole connection here.
func (s *Stream) deliver(b *buffer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		b.put()
		return false
	}
	if limit := s.c.opts.MaxStreamBacklog; len(s.queue) > 0 && s.backlog+len(b.b) > limit {
		s.err = fmt.Errorf("%w: more than %d bytes wait for it", ErrStreamOverflow, limit)
		b.put()
	} else {
		s.queue = append(s.queue, b)
		s.backlog += len(b.b)
	}
	s.wake()
	return s.err == nil
}

func (s *Stream) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
	s.wake()
}

func (s *Stream) wake() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// Next waits for the next response and returns its body, which belongs to the
// caller. What arrived before the stream ended is delivered first. Then the
// error is a *ConnError, ErrStreamOverflow or ErrStreamClosed, and stays. A
// context error does not end the stream. Only one goroutine may receive.
func (s *Stream) Next(ctx context.Context) ([]byte, error) {
	b, err := s.next(ctx)
	if err != nil {
		return nil, err
	}
	return b.b, nil
}

// Frame is a response body in pooled memory.
type Frame struct {
	Body []byte
	buf  *buffer
}

// Release returns the memory for reuse. Nothing that aliases Body may be used
// afterwards. It must be called at most once, or not at all.
func (f Frame) Release() { f.buf.put() }

// NextFrame is Next for receivers that can tell when they are done with a
// body, which spares a consumer an allocation of the size of each fetch.
func (s *Stream) NextFrame(ctx context.Context) (Frame, error) {
	b, err := s.next(ctx)
	if err != nil {
		return Frame{}, err
	}
	return Frame{Body: b.b, buf: b}, nil
}

// Recv waits like Next and decodes the body into m. Byte slices in m may alias
// the received frame, which then belongs to m.
func (s *Stream) Recv(ctx context.Context, m codec.Message) error {
	b, err := s.next(ctx)
	if err != nil {
		return err
	}
	e := encoders.Get().(*encoder)
	e.c.ResetDecode(b.b, s.version)
	m.Code(&e.c)
	err = e.c.Err()
	if !e.c.Aliased() {
		b.put()
	}
	e.c = codec.Coder{}
	encoders.Put(e)
	return err
}

func (s *Stream) next(ctx context.Context) (*buffer, error) {
	for {
		b, err := s.poll()
		if b != nil || err != nil {
			return b, err
		}
		select {
		case <-s.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// poll takes what is there; nil and nil means nothing yet.
func (s *Stream) poll() (*buffer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return nil, s.err
	}
	b := s.queue[0]
	s.queue[0] = nil
	s.queue = s.queue[1:]
	if len(s.queue) == 0 {
		s.queue = nil
	}
	s.backlog -= len(b.b)
	return b, nil
}

// Close stops receiving. The server is not told, since the protocol cannot;
// what it still sends is dropped. It is idempotent.
func (s *Stream) Close() error {
	s.c.forget(s.id)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.queue {
		b.put()
	}
	s.queue, s.backlog = nil, 0
	if s.err == nil {
		s.err = ErrStreamClosed
	}
	s.wake()
	return nil
}
