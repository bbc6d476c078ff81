package sc

import (
	"github.com/fluvio-go/fluvio/netproto/api"
)

// resolve works out whether a partition can serve, from who is online and
// what its leader reported.
func (c *controller) resolve(p *partition) {
	next := c.resolution(p)
	if next == p.resolution {
		return
	}
	switch api.PartitionOnline {
	case next:
		p.topic.online++
	case p.resolution:
		p.topic.online--
	}
	p.resolution = next
	c.moved[p] = struct{}{}
	c.touch(p.topic)
}

func (c *controller) resolution(p *partition) api.PartitionResolution {
	switch {
	case !c.online(p.val.Leader):
		return api.PartitionLeaderOffline
	case !p.reported:
		return api.PartitionOffline
	}
	switch p.leader().report.State {
	case api.ReplicaServing:
		return api.PartitionOnline
	case api.ReplicaOutOfStorage:
		return api.PartitionOutOfStorage
	}
	return api.PartitionOffline
}

// drift has a partition published soon: watchers hear of offsets at a bounded
// rate, however often SPUs report.
func (c *controller) drift(p *partition) {
	if len(c.drifted) == 0 {
		c.statusTimer.Reset(c.timeouts.Status)
	}
	c.drifted[p] = struct{}{}
}

// flushDrifted publishes what drifted since the last time.
func (c *controller) flushDrifted() {
	for p := range c.drifted {
		c.moved[p] = struct{}{}
	}
	clear(c.drifted)
}

// shownLeader is the leader that clients see: where there is none, the one
// that is preferred. Their code expects one that exists.
func (p *partition) shownLeader() int32 {
	if p.val.Leader == api.NoLeader {
		return p.val.Replicas[0]
	}
	return p.val.Leader
}

// spec is the partition as clients see it.
func (p *partition) spec() api.PartitionSpec {
	t := &p.topic.val.Spec
	return api.PartitionSpec{
		Leader: p.shownLeader(), Replicas: p.val.Replicas,
		CleanupPolicy: t.CleanupPolicy, Storage: t.Storage, Compression: t.Compression,
		Deduplication: t.Deduplication, System: t.System,
	}
}

// status is the partition's state as clients see it. Every number is what the
// SPU of that replica said about its own log. The followers that count as in
// sync are those whose SPUs are here and well, not merely members of the set.
// Where the leader is away its last numbers stay, and the resolution says that
// it is away; for followers there is no such word, so they have none then.
func (c *controller) status(p *partition) api.PartitionStatus {
	st := api.PartitionStatus{
		Resolution:   p.resolution,
		Leader:       api.UnknownReplica,
		Size:         api.SizeNotSupported,
		BeingDeleted: p.topic.val.Deleting,
	}
	leader := p.shownLeader()
	for i := range p.replicas {
		r := &p.replicas[i]
		switch {
		case r.spu != leader:
			st.Replicas = append(st.Replicas, c.shownPosition(r))
			if c.standing(p, r).counts() {
				st.LRS++
			}
		case r.known():
			st.Leader = api.ReplicaStatus{Spu: r.spu, HW: r.report.HW, LEO: r.report.LEO}
			st.Size, st.BaseOffset = r.report.Size, r.report.StartOffset
		}
	}
	return st
}

// assignment is the partition as its SPUs see it.
func (p *partition) assignment() api.ReplicaAssignment {
	return api.ReplicaAssignment{
		ReplicaRef: p.ref(), Leader: p.val.Leader, LeaderEpoch: p.val.LeaderEpoch,
		PartitionEpoch: p.val.PartitionEpoch, Replicas: p.val.Replicas, ISR: p.val.ISR, Gone: p.gone,
		Spec: p.spec(), Config: p.topic.val.Config,
	}
}
