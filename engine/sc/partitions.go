package sc

import (
	"fmt"

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
	leader := c.byID[p.val.Leader]
	switch {
	case leader == nil || leader.session == nil:
		return api.PartitionLeaderOffline
	case !p.reported:
		return api.PartitionOffline
	}
	switch p.report.State {
	case api.ReplicaServing:
		return api.PartitionOnline
	case api.ReplicaOutOfStorage:
		return api.PartitionOutOfStorage
	}
	return api.PartitionOffline
}

// trouble says what keeps a partition from serving. A partition that is only
// about to start has none.
func (c *controller) trouble(p *partition) string {
	switch p.resolution {
	case api.PartitionLeaderOffline:
		if c.byID[p.val.Leader] == nil {
			return fmt.Sprintf("leader SPU %d is not registered", p.val.Leader)
		}
		return fmt.Sprintf("leader SPU %d is offline", p.val.Leader)
	case api.PartitionOutOfStorage:
		return withReason("out of storage", p.report.Reason)
	case api.PartitionOffline:
		if p.reported {
			return withReason(fmt.Sprintf("SPU %d cannot serve it", p.val.Leader), p.report.Reason)
		}
	}
	return ""
}

func withReason(what, reason string) string {
	if reason == "" {
		return what
	}
	return what + ": " + reason
}

// takeReport notes what an SPU says about its replicas. Reports about another
// topic of the same name, and from before the leadership last changed, say
// nothing about now.
func (c *controller) takeReport(spu int32, r *api.ReplicaReport) {
	p := c.replica(r.Key)
	if p == nil || p.val.TopicID != r.TopicID || p.val.Leader != spu || p.val.LeaderEpoch != r.LeaderEpoch {
		return
	}
	reasonMoved := p.report.Reason != r.Reason
	p.report, p.reported = *r, true
	c.resolve(p)
	if reasonMoved {
		c.touch(p.topic)
	}
	if p.at() != p.shownAt {
		c.drift(p)
	}
}

func (p *partition) at() position {
	return position{p.report.StartOffset, p.report.HW, p.report.LEO, p.report.Size}
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

// spec is the partition as clients see it.
func (p *partition) spec() api.PartitionSpec {
	t := &p.topic.val.Spec
	return api.PartitionSpec{
		Leader: p.val.Leader, Replicas: p.val.Replicas,
		CleanupPolicy: t.CleanupPolicy, Storage: t.Storage, Compression: t.Compression,
		Deduplication: t.Deduplication, System: t.System,
	}
}

// status is the partition's state as clients see it.
func (p *partition) status() api.PartitionStatus {
	st := api.PartitionStatus{
		Resolution:   p.resolution,
		Leader:       api.UnknownReplica,
		LRS:          uint32(max(len(p.val.ISR)-1, 0)),
		Size:         api.SizeNotSupported,
		BeingDeleted: p.topic.val.Deleting,
	}
	if p.report.LeaderEpoch != 0 {
		r := &p.report
		st.Leader = api.ReplicaStatus{Spu: p.val.Leader, HW: r.HW, LEO: r.LEO}
		st.Size, st.BaseOffset = r.Size, r.StartOffset
	}
	for _, id := range p.val.Replicas {
		if id != p.val.Leader {
			st.Replicas = append(st.Replicas, api.ReplicaStatus{Spu: id, HW: -1, LEO: -1})
		}
	}
	return st
}

// assignment is the partition as its SPUs see it.
func (p *partition) assignment() api.ReplicaAssignment {
	return api.ReplicaAssignment{
		ReplicaRef: p.ref(), Leader: p.val.Leader, LeaderEpoch: p.val.LeaderEpoch,
		PartitionEpoch: p.val.PartitionEpoch, Replicas: p.val.Replicas, ISR: p.val.ISR,
		Spec: p.spec(), Config: p.topic.val.Config,
	}
}
