package transport

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/fluvio-go/fluvio/netproto/codec"
)

// Call sends a request and decodes its answer into resp. Byte slices in resp
// may alias the received frame, which then belongs to resp.
//
// The error is ErrTimeout after Options.RequestTimeout, the context's error,
// a *ConnError, or what the codec says about req or the answer. After
// ErrTimeout and the context's error the connection stays usable.
func (c *Conn) Call(ctx context.Context, key uint16, version int16, req, resp codec.Message) error {
	w := calls.Get().(*call)
	id, err := c.register(w)
	if err != nil {
		calls.Put(w)
		return err
	}
	w.header = RequestHeader{Key: key, Version: version, CorrelationID: id, ClientID: c.opts.ClientID}
	if err := c.write(ctx, &w.header, req); err != nil {
		c.abandon(id, w)
		return err
	}
	buf, err := c.await(ctx, w)
	if err != nil {
		c.abandon(id, w)
		return err
	}
	w.coder.ResetDecode(buf.b, version)
	resp.Code(&w.coder)
	if err = w.coder.Err(); err != nil {
		err = fmt.Errorf("response to key %d version %d: %w", key, version, err)
	}
	if !w.coder.Aliased() {
		buf.put()
	}
	w.coder = codec.Coder{}
	calls.Put(w)
	return err
}

// call waits for one frame.
type call struct {
	ch     chan result
	timer  *time.Timer
	header RequestHeader
	coder  codec.Coder
}

type result struct {
	buf *buffer
	err error
}

var calls = sync.Pool{New: func() any { return &call{ch: make(chan result, 1)} }}

func (w *call) deliver(b *buffer) bool { w.ch <- result{buf: b}; return false }
func (w *call) fail(err error)         { w.ch <- result{err: err} }

func (c *Conn) await(ctx context.Context, w *call) (*buffer, error) {
	var expired <-chan time.Time
	if d := c.opts.RequestTimeout; d > 0 {
		if w.timer == nil {
			w.timer = time.NewTimer(d)
		} else {
			w.timer.Reset(d)
		}
		defer w.timer.Stop()
		expired = w.timer.C
	}
	select {
	case r := <-w.ch:
		return r.buf, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-expired:
		return nil, fmt.Errorf("request with key %d to %s: %w within %v", w.header.Key, c.addr, ErrTimeout, c.opts.RequestTimeout)
	}
}

// abandon ends a call without a result. If the reader got to the waiter first
// it may still be delivering, so the waiter is not reused.
func (c *Conn) abandon(id int32, w *call) {
	if c.forget(id) {
		calls.Put(w)
	}
}
