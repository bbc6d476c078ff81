package spu

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/fluvio-go/fluvio/internal/lock"
	"github.com/fluvio-go/fluvio/internal/slogkey"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// fetcher follows every partition that one other SPU leads, over one
// connection. There is one request on its way at a time; it names only the
// partitions whose state the leader does not know.
type fetcher struct {
	srv    *Server
	leader int32
	wake   chan struct{} // capacity 1: try to connect now

	mu      lock.Mutex
	parts   []*following
	byRef   map[api.ReplicaRef]*following
	cancel  context.CancelFunc // ends the request on its way, if there is one
	changed bool               // parts changed since the last request was made
	left    []api.ReplicaRef   // partitions that went since then
	session uint32
	full    bool // the next request begins a session
}

// following is one partition. Its fields are guarded by fetcher.mu.
type following struct {
	p     *partition
	epoch int32                 // leader epoch in which it is followed
	dirty bool                  // to be named in the next request
	sent  api.ReplicaFetchState // as last named
	until time.Time             // paused until then
	pause time.Duration         // the last one
	// unsaved: the log may hold records that the disk should have and has not.
	// The leader must not hear of them.
	unsaved bool
}

const (
	// firstPause and longestPause bound how long a partition is left alone
	// after our own disk had nothing good to say, leaderPause how long when it
	// was the leader, which may just not have heard of its election.
	firstPause   = 20 * time.Millisecond
	longestPause = 2 * time.Second
	leaderPause  = 100 * time.Millisecond
	// fetchTimeout is added to the wait of a fetch. A leader that says nothing
	// for so long is taken for gone.
	fetchTimeout = 30 * time.Second
	// recheck is how often partitions are compared with what the leader was
	// told, in case a log changed by itself.
	recheck = time.Second
)

// add follows p, or does so afresh because the leader epoch changed.
func (f *fetcher) add(p *partition, epoch int32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g := f.byRef[p.ref]
	switch {
	case g == nil || g.p != p:
		g = &following{p: p}
		f.parts = append(f.parts, g)
		f.byRef[p.ref] = g
	case g.epoch == epoch:
		return
	}
	g.epoch, g.dirty, g.until, g.pause = epoch, true, time.Time{}, 0
	// What was appended in another role, as a leader for instance, may not be on
	// the disk yet either.
	g.unsaved = p.persists()
	f.interrupt()
}

// drop stops following p. It reports how many partitions are left.
func (f *fetcher) drop(p *partition) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.parts, func(g *following) bool { return g.p == p })
	if i >= 0 {
		f.parts = slices.Delete(f.parts, i, i+1)
		delete(f.byRef, p.ref)
		f.left = append(f.left, p.ref)
		f.interrupt()
	}
	return len(f.parts)
}

// interrupt makes the fetcher look at its partitions again now. Whatever the
// leader is about to answer is dropped, which costs a new session and nothing
// else: each request says anew where we stand. f.mu is held.
func (f *fetcher) interrupt() {
	f.changed = true
	select {
	case f.wake <- struct{}{}:
	default:
	}
	if f.cancel != nil {
		f.cancel()
	}
}

// run is the fetcher's goroutine; ctx ends with it.
func (f *fetcher) run(ctx context.Context) {
	s := f.srv
	pause, lastErr := time.Duration(0), ""
	for ctx.Err() == nil {
		admitted, err := f.connect(ctx)
		if ctx.Err() != nil {
			return
		}
		if admitted {
			pause, lastErr = 0, ""
		}
		if text := err.Error(); text != lastErr {
			s.logger.Warn("no connection to the leader", slogkey.Peer, f.leader, slogkey.Err, text)
			lastErr = text
		}
		pause = min(max(2*pause, s.cfg.Redial), s.cfg.RedialMax)
		if f.sleep(ctx, pause) {
			pause = 0
		}
	}
}

// sleep waits for d, or until there is something new to follow, such as a
// leader that has come back; then it returns true.
func (f *fetcher) sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-f.wake:
		return true
	}
	return false
}

// connect follows over one connection until it ends.
func (f *fetcher) connect(ctx context.Context) (admitted bool, err error) {
	s := f.srv
	spec, ok := s.followers.spec(f.leader)
	if !ok {
		return false, fmt.Errorf("SPU %d is not known", f.leader)
	}
	nc, err := s.cfg.DialPeer(ctx, spec)
	if err != nil {
		return false, fmt.Errorf("dial: %w", err)
	}
	c := transport.NewConn(nc, nc.RemoteAddr().String(), transport.Options{
		ClientID: linkClient, Logger: s.logger, RequestTimeout: s.cfg.PeerWait + fetchTimeout,
		MaxFrame: s.cfg.MaxBatchBytes + s.cfg.MaxPeerBytes + maxSessionFrame,
	})
	defer c.Close()
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { defer close(closed); c.Close() })
	defer func() {
		if !stop() {
			<-closed
		}
	}()
	hello := &api.PeerHelloRequest{ClusterID: s.identity.id(), From: s.cfg.ID, To: f.leader, Boot: s.boot}
	var resp api.PeerHelloResponse
	if err := c.Call(ctx, api.KeyPeerHello, api.ClusterVersion, hello, &resp); err != nil {
		return false, fmt.Errorf("hello: %w", err)
	}
	if err := resp.Error.Err(); err != nil {
		return false, fmt.Errorf("hello: %w", err)
	}
	f.mu.Lock()
	f.full = true
	f.mu.Unlock()
	checked := time.Now()
	for {
		if ctx.Err() != nil {
			return true, ctx.Err()
		}
		if now := time.Now(); now.Sub(checked) >= recheck {
			f.recheck()
			checked = now
		}
		if err := f.exchange(ctx, c); err != nil {
			return true, err
		}
	}
}

// exchange makes one request and deals with its answer.
func (f *fetcher) exchange(ctx context.Context, c *transport.Conn) error {
	f.saveAgain()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req := f.request(cancel)
	var resp api.ReplicaFetchResponse
	err := c.Call(ctx, api.KeyReplicaFetch, api.ClusterVersion, req, &resp)
	f.mu.Lock()
	f.cancel = nil
	f.full = f.full || err != nil || resp.Unknown
	interrupted := f.changed
	f.mu.Unlock()
	switch {
	case err != nil && interrupted && errors.Is(err, context.Canceled):
		return nil
	case err != nil:
		return err
	case resp.Session != req.Session:
		return fmt.Errorf("answer for session %d, want %d", resp.Session, req.Session)
	}
	f.take(&resp)
	return nil
}

// request says what the leader does not know. cancel ends the call that is
// going to be made with it.
func (f *fetcher) request(cancel context.CancelFunc) *api.ReplicaFetchRequest {
	cfg := &f.srv.cfg
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cancel, f.changed = cancel, false
	if f.full {
		f.session++
		f.left = nil
	}
	req := &api.ReplicaFetchRequest{Session: f.session, Full: f.full, MaxBytes: int32(min(cfg.MaxPeerBytes, 1<<30)), Forgotten: f.left}
	f.left = nil
	wait := cfg.PeerWait
	now := time.Now()
	for _, g := range f.parts {
		if !g.dirty && !f.full {
			continue
		}
		if left := g.until.Sub(now); left > 0 {
			g.dirty = true
			wait = min(wait, left)
			continue
		}
		st, ok := g.p.followState(f.leader)
		if !ok || g.unsaved {
			g.dirty = false // the table of followers has not caught up yet
			continue
		}
		g.dirty, g.sent = false, st
		req.Partitions = append(req.Partitions, st)
	}
	f.full = false
	req.MaxWaitMS = int32(max(wait.Milliseconds(), 1))
	return req
}

// recheck finds partitions whose logs moved without our doing.
func (f *fetcher) recheck() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, g := range f.parts {
		if st, ok := g.p.followState(f.leader); ok && (st.FetchOffset != g.sent.FetchOffset || st.LastEpoch != g.sent.LastEpoch || st.HW == noHW || st.LeaderEpoch != g.sent.LeaderEpoch) {
			g.dirty = true
		}
	}
}

// take deals with an answer: all appends first, then whatever has to reach the
// disk before we ask again.
func (f *fetcher) take(resp *api.ReplicaFetchResponse) {
	var sync sync.WaitGroup
	for i := range resp.Partitions {
		r := &resp.Partitions[i]
		g := f.find(r.ReplicaRef)
		if g == nil {
			continue
		}
		v, err := g.p.replicate(f.leader, r)
		if v == ask && len(r.Records.Bytes) > 0 && g.p.persists() {
			sync.Go(func() { f.save(g) })
			continue
		}
		f.settle(g, v, err)
	}
	sync.Wait()
}

// save makes what a partition appended durable before the leader hears of it.
func (f *fetcher) save(g *following) {
	err := g.p.persist()
	f.mu.Lock()
	g.unsaved = err != nil
	f.mu.Unlock()
	f.settle(g, ask, err)
}

// saveAgain retries where that went wrong.
func (f *fetcher) saveAgain() {
	var due []*following
	now := time.Now()
	f.mu.Lock()
	for _, g := range f.parts {
		if g.unsaved && !now.Before(g.until) {
			due = append(due, g)
		}
	}
	f.mu.Unlock()
	f.srv.each(len(due), func(i int) { f.save(due[i]) })
}

func (f *fetcher) find(ref api.ReplicaRef) *following {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.byRef[ref]
}

// settle decides when the leader hears of a partition again.
func (f *fetcher) settle(g *following, v verdict, err error) {
	if err != nil {
		f.srv.logger.Warn("replicate", logErr(err), logPartition(g.p.key), slogkey.Peer, f.leader)
		if v != ignore {
			v = pause
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch v {
	case goOn:
		g.pause = 0
	case ask:
		g.pause, g.dirty = 0, true
	case pause:
		longest := leaderPause
		if err != nil {
			longest = longestPause
		}
		g.pause = min(max(2*g.pause, firstPause), longest)
		g.until, g.dirty = time.Now().Add(g.pause), true
	}
}
