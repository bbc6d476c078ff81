package spu

import (
	"sync"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// table finds the replicas of this SPU.
type table struct {
	applyMu sync.Mutex // one update of assignments at a time

	mu sync.RWMutex
	m  map[api.ReplicaKey]*partition
}

func (t *table) init() { t.m = make(map[api.ReplicaKey]*partition) }

// get returns the replica, or nil.
func (t *table) get(key api.ReplicaKey) *partition {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.m[key]
}

func (t *table) put(p *partition) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.m[p.key] = p
}

// take removes the replica of exactly that topic and returns it, or nil.
func (t *table) take(ref api.ReplicaRef) *partition {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.m[ref.Key]
	if p == nil || p.ref != ref {
		return nil
	}
	delete(t.m, ref.Key)
	return p
}

// all is every replica in no particular order.
func (t *table) all() []*partition {
	t.mu.RLock()
	defer t.mu.RUnlock()
	out := make([]*partition, 0, len(t.m))
	for _, p := range t.m {
		out = append(out, p)
	}
	return out
}
