package spu

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/fluvio-go/fluvio/internal/slogkey"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// maxSessionFrame is the longest request of a follower, which names up to all
// partitions of a leader.
const maxSessionFrame = 32 << 20

// peerConn is a connection of a follower. Its reader hands requests over, so
// that one that waits for records learns when the next one arrives.
type peerConn struct {
	srv  *Server
	nc   *transport.ServerConn
	peer int32
	boot uint64 // the start of the peer
	next chan *transport.Request
	pend *transport.Request // taken from next while another was being served

	session *session
}

var errReplaced = errors.New("the peer has another connection")

// peers knows the newest connection of each peer, which is the true one. One
// that does not say which start of the peer it belongs to (0) replaces nothing.
type peers struct {
	mu sync.Mutex
	m  map[int32]*peerConn
}

// join returns the connection that c replaces, or nil.
func (t *peers) join(c *peerConn) *peerConn {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.boot == 0 {
		return nil
	}
	if t.m == nil {
		t.m = make(map[int32]*peerConn)
	}
	old := t.m[c.peer]
	t.m[c.peer] = c
	return old
}

func (t *peers) leave(c *peerConn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.m[c.peer] == c {
		delete(t.m, c.peer)
	}
}

func (t *peers) current(c *peerConn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return c.boot == 0 || t.m[c.peer] == c
}

// servePeer is the handler of the private port.
func (s *Server) servePeer(ctx context.Context, nc *transport.ServerConn) {
	c := &peerConn{srv: s, nc: nc, next: make(chan *transport.Request)}
	if err := c.hello(); err != nil {
		s.logger.Warn("peer refused", slogkey.Peer, nc.RemoteAddr().String(), slogkey.Err, err.Error())
		return
	}
	defer s.peers.leave(c)
	if old := s.peers.join(c); old != nil {
		// It lost that one, and may be another start than the one that had it:
		// nothing that was said there counts any more.
		old.nc.Close()
	}
	nc.Go(c.serve)
	for {
		r, err := nc.ReadRequest()
		if err != nil {
			return
		}
		select {
		case c.next <- r:
		case <-ctx.Done():
			return
		}
	}
}

// hello admits the other SPU or returns why not.
func (c *peerConn) hello() error {
	r, err := c.nc.ReadRequest()
	if err != nil {
		return err
	}
	defer r.Release()
	if r.Key != api.KeyPeerHello {
		return errUnknownKey
	}
	var req api.PeerHelloRequest
	if err := r.Decode(&req); err != nil {
		return err
	}
	var resp api.PeerHelloResponse
	self, cluster := c.srv.cfg.ID, c.srv.identity.id()
	switch {
	case cluster == "" || req.ClusterID != cluster:
		resp.Error = api.Errorf("this SPU belongs to cluster %q, not %q", cluster, req.ClusterID)
	case req.To != self:
		resp.Error = api.Errorf("this is SPU %d, not %d", self, req.To)
	case req.From == self || req.From < 0:
		resp.Error = api.Errorf("SPU %d cannot follow SPU %d", req.From, self)
	}
	c.peer, c.boot = req.From, req.Boot
	if err := c.nc.WriteResponse(r.CorrelationID, r.Version, &resp); err != nil {
		return err
	}
	return resp.Error.Err()
}

// serve answers one request after another.
func (c *peerConn) serve(ctx context.Context) {
	defer c.nc.Close()
	defer func() { c.session.end() }()
	for {
		r := c.pend
		c.pend = nil
		if r == nil {
			select {
			case r = <-c.next:
			case <-ctx.Done():
				return
			}
		}
		if err := c.fetch(ctx, r); err != nil {
			if ctx.Err() == nil {
				c.srv.logger.Warn("peer connection closed", slogkey.Peer, c.peer, slogkey.Err, err.Error())
			}
			return
		}
	}
}

// fetch answers one request, waiting for something to tell if need be.
func (c *peerConn) fetch(ctx context.Context, r *transport.Request) error {
	defer r.Release()
	if r.Key != api.KeyReplicaFetch {
		return errUnknownKey
	}
	var req api.ReplicaFetchRequest
	if err := r.Decode(&req); err != nil {
		return err
	}
	if !c.srv.peers.current(c) {
		return errReplaced
	}
	c.srv.isr.heard(c.peer)
	if req.Full {
		c.session.end()
		c.session = newSession(c, req.Session)
	}
	s := c.session
	if s == nil || s.id != req.Session {
		return c.nc.WriteResponse(r.CorrelationID, r.Version, &api.ReplicaFetchResponse{Session: req.Session, Unknown: true})
	}
	s.update(&req)
	limit := min(max(int(req.MaxBytes), 1), c.srv.cfg.MaxPeerBytes)
	s.collect(limit)
	if len(s.resp.Partitions) == 0 {
		c.await(ctx, s, limit, time.Duration(req.MaxWaitMS)*time.Millisecond)
	}
	err := c.nc.WriteResponse(r.CorrelationID, r.Version, &s.resp)
	s.sent()
	return err
}

// await waits until there is something to tell, the time is over, or the
// follower has a new request. It never waits long enough to make a follower
// look as if it had gone.
func (c *peerConn) await(ctx context.Context, s *session, limit int, wait time.Duration) {
	timer := time.NewTimer(min(max(wait, 0), c.srv.cfg.ReplicaLag/4))
	defer timer.Stop()
	for len(s.resp.Partitions) == 0 {
		select {
		case <-s.wake:
			s.collect(limit)
		case <-timer.C:
			return
		case c.pend = <-c.next:
			return
		case <-ctx.Done():
			return
		}
	}
}

// session is what a leader remembers for one connection of a follower. Apart
// from the ready list it belongs to the goroutine that serves.
type session struct {
	srv  *Server
	peer int32
	boot uint64
	conn *peerConn
	id   uint32
	wake chan struct{} // capacity 1
	all  map[api.ReplicaRef]*fetched
	resp api.ReplicaFetchResponse
	buf  []byte // of the records in resp

	mu    sync.Mutex
	ready []*fetched // may have something to tell, the longest waiting first
	spare []*fetched
}

// fetched is one partition of a session. It is ready, or waits on the lists
// of the partition, or is idle until the follower names it again.
type fetched struct {
	s     *session
	p     *partition
	state api.ReplicaFetchState
	hw    int64  // that the follower has or was told
	stint uint64 // of the leadership that knows state
	ready bool   // on the list; guarded by session.mu
	gone  bool

	atLEO, atHW waiter
}

func newSession(c *peerConn, id uint32) *session {
	return &session{srv: c.srv, peer: c.peer, boot: c.boot, conn: c, id: id, resp: api.ReplicaFetchResponse{Session: id}, wake: make(chan struct{}, 1), all: make(map[api.ReplicaRef]*fetched)}
}

// current reports whether the peer has no newer connection.
func (s *session) current() bool { return s.srv.peers.current(s.conn) }

// end leaves every list. s may be nil.
func (s *session) end() {
	if s == nil {
		return
	}
	for _, e := range s.all {
		e.leave()
	}
}

func (e *fetched) leave() {
	if e.p != nil {
		e.p.leo.leave(&e.atLEO)
		e.p.hw.leave(&e.atHW)
	}
}

// enqueue puts e on the ready list. It is called by whoever appends or raises
// a high watermark, and allocates nothing once the list has its size.
func (e *fetched) enqueue() {
	s := e.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if !e.ready {
		e.ready = true
		s.ready = append(s.ready, e)
	}
}

// update takes what the follower says.
func (s *session) update(req *api.ReplicaFetchRequest) {
	for _, ref := range req.Forgotten {
		if e := s.all[ref]; e != nil {
			e.leave()
			e.gone = true
			delete(s.all, ref)
		}
	}
	for i := range req.Partitions {
		st := &req.Partitions[i]
		e := s.all[st.ReplicaRef]
		if e == nil {
			e = &fetched{s: s}
			e.atLEO = waiter{wake: s.wake, on: e.enqueue}
			e.atHW = waiter{wake: s.wake, on: e.enqueue}
			s.all[st.ReplicaRef] = e
		}
		e.leave()
		e.state, e.hw = *st, st.HW
		e.p = s.srv.replicas.get(st.Key)
		if e.p != nil && e.p.ref != st.ReplicaRef {
			e.p = nil
		}
		if e.p != nil {
			e.stint = e.p.stint.Load()
			e.p.followed(s.peer, s.boot, &e.state)
		}
		e.enqueue()
	}
}

// collect moves what there is to tell from the ready list into the response,
// until that is full. What is left comes first next time.
func (s *session) collect(limit int) {
	s.mu.Lock()
	ready := s.ready
	s.ready, s.spare = s.spare[:0], nil
	for _, e := range ready {
		e.ready = false
	}
	s.mu.Unlock()
	done := 0
	for _, e := range ready {
		if len(s.buf) >= limit {
			break
		}
		done++
		if !e.gone {
			s.tell(e, limit-len(s.buf))
		}
	}
	s.putBack(ready[done:])
	clear(ready)
	s.mu.Lock()
	s.spare = ready[:0]
	s.mu.Unlock()
}

// putBack puts entries in front of those that became ready meanwhile.
func (s *session) putBack(rest []*fetched) {
	if len(rest) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	front := make([]*fetched, 0, len(rest)+len(s.ready))
	for _, e := range rest {
		if !e.ready {
			e.ready = true
			front = append(front, e)
		}
	}
	s.ready = append(front, s.ready...)
}

// tell adds what there is to say about one partition. If that is nothing but a
// high watermark, or nothing, it waits for more.
func (s *session) tell(e *fetched, limit int) {
	res := api.ReplicaFetchResult{ReplicaRef: e.state.ReplicaRef, Status: api.FetchUnknown, LeaderEpoch: -1}
	if e.p != nil {
		// Leadership that went on after a pause knows nothing of its followers.
		// One that is at the end has no reason to repeat itself.
		if now := e.p.stint.Load(); e.stint != now && s.current() {
			e.stint = now
			e.p.followed(s.peer, s.boot, &e.state)
		}
		s.buf = e.p.records(s.peer, &e.state, limit, s.buf, &res)
	}
	idle := res.Status != api.FetchOK || len(res.Records.Bytes) > 0
	if idle || res.HW > e.hw {
		e.hw = max(e.hw, res.HW)
		s.resp.Partitions = append(s.resp.Partitions, res)
	}
	if idle {
		return // until the follower says where it stands then
	}
	if !e.p.leo.await(&e.atLEO, e.state.FetchOffset) || !e.p.hw.await(&e.atHW, e.hw) {
		e.atLEO.signal()
	}
}

// keepBuffer is the largest buffer that a session keeps between answers.
const keepBuffer = 4 << 20

// sent forgets the response.
func (s *session) sent() {
	clear(s.resp.Partitions)
	s.resp = api.ReplicaFetchResponse{Session: s.id, Partitions: s.resp.Partitions[:0]}
	if s.buf = s.buf[:0]; cap(s.buf) > keepBuffer {
		s.buf = nil
	}
}
