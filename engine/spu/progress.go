package spu

import (
	"slices"
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// progress is what a leader knows about the replicas of a partition in one
// term of leadership, and the rules that follow from it: where the high
// watermark is, and who should be in sync. It does no I/O, holds no lock and
// is told the time.
//
// The in-sync set (ISR) is the SC's. The leader proposes, and until the SC has
// confirmed, both the old and the proposed set may be in force. The high
// watermark therefore counts the maximal set: everyone in either.
type progress struct {
	self      int32
	lag       time.Duration // longest time a follower may be behind
	termStart int64         // log end when the term began
	hw        int64         // never falls
	term      int32         // leader epoch
	version   uint32        // partition epoch of isr
	isr       []int32       // as confirmed
	gone      []int32       // the SC does not expect them back soon
	proposed  []int32       // sent to the SC without a definite answer; nil: none
	refused   bool          // the SC said no a moment ago
	followers []follower    // every other replica, in the order of assignment
}

// solitary reports whether the SC may have stored that nobody but the leader is
// in sync.
func (g *progress) solitary() bool { return len(g.isr) == 1 || len(g.proposed) == 1 }

// follower is what is known about one of them.
type follower struct {
	id     int32
	boot   uint64    // the start of its SPU that said so
	offset int64     // its log end as of its latest fetch, or unknownOffset
	full   time.Time // latest moment at which it is known to have had everything
	asked  time.Time // its latest fetch
	end    int64     // our log end at that fetch
}

// unknownOffset is the position of a follower that has not fetched yet, or
// whose log is not a prefix of ours.
const unknownOffset = -1

// lead begins a term, or goes on with one. Members of the ISR get one lag to
// show themselves.
func (g *progress) lead(a *api.ReplicaAssignment, end, hw int64, now time.Time) {
	if a.LeaderEpoch != g.term {
		g.proposed = nil // the SC refuses what comes from an earlier term
		g.termStart = end
	}
	g.term, g.hw = a.LeaderEpoch, hw
	g.confirm(a)
	g.followers = g.followers[:0]
	for _, id := range a.Replicas {
		if id == g.self {
			continue
		}
		f := follower{id: id, offset: unknownOffset}
		if slices.Contains(a.ISR, id) {
			f.full = now
		}
		g.followers = append(g.followers, f)
	}
}

// confirm takes the set that the SC has stored. If its partition epoch is a
// new one, what was proposed is settled: it is this set, or can never be.
// Otherwise the SC may yet accept it.
func (g *progress) confirm(a *api.ReplicaAssignment) {
	if a.PartitionEpoch != g.version {
		g.proposed = nil
	}
	g.isr, g.gone, g.version, g.refused = a.ISR, a.Gone, a.PartitionEpoch, false
}

// refuse notes that the SC has not stored the proposal and never will. The
// next one waits, so that nobody is asked in a loop.
func (g *progress) refuse() { g.proposed, g.refused = nil, true }

func (g *progress) follower(id int32) *follower {
	for i := range g.followers {
		if g.followers[i].id == id {
			return &g.followers[i]
		}
	}
	return nil
}

// fetched notes that a follower's log ends at offset, whatever it said before,
// while ours ends at end.
func (g *progress) fetched(id int32, boot uint64, offset, end int64, now time.Time) {
	f := g.follower(id)
	if f == nil {
		return
	}
	switch {
	case offset >= end:
		f.full = now
	case offset >= f.end && !f.asked.IsZero():
		// It has what there was when it asked before; under constant load
		// nobody is ever quite at the end.
		f.full = later(f.full, f.asked)
	}
	f.boot, f.offset, f.end, f.asked = boot, offset, end, now
}

// diverged notes that a follower's log is not a prefix of ours.
func (g *progress) diverged(id int32) {
	if f := g.follower(id); f != nil {
		f.offset, f.end, f.asked = unknownOffset, 0, time.Time{}
	}
}

// tick credits followers that are at the end of a log that does not grow: they
// have everything for as long as they keep asking. seen tells when a peer last
// asked for anything.
func (g *progress) tick(end int64, seen func(id int32) time.Time) {
	g.refused = false
	for i := range g.followers {
		if f := &g.followers[i]; f.offset >= end {
			f.full = later(f.full, seen(f.id))
		}
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// watermark returns the high watermark while our own log counts up to end.
func (g *progress) watermark(end int64) int64 {
	low := end
	for i := range g.followers {
		f := &g.followers[i]
		if slices.Contains(g.isr, f.id) || slices.Contains(g.proposed, f.id) {
			low = min(low, f.offset)
		}
	}
	g.hw = max(g.hw, low)
	return g.hw
}

// propose returns the in-sync set that should be, or nil if that is the one
// in force or a proposal is open. The set it returns counts as proposed.
func (g *progress) propose(end int64, now time.Time) []int32 {
	if g.proposed != nil {
		return slices.Clone(g.proposed) // once more: its fate is unknown
	}
	if g.refused || !g.changes(end, now) {
		return nil
	}
	want := make([]int32, 1, len(g.followers)+1)
	want[0] = g.self
	for i := range g.followers {
		if g.belongs(&g.followers[i], end, now) {
			want = append(want, g.followers[i].id)
		}
	}
	g.proposed = want
	return slices.Clone(want)
}

// asks reports whether there is something new to propose.
func (g *progress) asks(end int64, now time.Time) bool {
	return g.proposed == nil && !g.refused && g.changes(end, now)
}

// boots are the starts of SPUs in a set whose word we have; self is ours.
func (g *progress) boots(isr []int32, self uint64) []uint64 {
	out := make([]uint64, len(isr))
	for i, id := range isr {
		if f := g.follower(id); f != nil {
			out[i] = f.boot
		} else {
			out[i] = self
		}
	}
	return out
}

// changes reports whether the ISR should be another one.
func (g *progress) changes(end int64, now time.Time) bool {
	for i := range g.followers {
		f := &g.followers[i]
		if g.belongs(f, end, now) != slices.Contains(g.isr, f.id) {
			return true
		}
	}
	return false
}

// belongs reports whether a follower should be in sync.
func (g *progress) belongs(f *follower, end int64, now time.Time) bool {
	if slices.Contains(g.gone, f.id) {
		return false
	}
	recent := !f.full.IsZero() && now.Sub(f.full) <= g.lag
	if slices.Contains(g.isr, f.id) {
		// A member below the high watermark has lost what it had, and must
		// not be elected.
		return recent && (f.offset == unknownOffset || f.offset >= g.hw)
	}
	// Our high watermark may be behind that of the leader before us, but not
	// by more than what we have: who has that too has everything committed.
	return f.offset >= max(g.hw, g.termStart) && recent
}
