package spu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/fluvio-go/fluvio/internal/slogkey"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// conn is one client connection. Its reader goroutine handles requests one
// after another; whatever would make it wait is handed over.
type conn struct {
	srv *Server
	nc  *transport.ServerConn

	// Of the reader, reused from request to request.
	produceReq api.ProduceRequest
	ackReq     api.UpdateOffsetsRequest
	ackResp    api.UpdateOffsetsResponse
	lastStream uint32

	mu          sync.Mutex
	streams     map[uint32]*stream
	parked      map[*ticket]struct{} // appended, not answered
	parkedBytes int
	out         []*ticket // answered, not written
	writing     bool      // a goroutine writes out
	closed      bool
	room        chan struct{} // capacity 1: parked shrank, or out is written
}

// smallBody bounds requests that only name things. It keeps their answers,
// which are larger than they are, within reason too.
const smallBody = 1 << 20

func (s *Server) serveConn(ctx context.Context, nc *transport.ServerConn) {
	c := &conn{srv: s, nc: nc, room: make(chan struct{}, 1)}
	err := c.readLoop(ctx)
	if err == errDraining {
		c.awaitAnswers(ctx)
	}
	c.shut()
	if err != nil && !quietEnd(err) && ctx.Err() == nil {
		s.logger.Warn("connection closed", slogkey.Peer, nc.RemoteAddr().String(), slogkey.Err, err.Error())
	}
}

// errDraining ends a connection once its parked requests are answered.
var errDraining = errors.New("SPU is stopping")

// quietEnd reports whether a connection ended because one side went away, which
// clients do all day, rather than over what was sent on it.
func quietEnd(err error) bool {
	var network *net.OpError
	var lost *transport.ConnError
	return errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, errDraining) ||
		errors.Is(err, context.Canceled) || errors.As(err, &network) || errors.As(err, &lost)
}

func (c *conn) readLoop(ctx context.Context) error {
	for {
		r, err := c.nc.ReadRequest()
		if err != nil {
			return err
		}
		key, version := r.Key, r.Version
		if !c.srv.begin() {
			r.Release()
			return errDraining
		}
		err = c.dispatch(ctx, r)
		c.srv.done(1)
		if err != nil {
			return fmt.Errorf("request with key %d version %d: %w", key, version, err)
		}
	}
}

// dispatch handles one request, which it releases. An error ends the
// connection.
func (c *conn) dispatch(ctx context.Context, r *transport.Request) error {
	if r.Key == api.KeyProduce {
		return c.produce(ctx, r)
	}
	corrID, version := r.CorrelationID, r.Version
	resp, err := c.handle(r)
	r.Release()
	if err != nil || resp == nil {
		return err
	}
	return c.nc.WriteResponse(corrID, version, resp)
}

var errUnknownKey = errors.New("unknown API key")

// handle returns the answer, or nil if it comes from elsewhere. Nothing that
// aliases the request survives it.
func (c *conn) handle(r *transport.Request) (codec.Message, error) {
	if r.Key != api.KeyStreamFetch && len(r.Body) > smallBody {
		return nil, &transport.FrameSizeError{Size: int64(len(r.Body)), Max: smallBody}
	}
	switch r.Key {
	case api.KeyApiVersions:
		return c.apiVersions(r)
	case api.KeyFetch:
		return c.fetch(r)
	case api.KeyFetchOffsets:
		return c.fetchOffsets(r)
	case api.KeyStreamFetch:
		return nil, c.streamFetch(r)
	case api.KeyUpdateOffsets:
		return c.updateOffsets(r)
	case api.KeyUpdateConsumerOffset:
		return c.updateConsumerOffset(r)
	case api.KeyDeleteConsumerOffset:
		return c.deleteConsumerOffset(r)
	case api.KeyFetchConsumerOffsets:
		return c.fetchConsumerOffsets(r)
	case api.KeyStartMirror:
		return nil, c.startMirror(r)
	}
	return nil, errUnknownKey
}

// park makes the ticket count against the connection's limits. It is followed
// by ticket.park.
func (c *conn) park(t *ticket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parked == nil {
		c.parked = make(map[*ticket]struct{})
	}
	c.parked[t] = struct{}{}
	c.parkedBytes += t.bytes
	c.srv.inflight.Add(1) // the reader's own count covers the gap
}

// unpark is the reverse. c.mu is held.
func (c *conn) unpark(t *ticket) {
	if _, ok := c.parked[t]; ok {
		delete(c.parked, t)
		c.parkedBytes -= t.bytes
		c.srv.done(1)
	}
}

// awaitRoom holds the reader back while too much waits for an answer.
func (c *conn) awaitRoom(ctx context.Context) error {
	for {
		c.mu.Lock()
		full := len(c.parked) >= c.srv.cfg.MaxParked || c.parkedBytes >= c.srv.cfg.MaxParkedBytes
		c.mu.Unlock()
		if !full {
			return nil
		}
		select {
		case <-c.room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// answer takes a ticket whose waits are over and has its response written by
// a goroutine of the connection, never by the caller: that may be the one that
// commits for everybody.
func (c *conn) answer(t *ticket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		t.discard()
		return
	}
	c.out = append(c.out, t)
	if !c.writing {
		c.writing = true
		c.nc.Go(c.writeAnswers)
	}
}

// writeAnswers runs until there is nothing to write.
func (c *conn) writeAnswers(context.Context) {
	var batch []*ticket
	for {
		c.mu.Lock()
		for _, t := range batch {
			c.unpark(t)
			if c.closed {
				t.discard()
			} else {
				t.free()
			}
		}
		clear(batch)
		if len(c.out) == 0 || c.closed {
			c.writing = false
			if c.out == nil {
				c.out = batch[:0]
			}
			c.mu.Unlock()
			c.signalRoom()
			return
		}
		batch, c.out = c.out, batch[:0]
		c.mu.Unlock()
		c.signalRoom()
		for _, t := range batch {
			// An error closes the connection, which ends the reader too.
			if c.nc.WriteResponse(t.corrID, t.version, &t.resp) != nil {
				break
			}
		}
	}
}

func (c *conn) signalRoom() {
	select {
	case c.room <- struct{}{}:
	default:
	}
}

// awaitAnswers waits until nothing is parked.
func (c *conn) awaitAnswers(ctx context.Context) {
	for {
		c.mu.Lock()
		done := len(c.parked) == 0
		c.mu.Unlock()
		if done {
			return
		}
		select {
		case <-c.room:
		case <-ctx.Done():
			return
		}
	}
}

// shut abandons what still waits. Afterwards no goroutine is started.
func (c *conn) shut() {
	c.mu.Lock()
	c.closed = true
	parked := make([]*ticket, 0, len(c.parked))
	for t := range c.parked {
		parked = append(parked, t)
		c.unpark(t)
	}
	c.mu.Unlock()
	for _, t := range parked {
		t.cancel(api.ErrorCode{ID: api.NotLeaderForPartition})
	}
}

// stream returns an open stream of this connection.
func (c *conn) stream(id uint32) *stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.streams[id]
}
