package spu

import (
	"fmt"
	"testing"
)

func woken(w *waiter) bool {
	select {
	case <-w.wake:
		return true
	default:
		return false
	}
}

func TestWaitList(t *testing.T) {
	var l waitList
	l.reset(10)
	ws := make([]waiter, 3)
	for i := range ws {
		ws[i] = newWaiter()
		if !l.await(&ws[i], 10) {
			t.Fatal("await at the end does not wait")
		}
	}
	if l.await(&ws[0], 9) {
		t.Error("await below the end waits")
	}
	l.leave(&ws[1])
	l.leave(&ws[1])
	l.advance(10)
	if woken(&ws[0]) {
		t.Error("woken although the end did not move")
	}
	l.advance(11)
	for i, want := range []bool{true, false, true} {
		if got := woken(&ws[i]); got != want {
			t.Errorf("waiter %d woken: %v, want %v", i, got, want)
		}
	}
	l.advance(12)
	if woken(&ws[0]) {
		t.Error("woken again without asking")
	}
	l.leave(&ws[0])
	l.advance(11)
	if got := l.end.Load(); got != 12 {
		t.Errorf("the end went back to %d", got)
	}
	if l.reset(3); !l.await(&ws[0], 3) {
		t.Error("a reset does not lower the end")
	}
}

func BenchmarkWakeReaders(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var l waitList
			ws := make([]waiter, n)
			for i := range ws {
				ws[i] = newWaiter()
			}
			b.ReportAllocs()
			for end := int64(1); b.Loop(); end++ {
				for i := range ws {
					l.await(&ws[i], end-1)
				}
				l.advance(end)
				for i := range ws {
					<-ws[i].wake
				}
			}
		})
	}
}

// Waking the followers of a partition is on the path of every append.
func TestWakingFollowersDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	var end waitList
	sessions := make([]*session, 2)
	parts := make([]*fetched, len(sessions))
	for i := range sessions {
		s := newSession(&peerConn{peer: int32(i)}, 1)
		e := &fetched{s: s}
		e.atLEO = waiter{wake: s.wake, on: e.enqueue}
		sessions[i], parts[i] = s, e
	}
	var at int64
	allocs := testing.AllocsPerRun(100, func() {
		for i, e := range parts {
			s := sessions[i]
			s.mu.Lock()
			s.ready, e.ready = s.ready[:0], false
			s.mu.Unlock()
			if !end.await(&e.atLEO, at) {
				t.Fatal("the end has moved")
			}
		}
		at++
		end.advance(at)
		for i, e := range parts {
			if !e.ready || len(sessions[i].ready) != 1 {
				t.Fatal("a follower was not woken")
			}
		}
	})
	if allocs > 0 {
		t.Errorf("%.1f allocations per wake", allocs)
	}
}
