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

// process is the life of a node's process.
type process struct {
	w     *world
	host  string
	begin func() // starts one, if none is there
	phase phase  // guarded by world.mu
}

func (p *process) set(next phase) {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.phase = next
}

func (p *process) now() phase {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	return p.phase
}

// startIfDown starts the node as soon as its last process has come to an end.
func (p *process) startIfDown() {
	switch p.now() {
	case stopping:
		p.w.later(100*time.Millisecond, "start "+p.host, p.startIfDown)
	case down:
		p.begin()
	}
}

// end lets the process come to an end, which takes it a while after nobody
// hears of it any more.
func (p *process) end(wait func()) {
	p.set(stopping)
	p.w.tasks.Go(func() {
		wait()
		p.set(down)
	})
}

// spuNode is one SPU with its disk, which outlives it.
type spuNode struct {
	process
	id    int32
	boots int // of its operating system
	srv   *spu.Server
	mem   *vfs.Mem
	disk  *errorfs.FS
	syncs uint64
	skew  time.Duration // of its wall clock
}

func (w *world) newSPU(id int32) *spuNode {
	n := &spuNode{process: process{w: w, host: fmt.Sprintf("spu-%d", id)}, id: id}
	n.begin = n.start
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

// clock is the wall clock of the host.
func (n *spuNode) clock() time.Time {
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
		Now:    n.clock,
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

// kill ends the process without a word: kill -9, or, if the host goes dark
// with it, an unplugged machine. Its disk stays as the operating system has
// it; lose changes that.
func (n *spuNode) kill(dark bool) {
	srv := n.srv
	n.w.net.kill(n.host, dark)
	n.end(srv.Kill)
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
	n.end(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		if err := srv.Close(ctx); err != nil {
			n.w.note("%s: close: %v", n.host, err)
		}
		n.w.net.kill(n.host, false)
	})
}

// scNode is the SC. Its metadata is in the world's store.
type scNode struct {
	process
	sc *sc.SC
}

func (w *world) newSC() *scNode {
	n := &scNode{process: process{w: w, host: scHost}}
	n.begin = n.start
	return n
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
	n.set(up)
}

// kill ends the process at once. What it has committed stays.
func (n *scNode) kill(dark bool) {
	ctl := n.sc
	n.w.net.kill(n.host, dark)
	n.end(func() { _ = ctl.Close(context.Background()) })
}
