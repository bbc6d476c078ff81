package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"
)

// handshakeTimeout bounds a TLS handshake, so that silent peers do not hold a
// connection slot.
const handshakeTimeout = 10 * time.Second

// ListenerOptions configure a Listener. The zero value means plain
// connections, no connection limit, and the default frame limits.
type ListenerOptions struct {
	ServerOptions

	// TLS makes the listener speak TLS from the first byte.
	TLS *tls.Config
	// MaxConns is the largest number of open connections; 0 means no limit.
	// One more is closed as soon as it is accepted.
	MaxConns int
	// Logger gets one line per refused or failed connection. nil means none.
	Logger *slog.Logger
}

// Handler serves one connection: it reads requests until an error and answers
// them. The connection closes when it returns, and ctx ends when the
// connection closes.
type Handler func(ctx context.Context, c *ServerConn)

// Listener accepts connections and owns their goroutines.
type Listener struct {
	ln   net.Listener
	opts ListenerOptions

	mu     sync.Mutex
	conns  map[io.Closer]struct{}
	closed bool
	wg     sync.WaitGroup
}

// Listen opens a TCP listener, for instance on "localhost:0".
func Listen(ctx context.Context, addr string, opts ListenerOptions) (*Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return NewListener(ln, opts), nil
}

// NewListener takes over ln, which may be a MemListener.
func NewListener(ln net.Listener, opts ListenerOptions) *Listener {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return &Listener{ln: ln, opts: opts, conns: make(map[io.Closer]struct{})}
}

// Addr is the address that clients can dial.
func (l *Listener) Addr() net.Addr { return l.ln.Addr() }

// Conns is the number of open connections.
func (l *Listener) Conns() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns)
}

// Serve accepts connections until ctx ends, Close is called or the listening
// socket breaks, and runs handler in a goroutine for each. Before it returns
// all connections are closed and all their goroutines gone. The error is nil
// after Close and the context's after it ended.
func (l *Listener) Serve(ctx context.Context, handler Handler) error {
	stop := context.AfterFunc(ctx, func() { l.shut() })
	err := l.accept(ctx, handler)
	stop()
	l.Close()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (l *Listener) accept(ctx context.Context, handler Handler) error {
	for delay := time.Duration(0); ; {
		nc, err := l.ln.Accept()
		if err == nil {
			delay = 0
			l.start(ctx, nc, handler)
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		var ne net.Error
		if !errors.As(err, &ne) {
			return err
		}
		// Out of descriptors, or the peer was gone before we looked. Neither
		// ends a server, but the first must not become a busy loop.
		delay = min(max(2*delay, 5*time.Millisecond), time.Second)
		l.opts.Logger.Warn("accept", "err", err, "dur", delay)
		select {
		case <-time.After(delay):
		case <-ctx.Done():
			return nil
		}
	}
}

// start registers nc and runs its goroutine, unless there is no room.
func (l *Listener) start(ctx context.Context, nc net.Conn, handler Handler) {
	l.mu.Lock()
	full := l.opts.MaxConns > 0 && len(l.conns) >= l.opts.MaxConns
	if l.closed || full {
		l.mu.Unlock()
		nc.Close()
		if full {
			l.opts.Logger.Warn("connection refused", "peer", nc.RemoteAddr(), "err", ErrTooManyConns)
		}
		return
	}
	l.conns[nc] = struct{}{}
	l.wg.Add(1)
	l.mu.Unlock()

	go func() {
		defer l.wg.Done()
		defer l.forget(nc)
		l.serveConn(ctx, nc, handler)
	}()
}

func (l *Listener) forget(nc net.Conn) {
	nc.Close()
	l.mu.Lock()
	delete(l.conns, nc)
	l.mu.Unlock()
}

func (l *Listener) serveConn(ctx context.Context, nc net.Conn, handler Handler) {
	if l.opts.TLS != nil {
		tc := tls.Server(nc, l.opts.TLS)
		hctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
		err := tc.HandshakeContext(hctx)
		cancel()
		if err != nil {
			l.opts.Logger.Info("TLS handshake", "peer", nc.RemoteAddr(), "err", explainFirst(err, true))
			return
		}
		nc = tc
	}
	c := NewServerConn(ctx, nc, l.opts.ServerOptions)
	defer c.Wait()
	defer c.Close()
	handler(c.ctx, c)
}

// shut closes the socket and all connections without waiting.
func (l *Listener) shut() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	for c := range l.conns {
		c.Close()
	}
	return l.ln.Close()
}

// Close stops accepting, closes every connection and returns when their
// goroutines ended. It is idempotent. It must not be called from a handler.
func (l *Listener) Close() error {
	err := l.shut()
	l.wg.Wait()
	return err
}
