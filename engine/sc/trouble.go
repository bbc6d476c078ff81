package sc

import (
	"fmt"
	"slices"

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
		for i := range p.replicas {
			if c.standing(p, &p.replicas[i]).troubling() {
				return true
			}
		}
		return false
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
func lossText(r *replica) string { return fmt.Sprintf("SPU %d %s", r.spu, lossPhrase(r)) }

// lossPhrase completes "SPU 5001 …".
func lossPhrase(r *replica) string {
	switch r.loss {
	case api.LossPossible:
		return "did not stop in order"
	case api.LossDamage:
		return "has unreadable records"
	case api.LossTail:
		return "lost records"
	case api.LossAll:
		return "lost the log"
	}
	return "lost nothing"
}

func reasonedLoss(r *replica) string { return withReason(lossText(r), r.report.LossReason) }

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
