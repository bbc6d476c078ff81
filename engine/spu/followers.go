package spu

import (
	"context"

	"github.com/fluvio-go/fluvio/internal/lock"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// followers owns the fetchers, one per SPU that leads something we follow.
type followers struct {
	srv *Server

	mu       lock.Mutex
	specs    map[int32]api.SpuSpec
	fetchers map[int32]*running
	at       map[*partition]int32 // where each partition is followed
}

type running struct {
	*fetcher
	cancel context.CancelFunc
}

func newFollowers(s *Server) *followers {
	return &followers{
		srv: s, specs: make(map[int32]api.SpuSpec),
		fetchers: make(map[int32]*running), at: make(map[*partition]int32),
	}
}

// know takes the list of all SPUs.
func (t *followers) know(specs []api.SpuSpec) {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.specs)
	for _, s := range specs {
		t.specs[s.ID] = s
	}
}

// spec is where an SPU can be reached.
func (t *followers) spec(id int32) (api.SpuSpec, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.specs[id]
	return s, ok
}

// nobody is the leader of a partition that is not followed.
const nobody = -1

// update makes the fetchers follow the role of p, after any change of it.
func (t *followers) update(p *partition) {
	if t.srv.cfg.DialPeer == nil {
		return
	}
	leader, epoch := int32(nobody), int32(0)
	p.role.RLock()
	if p.log != nil && !p.gone && p.follows() {
		leader, epoch = p.assigned.Leader, p.assigned.LeaderEpoch
	}
	p.role.RUnlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	if before, ok := t.at[p]; ok && before != leader {
		delete(t.at, p)
		if r := t.fetchers[before]; r.drop(p) == 0 {
			r.cancel()
			delete(t.fetchers, before)
		}
	}
	if leader == nobody || t.srv.ctx.Err() != nil {
		return
	}
	r := t.fetchers[leader]
	if r == nil {
		ctx, cancel := context.WithCancel(t.srv.ctx)
		r = &running{&fetcher{srv: t.srv, leader: leader, wake: make(chan struct{}, 1), byRef: make(map[api.ReplicaRef]*following)}, cancel}
		t.fetchers[leader] = r
		t.srv.tasks.Go(func() { r.run(ctx) })
	}
	t.at[p] = leader
	r.add(p, epoch)
}
