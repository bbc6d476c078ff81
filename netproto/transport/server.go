package transport

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fluvio-go/fluvio/internal/lock"
	"github.com/fluvio-go/fluvio/netproto/codec"
)

// readBuffer is what an idle connection holds for reading.
const readBuffer = 2 << 10

// ServerOptions are the limits of one server connection. The zero value means
// the defaults.
type ServerOptions struct {
	// MaxFrame is the longest request payload in bytes; 0 means
	// DefaultMaxFrame.
	MaxFrame int
	// FirstFrame is the same until the connection is trusted; 0 means
	// DefaultFirstFrame.
	FirstFrame int
	// WriteTimeout closes a connection whose peer takes no byte for so long
	// while something is being written. 0 means never.
	WriteTimeout time.Duration
}

func (o *ServerOptions) fill() {
	if o.MaxFrame <= 0 {
		o.MaxFrame = DefaultMaxFrame
	}
	if o.FirstFrame <= 0 {
		o.FirstFrame = DefaultFirstFrame
	}
	o.FirstFrame = min(o.FirstFrame, o.MaxFrame)
}

// ServerConn is the server's side of one connection. One goroutine reads
// requests; any number may write responses.
type ServerConn struct {
	nc   net.Conn
	br   *bufio.Reader
	opts ServerOptions

	header  RequestHeader // of the last request; keeps the client id's memory
	trusted atomic.Bool
	began   bool // a request was read

	wmu lock.Mutex // held while a frame is written
	w   frameWriter

	ctx    context.Context
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	once   sync.Once
}

// NewServerConn wraps an accepted connection; TLS, if any, is done. Most
// callers get theirs from a Listener. ctx is the parent of the context that
// tasks get; Close ends it.
func NewServerConn(ctx context.Context, nc net.Conn, opts ServerOptions) *ServerConn {
	opts.fill()
	c := &ServerConn{
		nc:   nc,
		br:   bufio.NewReaderSize(nc, readBuffer),
		opts: opts,
		w:    frameWriter{nc: nc, timeout: opts.WriteTimeout},
	}
	c.w.file.init(nc)
	setNoDelay(nc)
	c.ctx, c.cancel = context.WithCancel(ctx)
	return c
}

// setNoDelay states what Go does by default: frames are written whole, so
// waiting for more would only delay them.
func setNoDelay(nc net.Conn) {
	if t, ok := nc.(*net.TCPConn); ok {
		_ = t.SetNoDelay(true)
	}
}

// Request is one request frame. It belongs to whoever got it and may outlive
// the read loop.
type Request struct {
	RequestHeader
	// Body is what follows the header, encoded at Version.
	Body []byte

	buf   *buffer
	coder codec.Coder
}

var requests = sync.Pool{New: func() any { return new(Request) }}

// Decode reads m from the body. Byte slices in m alias the body. Bytes after
// the message are ignored, as official servers do.
func (r *Request) Decode(m codec.Message) error {
	r.coder.ResetDecode(r.Body, r.Version)
	m.Code(&r.coder)
	return r.coder.Err()
}

// Release returns the request and its memory for reuse. Nothing that aliases
// the body may be used afterwards. It may be omitted, at the cost of garbage.
func (r *Request) Release() {
	r.buf.put()
	*r = Request{}
	requests.Put(r)
}

// ReadRequest waits for the next request. It must be called by one goroutine
// at a time. io.EOF means the peer closed between frames. Any error is final:
// the caller should return and let the connection close.
func (c *ServerConn) ReadRequest() (*Request, error) {
	limit := c.opts.FirstFrame
	if c.trusted.Load() {
		limit = c.opts.MaxFrame
	}
	buf, err := readFrame(c.br, limit)
	if err != nil {
		if !c.began {
			err = explainFirst(err, c.TLS() != nil)
		}
		return nil, err
	}
	r := requests.Get().(*Request)
	r.coder.ResetDecode(buf.b, 0)
	c.header.Code(&r.coder)
	if err := r.coder.Err(); err != nil {
		buf.put()
		requests.Put(r)
		return nil, err
	}
	c.began = true
	r.RequestHeader = c.header
	r.Body = r.coder.Bytes()
	r.buf = buf
	return r, nil
}

// Trust lifts the limit for first frames. Writing a response does so too,
// since only a request that made sense gets one.
func (c *ServerConn) Trust() { c.trusted.Store(true) }

// WriteResponse sends one response frame. It is safe for concurrent use. An
// encoding error leaves the connection as it was; after any other error it is
// closed.
func (c *ServerConn) WriteResponse(correlationID int32, version int16, m codec.Message) error {
	e := encoders.Get().(*encoder)
	defer e.put()
	if err := e.encodeResponse(correlationID, version, 0, m); err != nil {
		return err
	}
	c.wmu.Lock()
	defer c.wmu.Unlock()
	_, err := c.w.Write(e.buf)
	return c.written(err)
}

// WriteResponseWithFile sends one response frame that ends with the bytes of
// s: head is encoded, then s follows as it is. The length that head announces
// for these bytes is the caller's business. On Linux and plain TCP the bytes
// go from the page cache to the socket without passing through this process.
//
// Errors are as in WriteResponse. If the file turns out shorter than s
// promised, the error wraps ErrFileTruncated and the connection is closed,
// since the peer was told the length already. Small sections are read before
// anything is written; an error then leaves the connection as it was, which
// Context tells.
func (c *ServerConn) WriteResponseWithFile(correlationID int32, version int16, head codec.Message, s FileSection) error {
	e := encoders.Get().(*encoder)
	defer e.put()
	size := s.Size()
	if err := e.encodeResponse(correlationID, version, size, head); err != nil {
		return err
	}
	if done, err := e.inline(s, size); err != nil {
		return err
	} else if done {
		size = 0
	}
	c.wmu.Lock()
	defer c.wmu.Unlock()
	var err error
	if size == 0 {
		_, err = c.w.Write(e.buf)
	} else {
		err = c.w.writeSection(e.buf, s)
	}
	return c.written(err)
}

// inline reads a small section behind its head. Nothing has been written yet,
// so a read error costs the connection nothing.
func (e *encoder) inline(s FileSection, size int64) (bool, error) {
	f, off, ok := s.File()
	if !ok || size > inlineSection {
		return false, nil
	}
	start := len(e.buf)
	e.buf = append(e.buf, make([]byte, size)...)
	return true, readFull(f, e.buf[start:], off)
}

// written notes the outcome of a write. c.wmu is held.
func (c *ServerConn) written(err error) error {
	if err != nil {
		c.Close()
		return &ConnError{Addr: c.RemoteAddr().String(), Err: err}
	}
	if !c.trusted.Load() {
		c.trusted.Store(true)
	}
	return nil
}

// Go runs f in a goroutine of this connection. f must return when ctx ends,
// which is when the connection closes. It must not be called after the
// handler of the connection returned.
func (c *ServerConn) Go(f func(ctx context.Context)) {
	c.tasks.Go(func() { f(c.ctx) })
}

// Context ends when the connection closes.
func (c *ServerConn) Context() context.Context { return c.ctx }

// RemoteAddr is the address of the peer.
func (c *ServerConn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// LocalAddr is our own address.
func (c *ServerConn) LocalAddr() net.Addr { return c.nc.LocalAddr() }

// TLS is the state of the TLS connection, with the peer's certificates, or
// nil on a plain one.
func (c *ServerConn) TLS() *tls.ConnectionState {
	if t, ok := c.nc.(*tls.Conn); ok {
		s := t.ConnectionState()
		return &s
	}
	return nil
}

// Close closes the connection and ends its context. It is idempotent and does
// not wait for tasks; Wait does.
func (c *ServerConn) Close() error {
	c.once.Do(func() {
		c.cancel()
		c.nc.Close()
	})
	return nil
}

// Wait returns when all tasks started with Go have.
func (c *ServerConn) Wait() { c.tasks.Wait() }
