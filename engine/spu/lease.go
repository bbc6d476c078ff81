package spu

import (
	"sync"
	"time"

	"github.com/fluvio-go/fluvio/internal/lock"
)

// lease is the right to lead partitions that have more than one replica. The
// SC elects somebody else only when it has not heard from an SPU for longer
// than the lease, so an SPU that has not been answered for that long must take
// it that others lead by now.
type lease struct {
	term   time.Duration
	change func(held bool) // called without locks, one call at a time

	mu     sync.Mutex
	until  time.Time // monotonic
	timer  *time.Timer
	synced bool // we act on assignments that came over this connection
	closed bool

	turn lock.Mutex // held while change runs
	told bool       // what change was told last; guarded by turn
}

func newLease(term time.Duration, change func(held bool)) *lease {
	return &lease{term: term, change: change}
}

// held reports whether the lease is good now.
func (l *lease) held() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Now().Before(l.until)
}

// begin is called when a connection to the SC begins, with the term that the
// SC grants; 0 keeps the one in force. Answers count only once the assignments
// that come with the connection are in force: they may say that we lead
// nothing any more.
func (l *lease) begin(term time.Duration) {
	l.setSynced(false)
	if term > 0 {
		l.mu.Lock()
		l.term = term
		l.mu.Unlock()
	}
}

// assigned is called when they are.
func (l *lease) assigned() { l.setSynced(true) }

func (l *lease) setSynced(v bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.synced = v
}

// confirm extends the lease: the SC has answered what was sent at this time,
// so it has heard from us no earlier than that.
func (l *lease) confirm(sent time.Time) {
	l.mu.Lock()
	if until := sent.Add(l.term); l.synced && !l.closed && until.After(l.until) {
		l.until = until
		if l.timer == nil {
			l.timer = time.AfterFunc(time.Until(until), l.settle)
		} else {
			l.timer.Reset(time.Until(until))
		}
	}
	l.mu.Unlock()
	l.settle()
}

// settle tells the owner when the lease was lost or won.
func (l *lease) settle() {
	l.turn.Lock()
	defer l.turn.Unlock()
	if held := l.held(); held != l.told {
		l.told = held
		l.change(held)
	}
}

// close stops the timer and waits for change.
func (l *lease) close() {
	l.mu.Lock()
	l.closed = true
	if l.timer != nil {
		l.timer.Stop()
	}
	l.mu.Unlock()
	l.turn.Lock()
	defer l.turn.Unlock()
	l.told = l.held() // nothing is told from here on
}
