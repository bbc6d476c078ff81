package spu

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"github.com/fluvio-go/fluvio/internal/lock"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// table finds the replicas of this SPU.
type table struct {
	applyMu lock.Mutex // one update of assignments at a time

	mu   sync.RWMutex
	m    map[api.ReplicaKey]*partition
	list []*partition // of m, by key; nil when it has to be made again
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
	t.list = nil
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
	t.list = nil
	return p
}

// all is every replica by key. The caller must not change the slice.
func (t *table) all() []*partition {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.list == nil {
		t.list = slices.SortedFunc(maps.Values(t.m), (*partition).compare)
	}
	return t.list
}

// compare orders partitions by key.
func (p *partition) compare(q *partition) int {
	return cmp.Or(cmp.Compare(p.key.Topic, q.key.Topic), cmp.Compare(p.key.Partition, q.key.Partition))
}
