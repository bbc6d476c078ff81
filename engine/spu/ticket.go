package spu

import (
	"context"
	"sync"
	"time"

	"github.com/fluvio-go/fluvio/engine/log"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// ticket is one produce request from its append to its answer. If the answer
// has to wait, each partition concerned holds the ticket in a queue. Tickets
// are pooled, and so is everything in them.
type ticket struct {
	conn    *conn
	corrID  int32
	version int16
	iso     api.Isolation
	timeout time.Duration // bounds the wait if iso is ReadCommitted
	resp    api.ProduceResponse
	bytes   int // of records, for the connection's limit

	entries []ticketEntry // that were appended
	waits   []ticketWait  // one per partition that has to be waited for

	mu    sync.Mutex
	left  int // waits that are not over
	timer *time.Timer
	armed bool // timer was started for this request
}

// ticketEntry remembers where an entry's result is and what was appended.
type ticketEntry struct {
	topic, part int    // index into resp
	waits       [2]int // indexes into waits, −1: none
	appended    log.Appended
}

type ticketWait struct {
	p     *partition
	queue *ticketQueue
	end   int64 // highest of its entries
	term  *term
}

var tickets = sync.Pool{New: func() any { return new(ticket) }}

func newTicket(c *conn, corrID int32, version int16) *ticket {
	t := tickets.Get().(*ticket)
	t.conn, t.corrID, t.version = c, corrID, version
	return t
}

// keepEntries is the largest request whose memory is kept for the next one.
const keepEntries = 256

// free gives the ticket back. A timer that fired may still be looking at it;
// such a ticket is left to the collector.
func (t *ticket) free() {
	if t.armed && !t.timer.Stop() {
		return
	}
	if cap(t.entries) > keepEntries || cap(t.resp.Topics) > keepEntries {
		return
	}
	clear(t.entries)
	clear(t.waits)
	topics := t.resp.Topics[:cap(t.resp.Topics)]
	for i := range topics {
		if cap(topics[i].Partitions) > keepEntries {
			return
		}
		clear(topics[i].Partitions)
	}
	t.conn, t.bytes, t.left, t.armed = nil, 0, 0, false
	t.entries, t.waits, t.resp.Topics = t.entries[:0], t.waits[:0], t.resp.Topics[:0]
	tickets.Put(t)
}

// discard drops a ticket that nobody is going to answer. It is not reused, as
// others may still hold it.
func (t *ticket) discard() {
	if t.armed {
		t.timer.Stop()
	}
}

// topic adds the results of one topic to the response.
func (t *ticket) topic(name string) *api.ProduceTopicResult {
	r := extend(&t.resp.Topics)
	r.Name, r.Partitions = name, r.Partitions[:0]
	return r
}

// extend lengthens s by one element, which keeps what it had before if it was
// in use earlier.
func extend[T any](s *[]T) *T {
	if n := len(*s); n < cap(*s) {
		*s = (*s)[:n+1]
	} else {
		var zero T
		*s = append(*s, zero)
	}
	return &(*s)[len(*s)-1]
}

// appended notes the entry that was added to the response last, and what the
// request has to wait for on its behalf.
func (t *ticket) appended(p *partition, on awaits, a log.Appended) {
	topic := len(t.resp.Topics) - 1
	e := ticketEntry{topic: topic, part: len(t.resp.Topics[topic].Partitions) - 1, waits: [2]int{-1, -1}, appended: a}
	if on.disk {
		e.waits[0] = t.waitFor(p, &p.durable, a.End, on.term)
	}
	if on.commit {
		e.waits[1] = t.waitFor(p, &p.commits, a.End, on.term)
	}
	t.entries = append(t.entries, e)
}

// waitFor returns the wait of a partition in q, which is to reach end.
// Requests name few partitions, and the entries of one come together.
func (t *ticket) waitFor(p *partition, q *ticketQueue, end int64, in *term) int {
	for i := len(t.waits) - 1; i >= 0; i-- {
		if w := &t.waits[i]; w.p == p && w.queue == q && w.term == in {
			w.end = max(w.end, end)
			return i
		}
	}
	t.waits = append(t.waits, ticketWait{p: p, queue: q, end: end, term: in})
	return len(t.waits) - 1
}

// park hands the ticket to the queues of its partitions, after which it is
// theirs. The connection gets it back through conn.answer.
func (t *ticket) park() {
	// One more than the waits, so that the ticket cannot be answered, and
	// reused, while it is still being handed out.
	t.left = len(t.waits) + 1
	if t.iso == api.ReadCommitted {
		if t.timer == nil {
			t.timer = time.AfterFunc(t.timeout, t.expire)
		} else {
			t.timer.Reset(t.timeout)
		}
		t.armed = true
	}
	for i := range t.waits {
		w := &t.waits[i]
		w.p.events().parked(w.p.key, w.end)
		w.queue.add(queued{t, i, w.end, w.term})
	}
	t.settle()
}

// settle counts one wait as over and answers when none is left.
func (t *ticket) settle() {
	t.mu.Lock()
	t.left--
	done := t.left == 0
	t.mu.Unlock()
	if done {
		t.conn.answer(t)
	}
}

// resolve ends one wait. outcome tells for each append how it went.
func (t *ticket) resolve(wait int, outcome func(*ticket, log.Appended) api.ErrorCode) {
	for i := range t.entries {
		e := &t.entries[i]
		if e.waits[0] != wait && e.waits[1] != wait {
			continue
		}
		if code := outcome(t, e.appended); code.ID != api.OK {
			r := &t.resp.Topics[e.topic].Partitions[e.part]
			t.mu.Lock() // the other wait of the entry may end meanwhile
			if r.Error.ID == api.OK {
				r.Error, r.BaseOffset = code, 0
			}
			t.mu.Unlock()
		}
	}
	t.settle()
}

// expire answers with RequestTimedOut whatever is not committed by now. The
// records stay.
func (t *ticket) expire() {
	code := api.ErrorCode{ID: api.RequestTimedOut, Detail: &api.ErrorDetail{TimeoutMS: uint64(t.timeout.Milliseconds())}}
	t.cancel(code)
}

// cancel ends every wait that is not over with code.
func (t *ticket) cancel(code api.ErrorCode) {
	for i := range t.waits {
		w := &t.waits[i]
		if !w.queue.remove(t, i) {
			continue
		}
		reached := w.queue.reached.Load()
		t.resolve(i, func(_ *ticket, a log.Appended) api.ErrorCode {
			if a.End <= reached {
				return api.ErrorCode{}
			}
			return code
		})
	}
}

// durable checks one append against the log; it does not wait when everything
// up to a.End has been dealt with.
func durable(l *log.Log) func(*ticket, log.Appended) api.ErrorCode {
	return func(_ *ticket, a log.Appended) api.ErrorCode {
		if err := l.WaitAppended(context.Background(), a); err != nil {
			return api.ErrorCode{ID: api.StorageError}
		}
		return api.ErrorCode{}
	}
}
