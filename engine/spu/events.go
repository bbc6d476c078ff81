package spu

import (
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// Events are callbacks for metrics and tests. Each may be nil. They are called
// from the goroutine where the thing happened, sometimes with locks held, so
// they must be quick and must not call back into the Server.
type Events struct {
	// Registered: the SC admitted the SPU. LinkLost: the connection ended.
	Registered func(clusterID string)
	LinkLost   func(err error)
	// AssignmentsApplied: everything up to this metadata revision is in force.
	AssignmentsApplied func(revision uint64)

	// ReplicaOpened: a log is open; took is the time recovery needed.
	ReplicaOpened func(ref api.ReplicaRef, took time.Duration)
	// ReplicaState: a replica works, or does not and why.
	ReplicaState func(ref api.ReplicaRef, state api.ReplicaState, reason error)
	// ReplicaRemoved: a replica and its data are gone.
	ReplicaRemoved func(ref api.ReplicaRef)

	// Produced: one entry was appended. Parked: its answer has to wait.
	Produced func(key api.ReplicaKey, bytes int, base, end int64)
	Parked   func(key api.ReplicaKey, end int64)
	// Pushed: a stream sent records up to, not including, end.
	Pushed func(key api.ReplicaKey, bytes int64, end int64)
	// Replicated: a follower appended records up to, not including, end.
	// Truncated: it dropped what its leader does not have.
	Replicated func(key api.ReplicaKey, bytes int, end int64)
	Truncated  func(key api.ReplicaKey, before, end int64)
	// ISR: the SC has confirmed another in-sync set of a partition led here.
	ISR func(key api.ReplicaKey, isr []int32)
	// Lease: the right to lead partitions with followers was won or lost.
	Lease func(held bool)
	// StreamOpened and StreamEnded come in pairs; code is OK when the
	// connection ended the stream.
	StreamOpened func(key api.ReplicaKey, streamID uint32)
	StreamEnded  func(key api.ReplicaKey, streamID uint32, code api.Code)
}

func (e *Events) registered(id string) {
	if e.Registered != nil {
		e.Registered(id)
	}
}

func (e *Events) linkLost(err error) {
	if e.LinkLost != nil {
		e.LinkLost(err)
	}
}

func (e *Events) applied(rev uint64) {
	if e.AssignmentsApplied != nil {
		e.AssignmentsApplied(rev)
	}
}

func (e *Events) opened(ref api.ReplicaRef, took time.Duration) {
	if e.ReplicaOpened != nil {
		e.ReplicaOpened(ref, took)
	}
}

func (e *Events) state(ref api.ReplicaRef, s api.ReplicaState, reason error) {
	if e.ReplicaState != nil {
		e.ReplicaState(ref, s, reason)
	}
}

func (e *Events) removed(ref api.ReplicaRef) {
	if e.ReplicaRemoved != nil {
		e.ReplicaRemoved(ref)
	}
}

func (e *Events) produced(key api.ReplicaKey, bytes int, base, end int64) {
	if e.Produced != nil {
		e.Produced(key, bytes, base, end)
	}
}

func (e *Events) parked(key api.ReplicaKey, end int64) {
	if e.Parked != nil {
		e.Parked(key, end)
	}
}

func (e *Events) pushed(key api.ReplicaKey, bytes, end int64) {
	if e.Pushed != nil {
		e.Pushed(key, bytes, end)
	}
}

func (e *Events) replicated(key api.ReplicaKey, bytes int, end int64) {
	if e.Replicated != nil {
		e.Replicated(key, bytes, end)
	}
}

func (e *Events) truncated(key api.ReplicaKey, before, end int64) {
	if e.Truncated != nil {
		e.Truncated(key, before, end)
	}
}

func (e *Events) isr(key api.ReplicaKey, isr []int32) {
	if e.ISR != nil {
		e.ISR(key, isr)
	}
}

func (e *Events) lease(held bool) {
	if e.Lease != nil {
		e.Lease(held)
	}
}

func (e *Events) streamOpened(key api.ReplicaKey, id uint32) {
	if e.StreamOpened != nil {
		e.StreamOpened(key, id)
	}
}

func (e *Events) streamEnded(key api.ReplicaKey, id uint32, code api.Code) {
	if e.StreamEnded != nil {
		e.StreamEnded(key, id, code)
	}
}
