package spu

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
	"github.com/fluvio-go/fluvio/engine/log/vfs/errorfs"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/record"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// cluster is some SPUs that replicate, with one SC, all in memory.
type cluster struct {
	t     testing.TB
	sc    *fakeSC
	edit  func(*Config)
	nodes map[int32]*node

	mu   sync.Mutex
	down map[[2]int32]bool // follower, leader: no connection
	live []peerLink
}

type peerLink struct {
	from, to int32
	nc       net.Conn
}

// node is one SPU with its disk, which outlives it.
type node struct {
	c       *cluster
	id      int32
	mem     *vfs.Mem
	fs      *errorfs.FS
	public  *transport.MemListener
	private *transport.MemListener
	srv     *Server // nil while stopped
}

// testLag is short, but long enough for a busy machine not to drop the living.
const testLag = 500 * time.Millisecond

var three = []int32{1, 2, 3}

// newCluster starts an SPU per id.
func newCluster(t testing.TB, ids []int32, edit func(*Config)) *cluster {
	t.Helper()
	c := &cluster{t: t, sc: newFakeSC(t), edit: edit, nodes: make(map[int32]*node), down: make(map[[2]int32]bool)}
	for _, id := range ids {
		c.sc.spus = append(c.sc.spus, api.SpuSpec{ID: id})
		mem := vfs.NewMem()
		c.nodes[id] = &node{c: c, id: id, mem: mem, fs: errorfs.New(mem)}
	}
	for _, id := range ids {
		c.nodes[id].start()
	}
	t.Cleanup(func() {
		for _, n := range c.nodes {
			if n.srv != nil {
				n.srv.Kill()
			}
		}
	})
	return c
}

func (n *node) start() {
	n.c.t.Helper()
	n.public = transport.NewMemListener(fmt.Sprintf("public-%d", n.id))
	private := transport.NewMemListener(fmt.Sprintf("private-%d", n.id))
	n.c.mu.Lock()
	n.private = private
	n.c.mu.Unlock()
	cfg := Config{
		ID: n.id, Public: n.public, Private: private, DialSC: n.c.sc.dial,
		DialPeer: func(ctx context.Context, spec api.SpuSpec) (net.Conn, error) { return n.c.dialPeer(ctx, n.id, spec.ID) },
		Dir:      "/data", FS: n.fs, Logger: testLogger(n.c.t),
	}
	cfg.Redial, cfg.RedialMax = time.Millisecond, 10*time.Millisecond
	cfg.Retry, cfg.Report = 5*time.Millisecond, 20*time.Millisecond
	cfg.Flush = 50 * time.Millisecond
	cfg.ReplicaLag = time.Hour // nobody drops out unless the test is about that
	if n.c.edit != nil {
		n.c.edit(&cfg)
	}
	srv, err := New(cfg)
	if err != nil {
		n.c.t.Fatal(err)
	}
	n.srv = srv
	if err := srv.Start(); err != nil {
		n.c.t.Fatal(err)
	}
}

// kill stops the SPU as a crash does; the page cache survives.
func (n *node) kill() {
	n.srv.Kill()
	n.srv = nil
}

func (n *node) close() {
	n.c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testPatience)
	defer cancel()
	if err := n.srv.Close(ctx); err != nil {
		n.c.t.Errorf("close SPU %d: %v", n.id, err)
	}
	n.srv = nil
}

// wipe gives a stopped SPU an empty disk.
func (n *node) wipe() {
	n.mem = vfs.NewMem()
	n.fs = errorfs.New(n.mem)
}

func (c *cluster) dialPeer(ctx context.Context, from, to int32) (net.Conn, error) {
	c.mu.Lock()
	cut, ln := c.down[[2]int32{from, to}], c.nodes[to].private
	c.mu.Unlock()
	if cut {
		return nil, fmt.Errorf("no way from %d to %d", from, to)
	}
	nc, err := ln.Dial(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live = append(c.live, peerLink{from, to, nc})
	return nc, nil
}

// cut ends the connections of a follower to a leader and allows no new ones.
func (c *cluster) cut(from, to int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down[[2]int32{from, to}] = true
	c.dropLinks(from, to)
}

// dropLinks ends connections once. c.mu is held.
func (c *cluster) dropLinks(from, to int32) {
	c.live = slices.DeleteFunc(c.live, func(l peerLink) bool {
		hit := l.from == from && l.to == to
		if hit {
			l.nc.Close()
		}
		return hit
	})
}

func (c *cluster) heal(from, to int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.down, [2]int32{from, to})
}

// await waits until cond is true.
func (c *cluster) await(what string, cond func() bool) {
	c.t.Helper()
	deadline := time.Now().Add(testPatience)
	for !cond() {
		if time.Now().After(deadline) {
			c.t.Fatalf("gave up waiting for: %s\n%s", what, c.describe())
		}
		time.Sleep(time.Millisecond)
	}
}

// describe is the state of every replica, for failures.
func (c *cluster) describe() string {
	var b strings.Builder
	for _, id := range slices.Sorted(mapsKeys(c.nodes)) {
		n := c.nodes[id]
		if n.srv == nil {
			fmt.Fprintf(&b, "SPU %d is down\n", id)
			continue
		}
		for _, p := range n.srv.replicas.all() {
			r := p.report()
			p.role.RLock()
			fmt.Fprintf(&b, "SPU %d %v: leads %v, epoch %d, ISR %v, start %d, HW %d, LEO %d, %s %s\n", id, p.key, p.leads(),
				r.LeaderEpoch, p.assigned.ISR, r.StartOffset, r.HW, r.LEO, stateName(r.State), r.Reason)
			p.role.RUnlock()
		}
	}
	return b.String()
}

func mapsKeys[K comparable, V any](m map[K]V) func(yield func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// replicated is a partition with a replica on every id, led by the first.
func replicated(topic string, ids ...int32) api.ReplicaAssignment {
	a := assignment(topic, 0)
	a.Leader, a.Replicas, a.ISR, a.PartitionEpoch = ids[0], ids, ids, 1
	a.Spec.Leader, a.Spec.Replicas = ids[0], ids
	a.Config.Durability = api.DurabilityAuto
	return a
}

// acksAtOnce has uncommitted producers acknowledged by the leader's log alone.
func acksAtOnce(a api.ReplicaAssignment) api.ReplicaAssignment {
	a.Config.Durability = api.DurabilityInterval
	return a
}

// host assigns partitions and waits until their leaders lead.
func (c *cluster) host(as ...api.ReplicaAssignment) {
	c.t.Helper()
	c.sc.assign(as...)
	for _, a := range as {
		c.awaitLeader(a.Key, a.Leader)
	}
}

func (c *cluster) awaitLeader(key api.ReplicaKey, id int32) {
	c.t.Helper()
	c.await(fmt.Sprintf("SPU %d to lead %v", id, key), func() bool { return c.leads(key, id) })
}

func (c *cluster) leads(key api.ReplicaKey, id int32) bool {
	n := c.nodes[id]
	if n.srv == nil {
		return false
	}
	p := n.srv.replicas.get(key)
	return p != nil && p.leader() != nil
}

// assigned is what the SC has stored about a partition.
func (c *cluster) assigned(a api.ReplicaAssignment) api.ReplicaAssignment {
	c.sc.mu.Lock()
	defer c.sc.mu.Unlock()
	return c.sc.assigned[a.ReplicaRef]
}

// elect makes another SPU lead and waits until it does.
func (c *cluster) elect(a api.ReplicaAssignment, id int32) {
	c.t.Helper()
	c.sc.mu.Lock()
	now := c.sc.assigned[a.ReplicaRef]
	c.sc.elect(&now, id)
	c.sc.mu.Unlock()
	c.awaitLeader(a.Key, id)
}

// alter changes the stored state of a partition and tells everybody.
func (c *cluster) alter(a api.ReplicaAssignment, edit func(*api.ReplicaAssignment)) {
	c.sc.mu.Lock()
	defer c.sc.mu.Unlock()
	now := c.sc.assigned[a.ReplicaRef]
	edit(&now)
	now.PartitionEpoch++
	c.sc.assigned[a.ReplicaRef] = now
	c.sc.send(&api.Assignments{Replicas: []api.ReplicaAssignment{now}})
}

// dial opens a client connection.
func (n *node) dial() *transport.Conn {
	n.c.t.Helper()
	nc, err := n.public.Dial(context.Background())
	if err != nil {
		n.c.t.Fatal(err)
	}
	c := transport.NewConn(nc, "mem", transport.Options{RequestTimeout: testPatience})
	n.c.t.Cleanup(func() { c.Close() })
	var resp api.ApiVersionsResponse
	call(n.c.t, c, api.KeyApiVersions, api.ApiVersionsVersion, &api.ApiVersionsRequest{ClientVersion: "0.50.2"}, &resp)
	return c
}

// commit produces with ReadCommitted and returns the answer.
func commit(t testing.TB, c *transport.Conn, topic string, timeout time.Duration, values ...string) api.ProduceResult {
	t.Helper()
	req := produceReq(topic, entry(0, batchOf(t, values...)))
	req.Isolation, req.TimeoutMS = api.ReadCommitted, int32(timeout.Milliseconds())
	return produce(t, c, req)[0]
}

func mustCommit(t testing.TB, c *transport.Conn, topic string, values ...string) int64 {
	t.Helper()
	res := commit(t, c, topic, testPatience, values...)
	if err := res.Error.Err(); err != nil {
		t.Fatalf("produce: %v", err)
	}
	return res.BaseOffset
}

// part is the replica of an SPU.
func (c *cluster) part(id int32, a api.ReplicaAssignment) *partition {
	c.t.Helper()
	p := c.nodes[id].srv.replicas.get(a.Key)
	if p == nil {
		c.t.Fatalf("SPU %d has no replica of %v", id, a.Key)
	}
	return p
}

// ends returns log end and high watermark of a replica, −1 while it has none.
func (c *cluster) ends(id int32, a api.ReplicaAssignment) (leo, hw int64) {
	if c.nodes[id].srv == nil {
		return -1, -1
	}
	if p := c.nodes[id].srv.replicas.get(a.Key); p != nil {
		if l := p.open(); l != nil {
			return l.EndOffset(), l.HighWatermark()
		}
	}
	return -1, -1
}

// awaitEnds waits until the replicas of all ids end at leo, committed.
func (c *cluster) awaitEnds(a api.ReplicaAssignment, leo int64, ids ...int32) {
	c.t.Helper()
	c.await(fmt.Sprintf("%v to reach %d", a.Key, leo), func() bool {
		for _, id := range ids {
			if end, hw := c.ends(id, a); end != leo || hw != leo {
				return false
			}
		}
		return true
	})
}

// content is every batch of a replica in [from, to) as bytes.
func (c *cluster) content(id int32, a api.ReplicaAssignment, from, to int64) []byte {
	c.t.Helper()
	l := c.part(id, a).open()
	var out []byte
	for from < to {
		s, err := l.Read(from, 1<<30, to)
		if err != nil {
			c.t.Fatalf("SPU %d: %v", id, err)
		}
		if s.Len() == 0 {
			c.t.Fatalf("SPU %d: nothing at %d, want up to %d", id, from, to)
		}
		if out, err = s.Bytes(out); err != nil {
			c.t.Fatal(err)
		}
		from = s.EndOffset()
		s.Release()
	}
	return out
}

// sameUpTo checks that replicas are byte-identical from their common start to
// offset to, in what they serve and in their files.
func (c *cluster) sameUpTo(a api.ReplicaAssignment, to int64, ids ...int32) {
	c.t.Helper()
	var from int64
	for _, id := range ids {
		from = max(from, c.part(id, a).open().StartOffset())
	}
	want := c.content(ids[0], a, from, to)
	for _, id := range ids[1:] {
		if got := c.content(id, a, from, to); !bytes.Equal(got, want) {
			c.t.Errorf("SPU %d and %d differ between %d and %d: %d and %d bytes", ids[0], id, from, to, len(want), len(got))
		}
	}
}

func (n *node) dir(a api.ReplicaAssignment) string {
	return filepath.Join("/data", fmt.Sprintf("spu-logs-%d", n.id), a.Key.String())
}

// files joins the segment files of a replica.
func (n *node) files(a api.ReplicaAssignment) []byte {
	n.c.t.Helper()
	dir := n.dir(a)
	names, err := n.mem.List(dir)
	if err != nil {
		n.c.t.Fatal(err)
	}
	slices.Sort(names)
	var out []byte
	for _, name := range names {
		if filepath.Ext(name) == ".log" {
			b, err := vfs.ReadFile(n.mem, filepath.Join(dir, name))
			if err != nil {
				n.c.t.Fatal(err)
			}
			out = append(out, b...)
		}
	}
	return out
}

// recordsOf reads all values below to.
func (c *cluster) recordsOf(id int32, a api.ReplicaAssignment, to int64) (out []string) {
	c.t.Helper()
	for rest := c.content(id, a, c.part(id, a).open().StartOffset(), to); len(rest) > 0; {
		b, tail, err := record.Next(rest)
		if err != nil {
			c.t.Fatal(err)
		}
		it, err := b.Records(nil)
		if err != nil {
			c.t.Fatal(err)
		}
		for it.Next() {
			out = append(out, string(it.Record().Value))
		}
		rest = tail
	}
	return out
}
