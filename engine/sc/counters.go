package sc

import "sync/atomic"

// Counters say how often something happened since the controller started.
type Counters struct {
	Elections        uint64 // of in-sync replicas, because a leader was lost
	UncleanElections uint64 // of other replicas, at the price of records
	Rebalanced       uint64 // leaderships given back to the preferred replica
	ISRChanges       uint64 // asked for by leaders
	ISRRemovals      uint64 // of replicas whose SPUs are gone, without being asked
}

type counters struct {
	elections, unclean, rebalanced, isrChanges, removals atomic.Uint64
}

// Counters returns the figures of this moment.
func (s *SC) Counters() Counters {
	c := &s.ctl.counters
	return Counters{
		Elections: c.elections.Load(), UncleanElections: c.unclean.Load(),
		Rebalanced: c.rebalanced.Load(), ISRChanges: c.isrChanges.Load(), ISRRemovals: c.removals.Load(),
	}
}
