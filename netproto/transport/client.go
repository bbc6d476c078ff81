package transport

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"sync"
	"time"

	"github.com/fluvio-go/fluvio/netproto/codec"
)

// Defaults of Options.
const (
	DefaultClientID       = "fluvio"
	DefaultRequestTimeout = 60 * time.Second
)

// Options configure a client connection. The zero value dials plain TCP.
type Options struct {
	// Dialer opens the connection; nil means net.Dialer.
	Dialer func(ctx context.Context, network, addr string) (net.Conn, error)
	// TLS makes the client speak TLS from the first byte. Without ServerName
	// the host part of the address is used.
	TLS *tls.Config
	// ClientID travels in every request; empty means DefaultClientID.
	ClientID string
	// Logger gets dropped frames and the end of the connection at debug
	// level. nil means none.
	Logger *slog.Logger
	// MaxFrame is the longest response payload in bytes; 0 means
	// DefaultMaxFrame.
	MaxFrame int
	// MaxStreamBacklog is how many bytes of one stream may wait for its
	// receiver before the stream fails; 0 means MaxFrame. One frame may
	// always wait. Consumer streams never come near it, since servers send
	// one frame per acknowledgement.
	MaxStreamBacklog int
	// RequestTimeout bounds the wait for the answer of a Call; 0 means
	// DefaultRequestTimeout, negative none.
	RequestTimeout time.Duration
	// WriteTimeout ends a connection whose peer takes no byte for so long
	// while a request is being written; 0 means DefaultRequestTimeout,
	// negative none.
	WriteTimeout time.Duration
}

func (o *Options) fill() {
	if o.Dialer == nil {
		o.Dialer = new(net.Dialer).DialContext
	}
	if o.ClientID == "" {
		o.ClientID = DefaultClientID
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.MaxFrame <= 0 {
		o.MaxFrame = DefaultMaxFrame
	}
	if o.MaxStreamBacklog <= 0 {
		o.MaxStreamBacklog = o.MaxFrame
	}
	if o.RequestTimeout == 0 {
		o.RequestTimeout = DefaultRequestTimeout
	}
	if o.WriteTimeout == 0 {
		o.WriteTimeout = DefaultRequestTimeout
	}
}

// Conn is the client's side of one connection. Any number of goroutines may
// use it: requests are answered in any order, and a receiver that lags on one
// stream does not delay the others.
//
// A Conn does no version handshake; Call works at once. It does not
// reconnect either: when it ends, all waiting calls and streams get the same
// *ConnError and Done is closed.
type Conn struct {
	nc   net.Conn
	addr string
	opts Options

	wlock chan struct{} // capacity 1; holds a token while a frame is written
	w     frameWriter

	mu      sync.Mutex
	waiting map[int32]waiter
	lastID  int32
	err     error // why the connection ended

	done   chan struct{} // closed once err is set
	reader sync.WaitGroup
}

// waiter takes the frames of one correlation id. Its methods never block.
type waiter interface {
	// deliver hands over a frame and reports whether more may follow.
	deliver(*buffer) (more bool)
	// fail ends the wait. It is called at most once and after the last
	// deliver.
	fail(error)
}

// Dial opens a connection to addr, "host:port", and does the TLS handshake if
// Options say so. ctx bounds both. The error is a *ConnError.
func Dial(ctx context.Context, addr string, opts Options) (*Conn, error) {
	opts.fill()
	nc, err := opts.Dialer(ctx, "tcp", addr)
	if err != nil {
		return nil, &ConnError{Addr: addr, Err: err}
	}
	if opts.TLS != nil {
		tc := tls.Client(nc, withServerName(opts.TLS, addr))
		if err := tc.HandshakeContext(ctx); err != nil {
			nc.Close()
			return nil, &ConnError{Addr: addr, Err: explainFirst(err, true)}
		}
		nc = tc
	}
	return NewConn(nc, addr, opts), nil
}

func withServerName(cfg *tls.Config, addr string) *tls.Config {
	if cfg.ServerName != "" {
		return cfg
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	cfg = cfg.Clone()
	cfg.ServerName = host
	return cfg
}

// NewConn takes over an open connection; TLS, if any, is done. addr is for
// error messages. Options.Dialer and Options.TLS are not used.
func NewConn(nc net.Conn, addr string, opts Options) *Conn {
	opts.fill()
	setNoDelay(nc)
	c := &Conn{
		nc:      nc,
		addr:    addr,
		opts:    opts,
		wlock:   make(chan struct{}, 1),
		w:       frameWriter{nc: nc, timeout: opts.WriteTimeout},
		waiting: make(map[int32]waiter),
		done:    make(chan struct{}),
	}
	c.reader.Go(c.read)
	return c
}

// Addr is the address that was dialled.
func (c *Conn) Addr() string { return c.addr }

// Done is closed when the connection ended.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err is the *ConnError that ended the connection, or nil while it lives.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends the connection and waits for its goroutine. Waiting calls and
// streams get a *ConnError that wraps net.ErrClosed. It is idempotent.
func (c *Conn) Close() error {
	c.fail(net.ErrClosed)
	c.reader.Wait()
	return nil
}

// fail ends the connection, the first time it is called.
func (c *Conn) fail(cause error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	err := &ConnError{Addr: c.addr, Err: cause}
	c.err = err
	waiting := c.waiting
	c.waiting = nil
	close(c.done)
	c.mu.Unlock()

	c.nc.Close()
	for _, w := range waiting {
		w.fail(err)
	}
	c.opts.Logger.Debug("connection ended", "peer", c.addr, "err", cause)
}

// register picks the next correlation id, for w if it is not nil.
func (c *Conn) register(w waiter) (int32, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	for {
		if c.lastID == math.MaxInt32 {
			c.lastID = 0
		}
		c.lastID++
		if _, taken := c.waiting[c.lastID]; !taken {
			break
		}
	}
	if w != nil {
		c.waiting[c.lastID] = w
	}
	return c.lastID, nil
}

// forget removes a waiter and reports whether it was still there. If not, the
// reader has delivered to it or is about to.
func (c *Conn) forget(id int32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.waiting[id]
	delete(c.waiting, id)
	return ok
}

// write sends one request frame. ctx bounds the wait for other writers; a
// frame that has begun is finished, within the write timeout.
func (c *Conn) write(ctx context.Context, h *RequestHeader, req codec.Message) error {
	e := encoders.Get().(*encoder)
	defer e.put()
	if err := e.encode(h.Version, 0, h, req); err != nil {
		return fmt.Errorf("request with key %d version %d: %w", h.Key, h.Version, err)
	}
	select {
	case c.wlock <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	case <-c.done:
		return c.Err()
	}
	_, err := c.w.Write(e.buf)
	<-c.wlock
	if err != nil {
		c.fail(err)
		return c.Err()
	}
	return nil
}

// Send sends a request whose answer nobody wants. Servers answer
// nevertheless; the answer is dropped.
func (c *Conn) Send(ctx context.Context, key uint16, version int16, req codec.Message) error {
	id, err := c.register(nil)
	if err != nil {
		return err
	}
	return c.write(ctx, &RequestHeader{Key: key, Version: version, CorrelationID: id, ClientID: c.opts.ClientID}, req)
}

// read is the connection's goroutine.
func (c *Conn) read() {
	br := bufio.NewReaderSize(c.nc, readBuffer)
	for first := true; ; first = false {
		err := c.readOne(br)
		if err == nil {
			continue
		}
		if first {
			_, overTLS := c.nc.(*tls.Conn)
			err = explainFirst(err, overTLS)
		}
		c.fail(err)
		return
	}
}

var errNoCorrelation = errors.New("response frame is too short for its header")

func (c *Conn) readOne(br *bufio.Reader) error {
	n, err := readLength(br, c.opts.MaxFrame)
	if err != nil {
		return err
	}
	if n < correlationSize {
		return errNoCorrelation
	}
	id, err := readCorrelation(br)
	if err != nil {
		return err
	}
	n -= correlationSize
	if !c.wanted(id) {
		_, err := br.Discard(n)
		c.opts.Logger.Debug("response dropped", "corr_id", id, "bytes", n)
		return unexpected(err)
	}
	buf, err := readPooled(br, n, clientStep)
	if err != nil {
		return err
	}
	c.deliver(id, buf)
	return nil
}

func (c *Conn) wanted(id int32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waiting[id] != nil
}

// deliver hands buf to its waiter, unless it gave up meanwhile. The lock is
// held throughout, so after forget returned true nothing is delivered.
func (c *Conn) deliver(id int32, buf *buffer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.waiting[id]
	if w == nil {
		buf.put()
		return
	}
	if !w.deliver(buf) {
		delete(c.waiting, id)
	}
}
