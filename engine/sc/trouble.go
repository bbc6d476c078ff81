package sc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// trouble says what keeps a partition from serving, or from being as safe as
// it was declared. A partition that is only about to start has none.
func (c *controller) trouble(p *partition) string {
	switch p.resolution {
	case api.PartitionLeaderOffline:
		return c.leaderless(p)
	case api.PartitionOutOfStorage:
		return withReason("out of storage", p.leader().report.Reason)
	case api.PartitionOffline:
		if p.reported {
			return withReason(fmt.Sprintf("SPU %d cannot serve it", p.val.Leader), p.leader().report.Reason)
		}
	case api.PartitionOnline:
		return c.underReplicated(p)
	}
	return ""
}

// troubled reports whether there is anything that trouble would say.
func (c *controller) troubled(p *partition) bool {
	switch p.resolution {
	case api.PartitionOnline:
		return len(p.val.ISR) < len(p.val.Replicas) ||
			slices.ContainsFunc(p.replicas, func(r replica) bool { return !c.online(r.spu) || r.loss != api.LossNone })
	case api.PartitionOffline:
		return p.reported
	}
	return true
}

// leaderless says why nobody leads a partition.
func (c *controller) leaderless(p *partition) string {
	gone := slices.IndexFunc(p.replicas, func(r replica) bool { return r.loss != api.LossNone && c.online(r.spu) })
	if p.val.Leader != api.NoLeader {
		why := "leader " + c.absence(p.val.Leader)
		switch {
		case len(p.val.Replicas) == 1:
		case c.leases[p.val.Leader] != nil:
			why += ", it may still be leading"
		case gone >= 0:
			why += ", no other replica can take over: " + reasonedLoss(&p.replicas[gone])
		default:
			why += ", no other replica can take over"
		}
		return why
	}
	switch away := slices.IndexFunc(p.val.ISR, func(id int32) bool { return !c.online(id) }); {
	case away >= 0 && gone >= 0:
		return fmt.Sprintf("no replica can lead: %s, %s", c.absence(p.val.ISR[away]), reasonedLoss(&p.replicas[gone]))
	case away >= 0:
		return "no replica can lead: " + c.absence(p.val.ISR[away])
	case gone >= 0:
		return fmt.Sprintf("no replica can lead: no whole one is in sync, %s", reasonedLoss(&p.replicas[gone]))
	}
	return "no leader yet"
}

// lossText says what a replica lost.
func lossText(r *replica) string {
	switch r.loss {
	case api.LossPossible:
		return fmt.Sprintf("SPU %d did not stop in order", r.spu)
	case api.LossDamage:
		return fmt.Sprintf("SPU %d has unreadable records", r.spu)
	case api.LossTail:
		return fmt.Sprintf("SPU %d lost records", r.spu)
	case api.LossAll:
		return fmt.Sprintf("SPU %d lost the log", r.spu)
	}
	return fmt.Sprintf("SPU %d lost nothing", r.spu)
}

func reasonedLoss(r *replica) string { return withReason(lossText(r), r.report.LossReason) }

// underReplicated names the replicas that a partition with a leader lacks, and
// those that lack something.
func (c *controller) underReplicated(p *partition) string {
	var missing []string
	inSync := 0
	for i := range p.replicas {
		r := &p.replicas[i]
		switch {
		case !c.online(r.spu):
			missing = append(missing, c.absence(r.spu))
		case p.inSync(r.spu):
			inSync++
			if r.loss == api.LossDamage {
				missing = append(missing, reasonedLoss(r))
			}
		case c.failed(r):
			missing = append(missing, withReason(fmt.Sprintf("SPU %d cannot keep it", r.spu), r.report.Reason))
		case r.loss != api.LossNone:
			missing = append(missing, reasonedLoss(r))
		default:
			missing = append(missing, fmt.Sprintf("SPU %d is catching up", r.spu))
		}
	}
	if len(missing) == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d replicas in sync, %s", inSync, len(p.replicas), strings.Join(missing, ", "))
}

func (c *controller) absence(id int32) string {
	if c.byID[id] == nil {
		return fmt.Sprintf("SPU %d is not registered", id)
	}
	return fmt.Sprintf("SPU %d is offline", id)
}

func withReason(what, reason string) string {
	if reason == "" {
		return what
	}
	return what + ": " + reason
}
