package localcluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/fluvio-go/fluvio/internal/filelock"
	"github.com/fluvio-go/fluvio/localcluster/node"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// Options describe the nodes of a Cluster.
type Options struct {
	DataDir     string // metadata/ and spu-logs-<id>/ go here; made if missing
	SPUs        int
	SCAddr      string      // port 0 lets the system choose
	SPUBasePort int         // 0 lets the system choose
	TLS         *tls.Config // of the public listeners; nil is plain TCP
	ClientTLS   *tls.Config // with which a client may come; nil is plain TCP

	// Logger returns the log of a node: "sc" or "spu-<id>". nil discards.
	Logger func(node string) *slog.Logger
	// Progress hears of every step of Open. It is called from one goroutine.
	Progress func(Event)
}

// PortError says that a node cannot listen where it should.
type PortError = node.PortError

// Cluster is an SC and its SPUs in this process. Its methods are safe for
// concurrent use.
type Cluster struct {
	opts    Options
	lock    *filelock.Lock
	sc      *node.SC
	scAddr  string
	private *transport.MemListener
	// peers has the private listener of each SPU, by id. It is apart from mu,
	// which is held while SPUs close and may still be dialling each other.
	peers sync.Map

	mu   sync.Mutex
	spus []*Node
}

// Node is one SPU of a Cluster.
type Node struct {
	ID   int32
	Addr string // public, host:port

	cluster *Cluster
	mu      sync.Mutex
	spu     *node.SPU // nil while stopped
}

// Open starts all nodes on the data in opts.DataDir and returns when every SPU
// is online and the system topic is there, so that the first client finds a
// whole cluster. On error, or when ctx ends first, nothing is left running.
//
// Errors are a *PortError, a *RunningError, or what a node says about its
// data.
func Open(ctx context.Context, opts Options) (_ *Cluster, err error) {
	if opts.Logger == nil {
		opts.Logger = func(string) *slog.Logger { return slog.New(slog.DiscardHandler) }
	}
	if opts.Progress == nil {
		opts.Progress = func(Event) {}
	}
	if err := os.MkdirAll(opts.DataDir, 0o755); err != nil {
		return nil, err
	}
	c := &Cluster{opts: opts}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close(context.WithoutCancel(ctx)))
		}
	}()
	if c.lock, err = takeLock(opts.DataDir); err != nil {
		return nil, err
	}
	scListener, err := node.Listen("SC", opts.SCAddr)
	if err != nil {
		return nil, err
	}
	c.scAddr = scListener.Addr().String()
	listeners, err := c.listenSPUs()
	if err != nil {
		return nil, errors.Join(err, scListener.Close())
	}
	if err := c.startSC(scListener); err != nil {
		return nil, errors.Join(err, closeAll(listeners))
	}
	opts.Progress(Event{Kind: EventSC, Addr: c.scAddr})
	if err := c.startSPUs(ctx, listeners); err != nil {
		return nil, err
	}
	if err := c.waitReady(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

func closeAll(ls []net.Listener) error {
	var errs []error
	for _, l := range ls {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// listenSPUs opens the ports of all SPUs. Nothing is started before all ports
// of a cluster are open, so a port in use leaves nothing behind.
func (c *Cluster) listenSPUs() ([]net.Listener, error) {
	host := spuHost(c.opts.SCAddr)
	var out []net.Listener
	for i := range c.opts.SPUs {
		port := 0
		if c.opts.SPUBasePort != 0 {
			port = c.opts.SPUBasePort + i*spuPortStep
		}
		l, err := node.Listen(spuName(firstSPU+int32(i)), net.JoinHostPort(host, fmt.Sprint(port)))
		if err != nil {
			return nil, errors.Join(err, closeAll(out))
		}
		out = append(out, l)
	}
	return out, nil
}

func spuName(id int32) string { return fmt.Sprintf("custom-spu-%d", id) }

// startSC opens the metadata and starts the SC. It owns public from here on.
func (c *Cluster) startSC(public net.Listener) error {
	c.private = transport.NewMemListener("sc")
	var err error
	c.sc, err = node.StartSC(node.SCConfig{
		Dir:     filepath.Join(c.opts.DataDir, "metadata"),
		Public:  public,
		TLS:     c.opts.TLS,
		Private: c.private,
		Logger:  c.opts.Logger("sc"),
	})
	return err
}

// startSPUs makes the nodes known to the SC and starts them. It owns the
// listeners.
func (c *Cluster) startSPUs(ctx context.Context, listeners []net.Listener) error {
	for i, l := range listeners {
		id := firstSPU + int32(i)
		n := &Node{ID: id, Addr: l.Addr().String(), cluster: c}
		if err := c.sc.EnsureCustomSpu(ctx, n.spec(), spuName(id)); err != nil {
			return errors.Join(fmt.Errorf("register %s: %w", spuName(id), err), closeAll(listeners[i:]))
		}
		if err := n.start(l); err != nil {
			return errors.Join(fmt.Errorf("start %s: %w", spuName(id), err), closeAll(listeners[i+1:]))
		}
		c.spus = append(c.spus, n)
	}
	return nil
}

// spec is the node as its clients see it. Nobody dials the private endpoint
// of a local SPU; it is there because upstream's tables show it.
func (n *Node) spec() api.CustomSpuSpec {
	host := "localhost"
	_, port, err := node.SplitAddr(n.Addr)
	if err != nil { // an address that a listener returned
		panic(err)
	}
	enc := api.Plaintext
	if n.cluster.opts.TLS != nil {
		enc = api.SSL
	}
	return api.CustomSpuSpec{
		ID:      n.ID,
		Public:  api.IngressPort{Port: uint16(port), Ingress: []api.Ingress{{Hostname: &host}}, Encryption: enc},
		Private: api.Endpoint{Port: uint16(port + 1), Host: host},
	}
}

// start owns public from here on.
func (n *Node) start(public net.Listener) (err error) {
	c := n.cluster
	private := transport.NewMemListener(node.ServiceSPU(n.ID))
	n.spu, err = node.StartSPU(node.SPUConfig{
		ID:       n.ID,
		Dir:      c.opts.DataDir,
		Public:   public,
		TLS:      c.opts.TLS,
		Private:  private,
		DialSC:   c.private.Dial,
		DialPeer: c.dialPeer,
		Logger:   c.opts.Logger(fmt.Sprintf("spu-%d", n.ID)),
	})
	if err == nil {
		c.peers.Store(n.ID, private)
	}
	return err
}

// dialPeer connects one SPU to another; it fails while that one is stopped.
func (c *Cluster) dialPeer(ctx context.Context, spec api.SpuSpec) (net.Conn, error) {
	l, ok := c.peers.Load(spec.ID)
	if !ok {
		return nil, fmt.Errorf("SPU %d is not in this process", spec.ID)
	}
	return l.(*transport.MemListener).Dial(ctx)
}

// Start starts a stopped node on its old address.
func (n *Node) Start() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.spu != nil {
		return nil
	}
	l, err := node.Listen(spuName(n.ID), n.Addr)
	if err != nil {
		return err
	}
	return n.start(l)
}

// Stop stops the node as a shutdown does: nothing in flight is dropped and the
// next start has nothing to recover. Stopping a stopped node does nothing.
func (n *Node) Stop(ctx context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.spu == nil {
		return nil
	}
	err := n.spu.Close(ctx)
	n.spu = nil
	return err
}

// Kill stops the node as a crash does: connections end in the middle and
// nothing is flushed.
func (n *Node) Kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.spu != nil {
		n.spu.Kill()
		n.spu = nil
	}
}

// SCAddr is the public address of the SC.
func (c *Cluster) SCAddr() string { return c.scAddr }

// Nodes returns the SPUs in order of their ids.
func (c *Cluster) Nodes() []*Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*Node(nil), c.spus...)
}

// Close stops all nodes, SPUs first so that none takes the SC's end for a
// failure, and releases the data folder. It is idempotent.
func (c *Cluster) Close(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	errs := make([]error, len(c.spus))
	var wg sync.WaitGroup
	for i, n := range c.spus {
		wg.Go(func() { errs[i] = n.Stop(ctx) })
	}
	wg.Wait()
	err := errors.Join(errs...)
	c.spus = nil
	if c.sc != nil {
		err = errors.Join(err, c.sc.Close(ctx))
		c.sc = nil
	}
	if c.private != nil {
		err = errors.Join(err, c.private.Close())
		c.private = nil
	}
	if c.lock != nil {
		err = errors.Join(err, c.lock.Release())
		c.lock = nil
	}
	return err
}

// spuHost is where SPUs listen: on the interface that the SC uses. Upstream
// listens on every interface; a cluster on a laptop has no business in the
// network around it unless its user says so with the SC's address.
func spuHost(scAddr string) string {
	host, _, err := node.SplitAddr(scAddr)
	if err != nil {
		return "127.0.0.1"
	}
	return host
}
