package spu

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fluvio-go/fluvio/engine/log"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// ticketQueue holds the produce requests that wait until a partition has
// reached some offset: with its durable end, or with its high watermark.
type ticketQueue struct {
	reached atomic.Int64
	// outcome says how an append that the queue has reached went.
	outcome func(log.Appended) api.ErrorCode
	// start is called when the queue stops being idle; what it starts calls
	// idle when there is nothing left to do. nil: somebody else advances.
	start func()

	mu     sync.Mutex
	items  []queued
	spare  []queued // the other of two buffers, used by take
	busy   bool
	closed api.ErrorCode // not OK: nothing is going to be reached any more
}

type queued struct {
	t    *ticket
	wait int
	end  int64
}

// add queues a wait, or ends it if there is nothing to wait for.
func (q *ticketQueue) add(it queued) {
	q.mu.Lock()
	if code := q.closed; code.ID != api.OK {
		q.mu.Unlock()
		it.t.resolve(it.wait, always(code))
		return
	}
	if it.end <= q.reached.Load() {
		q.mu.Unlock()
		it.t.resolve(it.wait, q.outcome)
		return
	}
	q.items = append(q.items, it)
	start := q.start != nil && !q.busy
	q.busy = q.busy || start
	q.mu.Unlock()
	if start {
		q.start()
	}
}

// remove takes a wait out; false means that somebody else ends it.
func (q *ticketQueue) remove(t *ticket, wait int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.IndexFunc(q.items, func(it queued) bool { return it.t == t && it.wait == wait })
	if i < 0 {
		return false
	}
	q.items = slices.Delete(q.items, i, i+1)
	return true
}

// target is the highest offset waited for; false means none, and that the
// queue is idle from now on.
func (q *ticketQueue) target() (int64, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		q.busy = false
		return 0, false
	}
	var end int64
	for _, it := range q.items {
		end = max(end, it.end)
	}
	return end, true
}

// advance ends every wait up to end.
func (q *ticketQueue) advance(end int64) {
	due := q.take(end)
	if len(due) == 0 {
		return
	}
	for _, it := range due {
		it.t.resolve(it.wait, q.outcome)
	}
	clear(due)
	q.mu.Lock()
	q.spare = due[:0]
	q.mu.Unlock()
}

// take removes and returns the waits up to end.
func (q *ticketQueue) take(end int64) []queued {
	q.mu.Lock()
	defer q.mu.Unlock()
	if end > q.reached.Load() {
		q.reached.Store(end)
	}
	if len(q.items) == 0 {
		return nil
	}
	due := q.spare[:0]
	q.spare = nil
	keep := q.items[:0]
	for _, it := range q.items {
		if it.end <= end {
			due = append(due, it)
		} else {
			keep = append(keep, it)
		}
	}
	clear(q.items[len(keep):])
	q.items = keep
	return due
}

// drain ends every wait as outcome says.
func (q *ticketQueue) drain(outcome func(log.Appended) api.ErrorCode) {
	q.mu.Lock()
	due := q.items
	q.items = nil
	q.mu.Unlock()
	for _, it := range due {
		it.t.resolve(it.wait, outcome)
	}
}

// shut ends every wait, now and in future, with code.
func (q *ticketQueue) shut(code api.ErrorCode) {
	q.mu.Lock()
	q.closed = code
	q.mu.Unlock()
	q.drain(always(code))
}

// open undoes shut.
func (q *ticketQueue) open(reached int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = api.ErrorCode{}
	q.reached.Store(reached)
}

func always(code api.ErrorCode) func(log.Appended) api.ErrorCode {
	return func(log.Appended) api.ErrorCode { return code }
}
