package spu

import (
	"math"
	"slices"

	"github.com/fluvio-go/fluvio/engine/log"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// This file is about replicas that lost what others may count on. The SC is
// told until it is known to count on nothing of it any more; see
// api.ReplicaReport.

// noDoubt is the value of partition.doubt while nothing can be missing at the
// end. It is above every leader epoch.
const noDoubt = math.MaxInt32

// counted reports whether an assignment counts on what the replica had.
func (s *Server) counted(a *api.ReplicaAssignment) bool {
	return a.PartitionEpoch > 1 && slices.Contains(a.ISR, s.cfg.ID)
}

// doubtful reports whether a replica that is opened may lack the end of its
// log: the SPU was not stopped in order, and records count before they are on
// the device.
func (s *Server) doubtful(a *api.ReplicaAssignment) bool {
	return !s.clean && s.counted(a) && len(a.Replicas) > 1 && s.logConfig(a).Durability != log.Always
}

// settleLoss forgets what was lost when the SC counts on none of it: the
// replica is not in sync, or leads by an election that knew. Damage stays until
// it is repaired. p.role is held.
func (p *partition) settleLoss() error {
	a := &p.assigned
	inSync := slices.Contains(a.ISR, p.srv.cfg.ID)
	settled := func(since int32) bool { return !inSync || a.Leader == p.srv.cfg.ID && a.LeaderEpoch > since }
	if p.doubt != noDoubt && settled(p.doubt) {
		p.doubt = noDoubt
	}
	if x := p.log.Loss(); x.Kind == log.NoLoss || !settled(x.Epoch) {
		return nil
	}
	return p.log.AcceptEnd()
}

// settleLossAgain does so for the repairer, after it did not work.
func (p *partition) settleLossAgain() error {
	p.role.Lock()
	defer p.role.Unlock()
	if p.log == nil || p.gone {
		return nil
	}
	return p.settleLoss()
}

// certain reports whether nothing that the replica may lack is counted on.
func (p *partition) certain() bool {
	p.role.RLock()
	defer p.role.RUnlock()
	return p.log != nil && p.doubt == noDoubt
}

// lossReport is what the SC is told. p.role is held.
func (p *partition) lossReport() (api.ReplicaLoss, string) {
	switch x := p.log.Loss(); x.Kind {
	case log.LossDamage:
		return api.LossDamage, x.Reason
	case log.LossTail:
		return api.LossTail, x.Reason
	case log.LossAll:
		return api.LossAll, x.Reason
	}
	if p.doubt != noDoubt {
		return api.LossPossible, "its last stop was not in order"
	}
	return api.LossNone, ""
}

// refetches reports whether records that cannot be read are to be replaced by
// those of the leader: as soon as the SC does not count on this replica.
// p.role is held.
func (p *partition) refetches() bool {
	return p.log.Loss().Kind == log.LossDamage && !slices.Contains(p.assigned.ISR, p.srv.cfg.ID)
}

// refetch gives up the log from the first record on that cannot be read, after
// the leader has said that it has all that is here. p.role is held.
func (p *partition) refetch() (verdict, error) {
	l, end := p.log, p.log.EndOffset()
	if bad := l.Loss().Damage; bad.To > l.StartOffset() { // else it has expired
		if err := l.TruncateTo(max(bad.From, l.StartOffset())); err != nil {
			p.setHealth(api.ReplicaFailed, err)
			return pause, err
		}
	}
	if err := l.ClearLoss(); err != nil {
		p.setHealth(api.ReplicaFailed, err)
		return pause, err
	}
	p.events().truncated(p.key, end, l.EndOffset())
	p.moved(l)
	p.srv.reports.state(p)
	return ask, nil
}
