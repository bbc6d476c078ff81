package spu

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// health is whether a replica works, and when to try again if not.
type health struct {
	// current is an api.ReplicaState plus one; 0 means opening. That is not
	// reported, since the SC has no state for it but failed.
	current atomic.Uint32

	mu     sync.Mutex
	reason string
	pause  time.Duration
	next   time.Time
}

// opening is the state of a replica before its first.
const opening = ^api.ReplicaState(0)

func (h *health) state() api.ReplicaState { return api.ReplicaState(h.current.Load()) - 1 }

func (h *health) get() (api.ReplicaState, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state(), h.reason
}

// set reports whether anything changed.
func (h *health) set(state api.ReplicaState, reason error) bool {
	text := ""
	if reason != nil {
		text = reason.Error()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state() == state && h.reason == text {
		return false
	}
	h.current.Store(uint32(state) + 1)
	h.reason = text
	if state == api.ReplicaServing {
		h.pause, h.next = 0, time.Time{}
	}
	return true
}

// due reports whether it is time to try again, and if so schedules the time
// after that.
func (h *health) due(now time.Time, first, longest time.Duration) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now.Before(h.next) {
		return false
	}
	h.pause = min(max(2*h.pause, first), longest)
	h.next = now.Add(h.pause)
	return true
}

// setHealth notes whether the replica works and tells the SC if that is news.
func (p *partition) setHealth(state api.ReplicaState, reason error) {
	if !p.health.set(state, reason) {
		return
	}
	p.events().state(p.ref, state, reason)
	level := p.srv.logger.Info
	if state != api.ReplicaServing {
		level = p.srv.logger.Warn
	}
	level("replica state", logPartition(p.key), logState(state), logErr(reason))
	p.srv.reports.state(p)
	if state != api.ReplicaServing {
		p.srv.repairs.kick()
	}
}
