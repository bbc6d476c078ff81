package spu

import (
	"sync"
	"sync/atomic"
)

// waitList holds the readers that have seen everything up to some end of a
// partition and want to know when it moves. There is one for the log end and
// one for the high watermark.
//
// Waking costs no allocation: a waiter is part of its reader, and a signal is
// a token in a channel that exists for as long as the reader does.
type waitList struct {
	end atomic.Int64 // moves back only by reset

	mu   sync.Mutex
	head *waiter
}

// waiter is one reader's membership. It belongs to at most one list.
type waiter struct {
	wake       chan struct{} // capacity 1
	on         func()        // called before the signal, if not nil; must be quick
	prev, next *waiter
	listed     bool
}

func newWaiter() waiter { return waiter{wake: make(chan struct{}, 1)} }

// signal wakes the reader. It never blocks; signals coalesce.
func (w *waiter) signal() {
	if w.on != nil {
		w.on()
	}
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// await enlists w until the end is beyond pos. It reports false, and does
// nothing, if that is so already.
func (l *waitList) await(w *waiter, pos int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.end.Load() > pos {
		return false
	}
	if !w.listed {
		w.listed, w.prev, w.next = true, nil, l.head
		if l.head != nil {
			l.head.prev = w
		}
		l.head = w
	}
	return true
}

// leave takes w off the list if it is on it.
func (l *waitList) leave(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !w.listed {
		return
	}
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		l.head = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	}
	w.listed, w.prev, w.next = false, nil, nil
}

// advance moves the end up to end, if it is not there yet, and wakes everyone
// on the list. A waiter asked for the next move, whatever its size, so all of
// them are due.
func (l *waitList) advance(end int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if end <= l.end.Load() {
		return
	}
	l.end.Store(end)
	l.wakeAll()
}

// rouse wakes everyone although the end has not moved.
func (l *waitList) rouse() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wakeAll()
}

// wakeAll empties the list. l.mu is held.
func (l *waitList) wakeAll() {
	for w := l.head; w != nil; {
		next := w.next
		w.listed, w.prev, w.next = false, nil, nil
		w.signal()
		w = next
	}
	l.head = nil
}

// reset sets the end, also to less than it was. Nobody is woken: a reader
// beyond the new end has nothing to read.
func (l *waitList) reset(end int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end.Store(end)
}
