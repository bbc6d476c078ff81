package spu

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// isrKeeper watches the followers of every partition led here and asks the SC
// for the in-sync sets that should be. It wakes up a few times per ReplicaLag,
// and when a follower has caught up or lost something.
type isrKeeper struct {
	srv  *Server
	wake chan struct{} // capacity 1

	mu   sync.Mutex
	conn *transport.Conn     // to the SC, nil while there is none
	seen map[int32]time.Time // when each peer last asked for anything
}

func newISRKeeper(s *Server) *isrKeeper {
	return &isrKeeper{srv: s, wake: make(chan struct{}, 1), seen: make(map[int32]time.Time)}
}

func (k *isrKeeper) kick() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// attach is told the connection to the SC, or nil when it is gone.
func (k *isrKeeper) attach(c *transport.Conn) {
	k.mu.Lock()
	k.conn = c
	k.mu.Unlock()
	if c != nil {
		k.kick()
	}
}

func (k *isrKeeper) link() *transport.Conn {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.conn
}

// heard notes that a peer asked for something.
func (k *isrKeeper) heard(peer int32) {
	now := time.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen[peer] = now
}

func (k *isrKeeper) lastSeen(peer int32) time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.seen[peer]
}

// run is the keeper's goroutine.
func (k *isrKeeper) run() {
	ticker := time.NewTicker(max(k.srv.cfg.ReplicaLag/4, time.Millisecond))
	defer ticker.Stop()
	again := time.NewTimer(0)
	again.Stop()
	defer again.Stop()
	for {
		ticked, retried := false, false
		select {
		case <-ticker.C:
			ticked = true
		case <-again.C:
			retried = true
		case <-k.wake:
		case <-k.srv.ctx.Done():
			return
		}
		if k.round(ticked, retried) {
			again.Reset(refusalPause)
		}
	}
}

// refusalPause is how long a leader waits before it asks again for a set that
// the SC refused, which may be waiting for a word of the follower.
const refusalPause = 100 * time.Millisecond

// maxChanges bounds one request to the SC.
const maxChanges = 1000

// round proposes what should change. Whatever gets no answer stays proposed
// and is repeated. It reports whether the SC refused anything.
func (k *isrKeeper) round(ticked, retried bool) (refused bool) {
	c := k.link()
	var parts []*partition
	req := new(api.AlterISRRequest)
	for _, p := range k.srv.replicas.all() {
		if ticked {
			p.creditIdle()
		}
		if retried {
			p.forgive()
		}
		if c == nil || len(parts) == maxChanges {
			continue
		}
		if change, ok := p.proposeISR(); ok {
			parts = append(parts, p)
			req.Changes = append(req.Changes, change)
		}
	}
	if len(parts) == 0 {
		return false
	}
	if len(parts) == maxChanges {
		k.kick()
	}
	ctx, cancel := context.WithTimeout(k.srv.ctx, linkTimeout)
	defer cancel()
	var resp api.AlterISRResponse
	if err := c.Call(ctx, api.KeyAlterISR, api.ClusterVersion, req, &resp); err != nil {
		k.srv.logger.Debug("alter ISR", logErr(err))
		return false
	}
	for i, p := range parts {
		if i < len(resp.Results) {
			refused = p.settleISR(&req.Changes[i], &resp.Results[i]) || refused
		}
	}
	return refused
}

// forgive lets a partition ask again for what the SC refused.
func (p *partition) forgive() {
	p.progressMu.Lock()
	defer p.progressMu.Unlock()
	p.progress.refused = false
}

// creditIdle notes which followers are at the end of a log that does not grow.
func (p *partition) creditIdle() {
	p.progressMu.Lock()
	defer p.progressMu.Unlock()
	p.progress.tick(p.leo.end.Load(), p.srv.isr.lastSeen)
}

// proposeISR returns the change that a partition needs, if it needs one.
func (p *partition) proposeISR() (api.ISRChange, bool) {
	p.role.RLock()
	defer p.role.RUnlock()
	if p.alone || !p.leads() {
		return api.ISRChange{}, false
	}
	end := p.leo.end.Load()
	p.progressMu.Lock()
	want := p.progress.propose(end, time.Now())
	boots := p.progress.boots(want, p.srv.boot)
	p.keepLog() // before the SC can have stored it
	p.progressMu.Unlock()
	a := &p.assigned
	if len(want) == 1 && a.Config.Durability == api.DurabilityAuto {
		// What was acknowledged because somebody else had it must not depend
		// on our page cache when nobody else is asked for it any more. The sync
		// that keepLog has asked for is followed by committed.
		p.heldISR.Store(true)
		if p.log.DurableOffset() < p.hw.end.Load() {
			return api.ISRChange{}, false
		}
		p.heldISR.Store(false)
	}
	return api.ISRChange{ReplicaRef: p.ref, LeaderEpoch: a.LeaderEpoch, PartitionEpoch: a.PartitionEpoch, ISR: want, Boots: boots}, want != nil
}

// settleISR follows the SC's answer to a change. It reports whether that was no.
func (p *partition) settleISR(c *api.ISRChange, r *api.ISRResult) (refused bool) {
	p.role.Lock()
	defer p.role.Unlock()
	a := &p.assigned
	if !p.leading || p.gone || a.LeaderEpoch != c.LeaderEpoch || r.LeaderEpoch != a.LeaderEpoch {
		return false // the assignments tell what is the case now
	}
	switch {
	case r.PartitionEpoch > a.PartitionEpoch:
		a.PartitionEpoch, a.ISR = r.PartitionEpoch, r.ISR
		p.events().isr(p.key, r.ISR)
		p.takeRole(false)
	case !r.Accepted && r.PartitionEpoch == c.PartitionEpoch:
		p.progressMu.Lock()
		p.progress.refuse()
		p.keepLog()
		p.progressMu.Unlock()
		return true
	}
	return false
}

// moveLeaders asks the SC to let others lead what they can before we stop,
// and waits until that is so. It is our goodbye as well: the SC need not wait
// for our lease before it takes us out of in-sync sets.
func (s *Server) moveLeaders(ctx context.Context) {
	c := s.isr.link()
	if c == nil || !s.replicates() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.MoveWait)
	defer cancel()
	var resp api.MoveLeadersResponse
	if err := c.Call(ctx, api.KeyMoveLeaders, api.ClusterVersion, &api.MoveLeadersRequest{}, &resp); err != nil {
		s.logger.Warn("move leaders", logErr(err))
		return
	}
	for s.leading() > int(resp.Remaining) && ctx.Err() == nil && c.Err() == nil {
		sleep(ctx, movePoll)
	}
}

// movePoll is how often moveLeaders looks whether the assignments have come.
const movePoll = 5 * time.Millisecond

// replicates reports whether any partition here has other replicas.
func (s *Server) replicates() bool {
	return slices.ContainsFunc(s.replicas.all(), func(p *partition) bool { return p.shared.Load() })
}

// leading is how many partitions with followers are led here.
func (s *Server) leading() (n int) {
	for _, p := range s.replicas.all() {
		p.role.RLock()
		if p.leading && !p.alone {
			n++
		}
		p.role.RUnlock()
	}
	return n
}
