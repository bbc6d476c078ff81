package sc

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/fluvio-go/fluvio/engine/sc/meta"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// unsettle has the leadership of a partition looked at in this cycle.
func (c *controller) unsettle(p *partition) {
	c.unsettled[p] = struct{}{}
	c.touch(p.topic) // whose reason may name what changed
}

// unsettleHosted does so for all that is on an SPU.
func (c *controller) unsettleHosted(id int32) {
	if h := c.hosted[id]; h != nil {
		for p := range h.all {
			c.unsettle(p)
		}
	}
}

// settleAll settles what the cycle unsettled, in an order that is repeatable.
func (c *controller) settleAll() {
	for _, p := range sortedPartitions(c.unsettled) {
		c.settle(p)
	}
	clear(c.unsettled)
}

func sortedPartitions(set map[*partition]struct{}) []*partition {
	return slices.SortedFunc(maps.Keys(set), func(a, b *partition) int {
		return cmp.Or(cmp.Compare(a.topic.name, b.topic.name), cmp.Compare(a.id, b.id))
	})
}

// settle gives a partition the leader and the in-sync set that it should have
// now. It changes nothing if they are as they should be.
func (c *controller) settle(p *partition) {
	if p.topic.val.Deleting || c.topics[p.topic.name] != p.topic || p.topic.parts[p.id] != p {
		return
	}
	c.settleLeader(p)
	gone := slices.DeleteFunc(slices.Clone(p.val.Replicas), func(id int32) bool { return id == p.val.Leader || !c.departed(id) })
	if !slices.Equal(gone, p.gone) {
		p.gone = gone
		c.assigned[p] = struct{}{}
	}
}

func (c *controller) settleLeader(p *partition) {
	isr := c.sound(p)
	if len(isr) != len(p.val.ISR) {
		c.log.Warn("replica lost records and is not in sync any more", "partition", p.name(), "isr", isr, "before", p.val.ISR)
	}
	if c.stands(p, isr) {
		if c.online(p.val.Leader) {
			isr = c.present(isr, p.val.Leader)
		}
		if len(isr) != len(p.val.ISR) {
			c.log.Info("in-sync set without those who are gone or lost records", "partition", p.name(), "isr", isr, "before", p.val.ISR)
			c.changeISR(p, isr)
			c.counters.removals.Add(1)
		}
		return
	}
	candidates := c.candidates(p, isr)
	if spu, ok := electClean(candidates); ok {
		c.elect(p, spu, c.present(isr, spu))
		c.counters.elections.Add(1)
		return
	}
	if !c.unheard(p, isr) && !c.wanted(p, isr) && c.settleDoubtful(p, candidates, isr) {
		return
	}
	if !c.awaited(p) && c.settleUnclean(p, candidates) {
		return
	}
	if r := p.leader(); r != nil && lost(r.loss) {
		// It has to know that it must not lead with an empty log.
		c.elect(p, api.NoLeader, isr)
	} else if len(isr) != len(p.val.ISR) {
		c.changeISR(p, isr)
	}
}

// settleDoubtful elects a replica that may lack the end of its log, or has
// damage in the middle, when none in sync is whole. The others like it have to
// catch up with it.
func (c *controller) settleDoubtful(p *partition, candidates []candidate, isr []int32) bool {
	spu, ok := electDoubtful(candidates)
	if !ok {
		return false
	}
	r := p.replica(spu)
	c.log.Warn("no replica that is certain to be whole is left, the one with most leads",
		"partition", p.name(), "leader", spu, "loss", reasonedLoss(r))
	c.elect(p, spu, slices.DeleteFunc(slices.Clone(isr), func(id int32) bool { return id != spu && doubtful(p.replica(id).loss) }))
	c.counters.elections.Add(1)
	return true
}

// unheard reports whether a replica in isr may turn up in a moment, or is
// about to say how it is.
func (c *controller) unheard(p *partition, isr []int32) bool {
	return slices.ContainsFunc(isr, func(id int32) bool {
		r := p.replica(id)
		return c.leases[id] != nil || r != nil && c.staying(id) && r.session != c.byID[id].session
	})
}

// wanted reports whether a replica in isr that is not here now, or not well, may
// have everything that one in doubt lacks, so that the partition has to wait for
// it. It need not if the topic allows unclean elections, nor for an SPU that
// somebody has unregistered because it does not come back.
func (c *controller) wanted(p *partition, isr []int32) bool {
	return !p.topic.val.Config.UncleanElection && slices.ContainsFunc(isr, func(id int32) bool {
		s, r := c.byID[id], p.replica(id)
		return s != nil && r != nil && (s.session == nil || r.session != s.session || r.loss == api.LossNone)
	})
}

// settleUnclean elects a replica that may lack committed records, if that is
// allowed or nothing is left that could be lost.
func (c *controller) settleUnclean(p *partition, candidates []candidate) bool {
	what := "leader elected uncleanly: committed records may be lost"
	spu, ok := int32(0), false
	if p.topic.val.Config.UncleanElection {
		spu, ok = electUnclean(candidates)
	}
	if !ok {
		what = "all replicas in sync lost records, the one with most of what is left leads"
		spu, ok = electRest(candidates)
	}
	if !ok {
		what = "no replica has a log any more, the partition begins anew"
		spu, ok = electEmpty(candidates)
	}
	if !ok {
		return false
	}
	c.log.Warn(what, "partition", p.name(), "leader", spu, "isr", p.val.ISR)
	c.counters.unclean.Add(1)
	c.elect(p, spu, []int32{spu})
	return true
}

// awaited reports whether an in-sync replica that has the records is there or
// may be back in a moment, so that it is not yet time to do without.
func (c *controller) awaited(p *partition) bool {
	return slices.ContainsFunc(p.val.ISR, func(id int32) bool {
		r := p.replica(id)
		return r != nil && !lost(r.loss) && c.mayLead(id) && !c.failed(r)
	})
}

// failed reports whether an SPU said in this session that a replica cannot
// serve at all.
func (c *controller) failed(r *replica) bool {
	s := c.byID[r.spu]
	return s != nil && s.session != nil && r.session == s.session && r.report.State == api.ReplicaFailed
}

// stands reports whether a partition's leader can stay, with isr as the in-sync
// set, or may be acting as such and must not be replaced yet.
func (c *controller) stands(p *partition, isr []int32) bool {
	r := p.leader()
	if r == nil || !slices.Contains(isr, r.spu) || lost(r.loss) || !c.mayLead(r.spu) {
		return false
	}
	return !p.reported || !c.online(r.spu) || !c.sick(p, r)
}

// sick reports whether a leader says that it cannot do its work, and that for
// long enough to look for another.
func (c *controller) sick(p *partition, r *replica) bool {
	switch r.report.State {
	case api.ReplicaFailed:
		return true
	case api.ReplicaOutOfStorage:
		return time.Since(p.fullSince) >= c.timeouts.OutOfStorage
	}
	return false
}

// sound is the in-sync set without replicas that lost records, if another one
// can lead. Otherwise they stay, though nobody elects them: those that are away
// may have lost more, and who has the records must not be forgotten. Replicas
// that only may have lost some, or have them unreadable in the middle, leave
// where one that is whole can lead.
func (c *controller) sound(p *partition) []int32 {
	if !slices.ContainsFunc(p.replicas, func(r replica) bool { return r.loss != api.LossNone }) {
		return p.val.ISR
	}
	without := func(isr []int32, out func(r *replica) bool) []int32 {
		return slices.DeleteFunc(slices.Clone(isr), func(id int32) bool {
			r := p.replica(id)
			return r != nil && out(r)
		})
	}
	canLead := func(id int32) bool { return c.ready(p.replica(id)) }
	isr := without(p.val.ISR, func(r *replica) bool { return lost(r.loss) })
	if !slices.ContainsFunc(isr, canLead) {
		return p.val.ISR
	}
	if whole := without(isr, func(r *replica) bool { return doubtful(r.loss) }); slices.ContainsFunc(whole, canLead) {
		return whole
	}
	return isr
}

// present is an in-sync set without the replicas whose SPUs are gone, for which
// commits would wait until the leader finds out by itself. A set may become
// smaller at any time: nothing is acknowledged for the new one before the leader
// knows it. Who was taken out returns when the leader says so.
//
// It must not be done while the leader may be gone as well. If all are, the set
// says who has the records, and one of those has to come back. Nor does the
// leader remain alone: it may be gone without anybody having noticed, or have
// records in its page cache only because another one had them too. It is told
// who is gone, and asks for that set when it has made them durable.
func (c *controller) present(isr []int32, leader int32) []int32 {
	out := slices.DeleteFunc(slices.Clone(isr), func(id int32) bool { return id != leader && c.departed(id) })
	if len(out) == 1 {
		return isr
	}
	return out
}

// elect begins a new leadership. It is stored before anybody hears of it.
func (c *controller) elect(p *partition, leader int32, isr []int32) {
	v := *p.val
	v.Leader, v.ISR = leader, isr
	v.LeaderEpoch++
	v.PartitionEpoch++
	if r := p.replica(leader); r != nil && r.loss != api.LossDamage {
		r.loss = api.LossNone // what it has counts from now on, and it will say so
	}
	c.log.Info("leader", "partition", p.name(), "leader", leader, "before", p.val.Leader, "epoch", v.LeaderEpoch, "isr", isr)
	c.putPartition(p.topic, p.id, &v)
}

// changeISR replaces the in-sync set of a leadership.
func (c *controller) changeISR(p *partition, isr []int32) {
	v := *p.val
	v.ISR = isr
	v.PartitionEpoch++
	c.putPartition(p.topic, p.id, &v)
}

// moveAway gives one leadership of an SPU to another in-sync replica.
func (c *controller) moveAway(p *partition) bool {
	isr := c.sound(p)
	candidates := slices.DeleteFunc(c.candidates(p, isr), func(r candidate) bool { return r.spu == p.val.Leader })
	spu, ok := electClean(candidates)
	if ok {
		c.elect(p, spu, isr)
	}
	return ok
}

// moveLeaders takes from an SPU that is about to stop what others can lead,
// and returns how many partitions remain. It gets no leadership any more in
// this session.
func (c *controller) moveLeaders(n *session) (remaining uint32) {
	n.leaving = true
	c.touchUnplaced() // it does not count as a place to put replicas
	h := c.hosted[n.spu]
	if h == nil {
		return 0
	}
	for _, p := range sortedPartitions(h.leads) {
		if !p.topic.val.Deleting && !c.moveAway(p) {
			remaining++
		}
	}
	c.log.Info("SPU is about to stop", "spu", n.spu, "remaining", remaining)
	return remaining
}

// restarted begins the partitions of an SPU anew after another start of it:
// whatever the earlier start still has in flight is recognised as old by its
// epoch. A replica that led others has to report before it leads again, since
// it may have lost its log; so has any that could be taken for in sync by a
// leader that knew the earlier start.
//
// If the earlier start did not end in order, the new one may lack the end of
// its logs, and is in sync only where nobody else is.
func (c *controller) restarted(s *spu, clean bool) {
	h := c.hosted[s.id()]
	if h == nil {
		return
	}
	for _, p := range sortedPartitions(h.all) {
		if p.topic.val.Deleting {
			continue
		}
		if v := c.afterRestart(p, s.id(), clean); v != nil {
			c.putPartition(p.topic, p.id, v)
		}
	}
}

// afterRestart is a partition after an SPU that hosts it started again, nil
// if nothing changes.
func (c *controller) afterRestart(p *partition, id int32, clean bool) *meta.Partition {
	v := *p.val
	leads := v.Leader == id
	if len(v.Replicas) == 1 {
		if !leads {
			return nil
		}
		v.LeaderEpoch++
		v.PartitionEpoch++
		return &v
	}
	v.PartitionEpoch++
	if r := p.replica(id); r != nil && !clean && p.inSync(id) && p.durability() != api.DurabilityAlways {
		r.loss = max(r.loss, api.LossPossible)
		v.ISR = c.sound(p)
	}
	if leads {
		v.Leader = api.NoLeader
		v.LeaderEpoch++
	}
	return &v
}
