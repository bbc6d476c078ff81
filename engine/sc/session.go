package sc

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// session is one connection of an SPU. The controller puts in what the SPU
// must know; the connection's goroutine takes it out and sends it. What waits
// is kept by replica, so a slow SPU gets the latest state of each, not a
// backlog.
type session struct {
	spu  int32
	boot uint64
	peer string
	// clean says that the SPU was stopped in order before this start.
	clean bool

	silence *silence // counts while the SPU does not wait for us
	leaving bool     // it is about to stop; the controller's to read and write

	wake  chan struct{} // capacity 1: there is something to take
	ended chan struct{} // closed when the connection must go

	mu         sync.Mutex
	heard      time.Time // when the last report came that we answer
	subscribed bool
	full       bool // the next update replaces all
	replicas   map[api.ReplicaKey]api.ReplicaAssignment
	removed    map[api.ReplicaRef]struct{}
	spus       []api.SpuSpec // nil: not changed
	revision   uint64        // of the store, when the last of this was decided
}

func newSession(spu int32, boot uint64, peer string) *session {
	return &session{
		spu: spu, boot: boot, peer: peer, heard: time.Now(),
		wake:     make(chan struct{}, 1),
		ended:    make(chan struct{}),
		replicas: make(map[api.ReplicaKey]api.ReplicaAssignment),
		removed:  make(map[api.ReplicaRef]struct{}),
	}
}

// end has the connection closed. The controller calls it once, when it drops
// the session; closing itself may take a while and is not for it to do.
func (n *session) end() { close(n.ended) }

// reported notes when a report came. Its answer extends what the SPU takes for
// its lease, from when it sent the report, which was before. Nothing else that
// we send does.
func (n *session) reported(at time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.heard = at
}

func (n *session) heardAt() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.heard
}

// fill makes the next update a full one.
func (n *session) fill(revision uint64, replicas []api.ReplicaAssignment, spus []api.SpuSpec) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.subscribed, n.full = true, true
	clear(n.replicas)
	clear(n.removed)
	for _, r := range replicas {
		n.replicas[r.Key] = r
	}
	n.spus = spus
	n.signal(revision)
}

// assign tells of replicas that are new or changed, all in one update.
func (n *session) assign(revision uint64, batch []api.ReplicaAssignment) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.subscribed {
		return
	}
	for _, a := range batch {
		n.replicas[a.Key] = a
	}
	n.signal(revision)
}

// remove tells that replicas must go, all in one update, and reports whether
// the SPU can be expected to confirm. It is not when the SPU has yet to get its
// full list, which will be without them.
func (n *session) remove(revision uint64, refs []api.ReplicaRef) (confirms bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, ref := range refs {
		if a, waits := n.replicas[ref.Key]; waits && a.TopicID == ref.TopicID {
			delete(n.replicas, ref.Key)
		}
	}
	if !n.subscribed || n.full {
		return false
	}
	for _, ref := range refs {
		n.removed[ref] = struct{}{}
	}
	n.signal(revision)
	return true
}

// setSpus tells of new addresses.
func (n *session) setSpus(revision uint64, specs []api.SpuSpec) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.subscribed {
		n.spus = specs
		n.signal(revision)
	}
}

// signal wakes the sender. n.mu is held.
func (n *session) signal(revision uint64) {
	n.revision = revision
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// take returns what waits, or nil.
func (n *session) take() *api.Assignments {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.full && len(n.replicas) == 0 && len(n.removed) == 0 && n.spus == nil {
		return nil
	}
	out := &api.Assignments{
		Full: n.full, Revision: n.revision, Spus: n.spus,
		Replicas: slices.SortedFunc(maps.Values(n.replicas), func(a, b api.ReplicaAssignment) int { return compareRefs(a.ReplicaRef, b.ReplicaRef) }),
		Removed:  slices.SortedFunc(maps.Keys(n.removed), compareRefs),
	}
	n.full, n.spus = false, nil
	clear(n.replicas)
	clear(n.removed)
	return out
}

func compareRefs(a, b api.ReplicaRef) int {
	return cmp.Or(cmp.Compare(a.Key.Topic, b.Key.Topic), cmp.Compare(a.Key.Partition, b.Key.Partition),
		slices.Compare(a.TopicID[:], b.TopicID[:]))
}
