//go:build sim

package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
	"github.com/fluvio-go/fluvio/engine/log/vfs/errorfs"
	"github.com/fluvio-go/fluvio/engine/sc"
	"github.com/fluvio-go/fluvio/engine/spu"
	"github.com/fluvio-go/fluvio/netproto/api"
)

const (
	scHost = "sc"
	// Services of hosts.
	public, private = "public", "private"

	dataDir = "/data"

	// closeTimeout is how long a node that is told to stop may take, as in
	// localcluster/node.
	closeTimeout = 10 * time.Second
)

// phase is what a node is doing. Only the director's goroutine, or one that it
// waits for, changes it.
type phase uint8

const (
	down phase = iota
	up
	stopping // its goroutines are coming to an end; it cannot be started yet
)

// spuNode is one SPU with its disk, which outlives it.
type spuNode struct {
	w    *world
	id   int32
	host string

	phase phase
	boots int // of its operating system
	srv   *spu.Server
	mem   *vfs.Mem
	disk  *errorfs.FS
	syncs uint64
	skew  time.Duration // of its wall clock
}

func (w *world) newSPU(id int32) *spuNode {
	n := &spuNode{w: w, id: id, host: fmt.Sprintf("spu-%d", id)}
	n.replaceDisk(vfs.NewMem())
	return n
}

// replaceDisk gives the node, which is down, another disk.
func (n *spuNode) replaceDisk(m *vfs.Mem) {
	n.mem = m
	n.disk = errorfs.New(m)
	n.disk.Inject(errorfs.Rule{Op: errorfs.OpSync, Do: func() { n.seek(100*time.Microsecond, 3*time.Millisecond) }})
	n.disk.Inject(errorfs.Rule{Op: errorfs.OpSyncDir, Do: func() { n.seek(50*time.Microsecond, time.Millisecond) }})
}

// seek is the time that a disk takes.
func (n *spuNode) seek(least, spread time.Duration) {
	n.w.mu.Lock()
	n.syncs++
	h := mix(n.w.seed, uint64(n.id), n.syncs)
	n.w.mu.Unlock()
	d := least + time.Duration(h%uint64(spread))
	if h>>40%100 == 0 {
		d += 50 * time.Millisecond
	}
	time.Sleep(d)
}

// now is the wall clock of the host.
func (n *spuNode) now() time.Time {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	return time.Now().Add(n.skew)
}

func (n *spuNode) setSkew(d time.Duration) {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	n.skew = d
}

// start begins a process of the node, which is down.
func (n *spuNode) start() {
	w := n.w
	w.net.revive(n.host)
	cfg := spu.Config{
		ID: n.id, Dir: dataDir, FS: n.disk,
		Public:  w.net.listen(n.host, public),
		Private: w.net.listen(n.host, private),
		DialSC:  func(ctx context.Context) (net.Conn, error) { return w.net.dial(ctx, n.host, scHost, private) },
		DialPeer: func(ctx context.Context, spec api.SpuSpec) (net.Conn, error) {
			return w.net.dial(ctx, n.host, spec.Private.Host, private)
		},
		Now:    n.now,
		OSBoot: fmt.Sprintf("boot-%d", n.boots),
		Logger: w.logger.With("node", n.host),
	}
	cfg.ReplicaLag = w.opts.replicaLag
	srv, err := spu.New(cfg)
	if err != nil {
		w.t.Fatal(err) // a bug of this test
	}
	n.srv = srv
	n.set(up)
	if err := srv.Start(); err != nil {
		// A disk that does not answer at start ends the process; its
		// supervisor tries again.
		w.note("%s does not start: %v", n.host, err)
		n.kill(false)
		w.later(time.Second, "restart "+n.host, n.startIfDown)
	}
}

func (n *spuNode) set(p phase) {
	n.w.mu.Lock()
	defer n.w.mu.Unlock()
	n.phase = p
}

// startIfDown starts the node as soon as its last process has come to an end.
func (n *spuNode) startIfDown() {
	switch n.w.phaseOf(n) {
	case stopping:
		n.w.later(100*time.Millisecond, "start "+n.host, n.startIfDown)
	case down:
		n.start()
	}
}

// kill ends the process without a word: kill -9, or, if the host goes dark
// with it, an unplugged machine. Its disk stays as the operating system has
// it; lose changes that.
func (n *spuNode) kill(dark bool) {
	srv := n.srv
	n.w.net.kill(n.host, dark)
	n.set(stopping)
	n.w.tasks.Go(func() {
		srv.Kill()
		n.set(down)
	})
}

// losePower kills the node and everything on its disk that was not synced.
func (n *spuNode) losePower(rng *rand.Rand) {
	after := n.mem.CrashClone(rng)
	n.boots++
	n.kill(true)
	n.replaceDisk(after)
}

// loseDisk kills the node and empties its disk.
func (n *spuNode) loseDisk() {
	n.kill(true)
	n.replaceDisk(vfs.NewMem())
}

// stop ends the process as SIGTERM does, without waiting for the end.
func (n *spuNode) stop() {
	srv := n.srv
	n.set(stopping)
	n.w.tasks.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		if err := srv.Close(ctx); err != nil {
			n.w.note("%s: close: %v", n.host, err)
		}
		n.w.net.kill(n.host, false)
		n.set(down)
	})
}

// scNode is the SC. Its metadata is in the world's store.
type scNode struct {
	w     *world
	phase phase
	sc    *sc.SC
}

func (n *scNode) start() {
	w := n.w
	w.net.revive(scHost)
	cfg := sc.Config{
		Store:           w.store,
		Public:          w.net.listen(scHost, public),
		Private:         w.net.listen(scHost, private),
		PlatformVersion: "0.18.1",
		Logger:          w.logger.With("node", scHost),
	}
	cfg.Rebalance.After = 5 * time.Second
	ctl, err := sc.New(cfg)
	if err == nil {
		err = ctl.Start()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	n.sc = ctl
	w.mu.Lock()
	n.phase = up
	w.mu.Unlock()
}

func (n *scNode) startIfDown() {
	switch n.w.scPhase() {
	case stopping:
		n.w.later(100*time.Millisecond, "start "+scHost, n.startIfDown)
	case down:
		n.start()
	}
}

// kill ends the process at once. What it has committed stays.
func (n *scNode) kill(dark bool) {
	ctl := n.sc
	n.w.net.kill(scHost, dark)
	n.w.mu.Lock()
	n.phase = stopping
	n.w.mu.Unlock()
	n.w.tasks.Go(func() {
		_ = ctl.Close(context.Background())
		n.w.mu.Lock()
		n.phase = down
		n.w.mu.Unlock()
	})
}
