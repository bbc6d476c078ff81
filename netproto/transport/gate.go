package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/fluvio-go/fluvio/internal/slogkey"
)

// Door is one way into a Gate.
type Door struct {
	Listener net.Listener
	// Check looks at a connection before anybody sees it, such as by a TLS
	// handshake, and returns what is handed on in its place. The Gate bounds
	// the time by closing nc, and closes nc when Check returns an error. nil
	// lets everybody in.
	Check func(ctx context.Context, nc net.Conn) (net.Conn, error)
}

// GateOptions limit what peers that have passed no check can hold. Zero values
// mean the default in parentheses.
type GateOptions struct {
	Timeout           time.Duration // for one check (10 s)
	MaxPending        int           // checks at a time; one more is closed unseen (1,024)
	MaxPendingPerHost int           // of which from one address (MaxPending)
	// Logger gets one line per peer that fails its check, and at most one a
	// second about those that found no room. nil means none.
	Logger *slog.Logger
}

func (o *GateOptions) fill() {
	if o.Timeout <= 0 {
		o.Timeout = handshakeTimeout
	}
	if o.MaxPending <= 0 {
		o.MaxPending = 1024
	}
	if o.MaxPendingPerHost <= 0 {
		o.MaxPendingPerHost = o.MaxPending
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

// Gate is a net.Listener made of several, whose connections have passed a
// check. Checks run beside each other, so that Accept waits for no slow or
// hostile peer. Connections keep their type: what Check returned, or what the
// listener did.
type Gate struct {
	doors []Door
	opts  GateOptions
	ready chan arrival

	ctx    context.Context
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	once   sync.Once
	err    error // of closing the listeners

	mu      sync.Mutex
	pending int
	hosts   map[string]int
	refused int       // since told
	told    time.Time // when refused was last logged
}

type arrival struct {
	nc  net.Conn
	err error
}

var (
	errCheckTimeout = errors.New("the peer did not finish in time")
	errGateFull     = errors.New("too many unfinished handshakes")
)

// NewGate takes over the listeners of the doors, of which there must be at
// least one.
func NewGate(opts GateOptions, doors ...Door) *Gate {
	opts.fill()
	g := &Gate{doors: doors, opts: opts, ready: make(chan arrival), hosts: make(map[string]int)}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	for i := range doors {
		g.tasks.Go(func() { g.watch(&doors[i]) })
	}
	return g
}

// Addr is the address of the first door.
func (g *Gate) Addr() net.Addr { return g.doors[0].Listener.Addr() }

// Accept returns the next connection that passed its check.
func (g *Gate) Accept() (net.Conn, error) {
	select {
	case a := <-g.ready:
		return a.nc, a.err
	case <-g.ctx.Done():
		addr := g.Addr()
		return nil, &net.OpError{Op: "accept", Net: addr.Network(), Addr: addr, Err: net.ErrClosed}
	}
}

// Close closes the listeners and every connection that was not accepted, and
// returns when all goroutines are gone. It is idempotent.
func (g *Gate) Close() error {
	g.once.Do(func() {
		g.cancel()
		var errs []error
		for _, d := range g.doors {
			errs = append(errs, d.Listener.Close())
		}
		g.err = errors.Join(errs...)
	})
	g.tasks.Wait()
	return g.err
}

// watch accepts at one door. Handing an error on waits for Accept, whose
// caller is the one to pause, so a lack of descriptors is no busy loop.
func (g *Gate) watch(d *Door) {
	for {
		nc, err := d.Listener.Accept()
		switch {
		case err != nil:
			g.deliver(arrival{err: err})
			if errors.Is(err, net.ErrClosed) || g.ctx.Err() != nil {
				return
			}
		case d.Check == nil:
			g.deliver(arrival{nc: nc})
		default:
			g.begin(d, nc)
		}
	}
}

// deliver hands a connection to Accept, or closes it with the Gate.
func (g *Gate) deliver(a arrival) {
	select {
	case g.ready <- a:
	case <-g.ctx.Done():
		if a.nc != nil {
			a.nc.Close()
		}
	}
}

func (g *Gate) begin(d *Door, nc net.Conn) {
	host := hostOf(nc.RemoteAddr())
	if !g.room(host) {
		nc.Close()
		return
	}
	g.tasks.Go(func() {
		defer g.leave(host)
		out, err := g.check(d, nc)
		if err == nil {
			g.deliver(arrival{nc: out})
			return
		}
		nc.Close()
		if g.ctx.Err() == nil {
			g.opts.Logger.Warn("connection refused", slogkey.Peer, nc.RemoteAddr().String(), slogkey.Err, err.Error())
		}
	})
}

func (g *Gate) check(d *Door, nc net.Conn) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(g.ctx, g.opts.Timeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	out, err := d.Check(ctx, nc)
	if !stop() { // nc is closed, whatever Check says
		return nil, fmt.Errorf("%w (%v)", errCheckTimeout, g.opts.Timeout)
	}
	return out, err
}

// room counts a peer in, unless there is none.
func (g *Gate) room(host string) bool {
	g.mu.Lock()
	if g.pending < g.opts.MaxPending && g.hosts[host] < g.opts.MaxPendingPerHost {
		g.pending++
		g.hosts[host]++
		g.mu.Unlock()
		return true
	}
	g.refused++
	tell := 0
	if now := time.Now(); now.Sub(g.told) >= time.Second {
		tell, g.told, g.refused = g.refused, now, 0
	}
	g.mu.Unlock()
	if tell > 0 {
		g.opts.Logger.Warn("connections refused", slogkey.Count, tell, slogkey.Peer, host, slogkey.Err, errGateFull.Error())
	}
	return false
}

func (g *Gate) leave(host string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pending--
	if g.hosts[host]--; g.hosts[host] == 0 {
		delete(g.hosts, host)
	}
}

func hostOf(a net.Addr) string {
	if t, ok := a.(*net.TCPAddr); ok {
		return t.IP.String()
	}
	return a.String()
}
