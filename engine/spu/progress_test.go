package spu

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// Each case is a term of leadership of SPU 1 over replicas 1, 2 and 3. A step
// changes something; high watermark and proposal are checked after it. The
// clock runs in seconds, the lag is 10.
func TestProgress(t *testing.T) {
	type check struct {
		hw      int64
		propose []int32 // nil: none
	}
	type step struct {
		name string
		do   func(g *progress, at func(sec int) time.Time) (end int64, now time.Time)
		want check
	}
	begin := time.Unix(1_000_000, 0)
	at := func(sec int) time.Time { return begin.Add(time.Duration(sec) * time.Second) }
	fetch := func(id int32, offset, end int64, sec int) func(*progress, func(int) time.Time) (int64, time.Time) {
		return func(g *progress, at func(int) time.Time) (int64, time.Time) {
			g.fetched(id, 1, offset, end, at(sec))
			return end, at(sec)
		}
	}
	wait := func(end int64, sec int) func(*progress, func(int) time.Time) (int64, time.Time) {
		return func(*progress, func(int) time.Time) (int64, time.Time) { return end, at(sec) }
	}
	confirm := func(end int64, sec int, isr ...int32) func(*progress, func(int) time.Time) (int64, time.Time) {
		return func(g *progress, at func(int) time.Time) (int64, time.Time) {
			g.confirm(&api.ReplicaAssignment{ISR: isr, PartitionEpoch: g.version + 1})
			return end, at(sec)
		}
	}
	refuse := func(end int64, sec int) func(*progress, func(int) time.Time) (int64, time.Time) {
		return func(g *progress, at func(int) time.Time) (int64, time.Time) {
			g.refuse()
			return end, at(sec)
		}
	}
	tick := func(end int64, sec int, seen ...int32) func(*progress, func(int) time.Time) (int64, time.Time) {
		return func(g *progress, at func(int) time.Time) (int64, time.Time) {
			g.tick(end, func(id int32) time.Time {
				if slices.Contains(seen, id) {
					return at(sec)
				}
				return time.Time{}
			})
			return end, at(sec)
		}
	}
	all := []int32{1, 2, 3}
	for _, tt := range []struct {
		name    string
		isr     []int32
		end, hw int64
		steps   []step
	}{
		{"the slowest member decides", all, 0, 0, []step{
			{"nobody has fetched", wait(10, 0), check{0, nil}},
			{"one has all", fetch(2, 10, 10, 1), check{0, nil}},
			{"the other has some", fetch(3, 4, 10, 1), check{4, nil}},
			{"and all", fetch(3, 10, 10, 1), check{10, nil}},
		}},
		{"a follower out of sync does not count", []int32{1, 2}, 5, 5, []step{
			{"it is behind", fetch(3, 0, 8, 1), check{5, nil}},
			{"the member is not", fetch(2, 8, 8, 1), check{8, nil}},
		}},
		{"the watermark never falls", all, 0, 0, []step{
			{"2 at 9", fetch(2, 9, 9, 1), check{0, nil}},
			{"3 at 9", fetch(3, 9, 9, 1), check{9, nil}},
			{"3 back at 2: it has lost something and must not be elected", fetch(3, 2, 9, 1), check{9, []int32{1, 2}}},
			{"it is counted until the SC says so", fetch(2, 20, 20, 2), check{9, []int32{1, 2}}},
			{"confirmed", confirm(20, 2, 1, 2), check{20, nil}},
			{"3 refills", fetch(3, 15, 20, 3), check{20, nil}},
			{"3 is back", fetch(3, 20, 20, 4), check{20, all}},
		}},
		{"a position replaces the one before", all, 0, 0, []step{
			{"2 at 10", fetch(2, 10, 10, 1), check{0, nil}},
			{"2 back at 3, above the watermark", fetch(2, 3, 10, 1), check{0, nil}},
			{"3 at 10", fetch(3, 10, 10, 1), check{3, nil}},
		}},
		{"a shrink takes a lag", all, 0, 0, []step{
			{"2 has all", fetch(2, 10, 10, 9), check{0, nil}},
			{"3 is silent for as long as it may", tick(10, 10, 2), check{0, nil}},
			{"and longer", tick(10, 11, 2), check{0, []int32{1, 2}}},
			{"asked, not answered", tick(10, 12, 2), check{0, []int32{1, 2}}},
			{"refused", refuse(10, 12), check{0, nil}},
			{"asked again after a tick", tick(10, 13, 2), check{0, []int32{1, 2}}},
			{"confirmed", confirm(10, 13, 1, 2), check{10, nil}},
		}},
		{"an expansion counts at once", []int32{1, 2}, 0, 0, []step{
			{"2 has all", fetch(2, 10, 10, 1), check{10, nil}},
			{"3 too, and is proposed", fetch(3, 10, 10, 1), check{10, all}},
			{"2 goes on, 3 may be a member by now", fetch(2, 15, 15, 2), check{10, all}},
			{"3 goes on", fetch(3, 14, 15, 2), check{14, all}},
			{"it is one", confirm(15, 2, 1, 2, 3), check{14, nil}},
		}},
		{"an expansion is open until the partition moves on", []int32{1, 2}, 0, 0, []step{
			{"3 is proposed", fetch(3, 5, 5, 1), check{0, all}},
			{"the old state again, as after a reconnect", func(g *progress, at func(int) time.Time) (int64, time.Time) {
				g.confirm(&api.ReplicaAssignment{ISR: []int32{1, 2}, PartitionEpoch: 1})
				return 5, at(1)
			}, check{0, all}},
			{"the term goes on after a pause", func(g *progress, at func(int) time.Time) (int64, time.Time) {
				g.lead(&api.ReplicaAssignment{Replicas: all, ISR: []int32{1, 2}, LeaderEpoch: 1, PartitionEpoch: 1}, 5, 0, at(2))
				return 5, at(2)
			}, check{0, all}},
			{"2 has all, 3 may be a member", fetch(2, 5, 5, 2), check{0, all}},
			{"another term, in which it cannot become one", func(g *progress, at func(int) time.Time) (int64, time.Time) {
				g.lead(&api.ReplicaAssignment{Replicas: all, ISR: []int32{1, 2}, LeaderEpoch: 2, PartitionEpoch: 2}, 5, 0, at(3))
				return 5, at(3)
			}, check{0, nil}},
			{"2 decides", fetch(2, 5, 5, 3), check{5, nil}},
		}},
		{"an expansion that is refused does not count", []int32{1, 2}, 0, 0, []step{
			{"3 is proposed", fetch(3, 0, 0, 1), check{0, all}},
			{"refused", refuse(0, 1), check{0, nil}},
			{"2 decides alone", fetch(2, 7, 7, 2), check{7, nil}},
		}},
		{"the watermark of a new leader may be old", []int32{1, 2}, 10, 4, []step{
			{"3 has the watermark, not what may be committed", fetch(3, 4, 10, 1), check{4, nil}},
			{"2 has everything", fetch(2, 10, 10, 1), check{10, nil}},
			{"3 has it too", fetch(3, 10, 10, 1), check{10, all}},
		}},
		{"under constant load nobody is at the end", all, 0, 0, []step{
			{"2", fetch(2, 0, 10, 1), check{0, nil}},
			{"2 has what there was", fetch(2, 10, 20, 9), check{0, nil}},
			{"and again", fetch(2, 20, 30, 18), check{0, []int32{1, 2}}},
			{"only 3 is behind", confirm(30, 18, 1, 2), check{20, nil}},
			{"2 stays in sync", fetch(2, 30, 40, 19), check{30, nil}},
			{"until it stops", tick(40, 30, 2), check{30, []int32{1}}},
			{"alone", confirm(40, 30, 1), check{40, nil}},
		}},
		{"an idle log keeps who asks", all, 5, 5, []step{
			{"2", fetch(2, 5, 5, 1), check{5, nil}},
			{"3", fetch(3, 5, 5, 1), check{5, nil}},
			{"both ask", tick(5, 9, 2, 3), check{5, nil}},
			{"2 has gone", tick(5, 15, 3), check{5, nil}},
			{"for too long", tick(5, 20, 3), check{5, []int32{1, 3}}},
		}},
		{"a diverged log does not count", all, 5, 5, []step{
			{"2", fetch(2, 8, 8, 1), check{5, nil}},
			{"3 is no prefix", func(g *progress, at func(int) time.Time) (int64, time.Time) {
				g.fetched(3, 1, 8, 8, at(1))
				g.diverged(3)
				return 8, at(1)
			}, check{5, nil}},
			{"2 goes on", fetch(2, 9, 9, 1), check{5, nil}},
			{"3 was cut and has all", fetch(3, 9, 9, 2), check{9, nil}},
		}},
		{"a stranger does not count", all, 0, 0, []step{
			{"4 fetches", fetch(4, 100, 10, 1), check{0, nil}},
		}},
		{"alone", []int32{1}, 3, 3, []step{
			{"everything is committed", wait(10, 1), check{10, nil}},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := &progress{self: 1, lag: 10 * time.Second}
			g.lead(&api.ReplicaAssignment{Replicas: all, ISR: tt.isr, LeaderEpoch: 1, PartitionEpoch: 1}, tt.end, tt.hw, at(0))
			for _, s := range tt.steps {
				end, now := s.do(g, at)
				if hw := g.watermark(end); hw != s.want.hw {
					t.Errorf("%s: high watermark is %d, want %d", s.name, hw, s.want.hw)
				}
				if got := g.propose(end, now); fmt.Sprint(got) != fmt.Sprint(s.want.propose) {
					t.Errorf("%s: proposes %v, want %v", s.name, got, s.want.propose)
				}
			}
		})
	}
}
