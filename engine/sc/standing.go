package sc

import (
	"fmt"
	"strings"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// standing is what a replica is worth at this moment, as people should know
// it. It is stricter than the in-sync set, which is what was decided last: a
// member whose SPU went away stays in the set until somebody takes it out.
type standing uint8

const (
	standsInSync standing = iota
	// standsBeginning: it counts as in sync and its SPU, which is online, has
	// never said anything about it. That is a partition that is being made,
	// or a controller that has just started.
	standsBeginning
	standsDamaged // in sync, with records in the middle that cannot be read
	standsUnregistered
	standsOffline
	standsSilent // its SPU has just come, and not told yet what it has
	standsFailed
	standsLost
	standsFull // not in sync, for want of space
	standsBehind
)

func (c *controller) standing(p *partition, r *replica) standing {
	s := c.byID[r.spu]
	switch {
	case s == nil:
		return standsUnregistered
	case s.session == nil:
		return standsOffline
	case r.session != s.session && !r.known() && p.inSync(r.spu):
		return standsBeginning
	case r.session != s.session:
		return standsSilent
	case r.report.State == api.ReplicaFailed:
		return standsFailed
	case lost(r.loss):
		return standsLost
	case p.inSync(r.spu) && r.loss == api.LossDamage:
		return standsDamaged
	case p.inSync(r.spu):
		return standsInSync
	case r.loss != api.LossNone:
		return standsLost
	case r.report.State == api.ReplicaOutOfStorage:
		return standsFull
	}
	return standsBehind
}

// counts reports whether it is one of those in sync.
func (s standing) counts() bool { return s == standsInSync || s == standsDamaged }

// troubling reports whether a replica is not as it should be, and will not be
// in a moment by itself.
func (s standing) troubling() bool { return s > standsBeginning }

// lack completes "SPU 5001 …".
func (s standing) lack(r *replica) string {
	switch s {
	case standsUnregistered:
		return "is not registered"
	case standsOffline:
		return "is offline"
	case standsSilent:
		return "has just come online"
	case standsFailed:
		return withReason("cannot keep it", r.report.Reason)
	case standsLost, standsDamaged:
		return withReason(lossPhrase(r), r.report.LossReason)
	case standsFull:
		return withReason("is out of storage", r.report.Reason)
	case standsBehind:
		return "is catching up"
	}
	return ""
}

// current reports whether what a replica's SPU said about it still holds: it
// said so in the session that it has.
func (c *controller) current(r *replica) bool {
	s := c.byID[r.spu]
	return s != nil && s.session != nil && r.session == s.session
}

// shownPosition is a replica as clients see it. Of one that is away nothing is
// known: its SPU may come back with less, or with nothing.
func (c *controller) shownPosition(r *replica) api.ReplicaStatus {
	st := api.ReplicaStatus{Spu: r.spu, HW: -1, LEO: -1}
	if c.current(r) {
		st.HW, st.LEO = r.report.HW, r.report.LEO
	}
	return st
}

// standingMoved publishes partitions of an SPU, whose replicas there are worth
// something else now.
func (c *controller) standingMoved(spu int32) {
	if h := c.hosted[spu]; h != nil {
		for p := range h.all {
			p.position++
			c.moved[p] = struct{}{}
		}
	}
}

// describePartition is a partition with all that is known of its replicas.
func (c *controller) describePartition(p *partition) api.ExtPartition {
	st := c.status(p)
	out := api.ExtPartition{
		Key: p.key(), System: p.topic.val.Spec.System,
		Leader: p.val.Leader, LeaderEpoch: p.val.LeaderEpoch, PartitionEpoch: p.val.PartitionEpoch,
		Resolution: p.resolution, Size: st.Size, BaseOffset: st.BaseOffset, Reason: c.trouble(p),
		Replicas: make([]api.ExtReplica, len(p.replicas)),
	}
	for i := range p.replicas {
		r := &p.replicas[i]
		how, at := c.standing(p, r), c.shownPosition(r)
		out.Replicas[i] = api.ExtReplica{
			Spu: r.spu, InSync: how.counts(), HW: at.HW, LEO: at.LEO, Lack: how.lack(r),
		}
	}
	return out
}

// underReplicated names the replicas that a partition with a leader lacks.
func (c *controller) underReplicated(p *partition) string {
	var missing []string
	inSync := len(p.replicas)
	for i := range p.replicas {
		r := &p.replicas[i]
		if how := c.standing(p, r); how.troubling() {
			if !how.counts() {
				inSync--
			}
			missing = append(missing, fmt.Sprintf("SPU %d %s", r.spu, how.lack(r)))
		}
	}
	if len(missing) == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d replicas in sync, %s", inSync, len(p.replicas), strings.Join(missing, ", "))
}
