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
	outcome func(*ticket, log.Appended) api.ErrorCode
	// start is called when the queue stops being idle; what it starts calls
	// idle when there is nothing left to do. nil: somebody else advances.
	start func()

	mu     sync.Mutex
	items  []queued
	spare  []queued // the other of two buffers, used by take
	wanted int64    // to be reached although nobody may wait for it
	busy   bool
	closed api.ErrorCode // not OK: nothing is going to be reached any more
	term   *term         // since the queue was opened
}

type queued struct {
	t    *ticket
	wait int
	end  int64
	term *term // in which it was appended
}

// add queues a wait, or ends it if there is nothing to wait for.
func (q *ticketQueue) add(it queued) {
	q.mu.Lock()
	code := q.closed
	if code.ID == api.OK && it.term != q.term {
		// Other records may have taken the place of these meanwhile.
		code.ID = api.NotLeaderForPartition
	}
	if code.ID != api.OK {
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
	end := q.wanted
	for _, it := range q.items {
		end = max(end, it.end)
	}
	if len(q.items) == 0 && end <= q.reached.Load() {
		q.busy = false
		return 0, false
	}
	return end, true
}

// want has the queue reach end from where it really is, which may be less than
// it was told.
func (q *ticketQueue) want(end, reached int64) {
	q.mu.Lock()
	if q.closed.ID != api.OK {
		q.mu.Unlock()
		return
	}
	q.reached.Store(min(reached, q.reached.Load()))
	q.wanted = end
	start := !q.busy && end > q.reached.Load()
	q.busy = q.busy || start
	q.mu.Unlock()
	if start {
		q.start()
	}
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
func (q *ticketQueue) drain(outcome func(*ticket, log.Appended) api.ErrorCode) {
	q.mu.Lock()
	due := q.items
	q.items, q.wanted = nil, 0
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

// open undoes shut, for what is appended in a term.
func (q *ticketQueue) open(t *term, reached int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.term = api.ErrorCode{}, t
	q.reached.Store(reached)
}

func always(code api.ErrorCode) func(*ticket, log.Appended) api.ErrorCode {
	return func(*ticket, log.Appended) api.ErrorCode { return code }
}
