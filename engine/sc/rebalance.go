package sc

import (
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// keepInterval is between rounds of what is done in the background.
const keepInterval = time.Second

// noteDisplaced keeps track of partitions that are not led by the replica
// that their placement prefers.
func (c *controller) noteDisplaced(p *partition) {
	if len(p.val.Replicas) == 1 || p.val.Leader == p.val.Replicas[0] {
		delete(c.displaced, p)
		return
	}
	c.displaced[p] = struct{}{}
	if !c.balance.Off {
		c.armKeep()
	}
}

// noteStorage keeps track of leaders that are out of storage. While others
// have space a topic need not wait until somebody frees some.
func (c *controller) noteStorage(p *partition) {
	r := p.leader()
	if len(p.val.Replicas) == 1 || !p.reported || r == nil || r.report.State != api.ReplicaOutOfStorage {
		delete(c.full, p)
		return
	}
	if _, known := c.full[p]; !known {
		p.fullSince = time.Now()
		c.full[p] = struct{}{}
	}
	c.armKeep()
}

func (c *controller) armKeep() {
	if !c.keepArmed {
		c.keepArmed = true
		c.keepTimer.Reset(keepInterval)
	}
}

// keep is one round of background work. Rounds go on while there is anything
// that may need it.
func (c *controller) keep() {
	c.keepArmed = false
	for p := range c.full {
		c.unsettle(p)
	}
	if !c.balance.Off {
		c.rebalance()
	}
	if len(c.full) > 0 || len(c.displaced) > 0 && !c.balance.Off {
		c.armKeep()
	}
}

// rebalance gives some leaderships back to the replicas that their placement
// prefers: those that are in sync, and whose SPU has been here for a while.
func (c *controller) rebalance() {
	due := make(map[*partition]struct{})
	for p := range c.displaced {
		r := p.replica(p.val.Replicas[0])
		if c.steady(r) && p.inSync(r.spu) && r.loss == api.LossNone && c.stands(p, c.sound(p)) && !p.topic.val.Deleting {
			due[p] = struct{}{}
		}
	}
	for i, p := range sortedPartitions(due) {
		if i == c.balance.PerSecond {
			return
		}
		c.elect(p, p.val.Replicas[0], c.sound(p))
		c.counters.rebalanced.Add(1)
	}
}

// steady reports whether a replica could lead and its SPU is here to stay.
func (c *controller) steady(r *replica) bool {
	return c.ready(r) && time.Since(c.byID[r.spu].since) >= c.balance.After
}
