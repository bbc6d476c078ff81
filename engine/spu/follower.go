package spu

import (
	"errors"
	"fmt"

	"github.com/fluvio-go/fluvio/engine/log"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/record"
)

// This file is the partition as a follower. All of it is called by the one
// fetcher of the partition's leader.

// verdict is what the fetcher does about a partition after a result.
type verdict uint8

const (
	goOn   verdict = iota // wait for more
	ask                   // tell the leader where we stand now
	pause                 // the same, after a pause
	ignore                // the result was not for us as we are now
)

// followState is what the leader is told about us. False means that there is
// nothing to follow at this leader.
func (p *partition) followState(leader int32) (api.ReplicaFetchState, bool) {
	p.role.RLock()
	defer p.role.RUnlock()
	a := &p.assigned
	if p.log == nil || p.gone || !p.follows() || a.Leader != leader {
		return api.ReplicaFetchState{}, false
	}
	st := api.ReplicaFetchState{
		ReplicaRef: p.ref, LeaderEpoch: a.LeaderEpoch,
		FetchOffset: p.log.EndOffset(), StartOffset: p.log.StartOffset(), HW: p.log.HighWatermark(),
	}
	st.LastEpoch = lastEpoch(p.log)
	if p.refetches() {
		st.HW = noHW
	}
	return st, true
}

// noHW asks the leader to answer even if it has nothing new.
const noHW = -1

// lastEpoch is the leader epoch of the last batch, −1 for an empty log. The
// log notes an epoch before its first batch, so after a crash, or an append
// that did not work, it may know one that has none.
func lastEpoch(l *log.Log) int32 {
	end := l.EndOffset()
	if l.StartOffset() == end {
		return -1
	}
	epoch, start := l.LatestEpoch()
	if start >= end {
		epoch, _ = l.EpochEnd(epoch - 1)
	}
	return epoch
}

// follows reports whether this SPU should fetch the partition. p.role is held.
func (p *partition) follows() bool {
	a := &p.assigned
	return a.Leader >= 0 && a.Leader != p.srv.cfg.ID && a.LeaderEpoch > p.barred.Load() && p.lostAt.Load() == intact
}

// replicate does what the leader's answer calls for. A result of another
// leader or another epoch than the assigned one changes nothing.
func (p *partition) replicate(leader int32, r *api.ReplicaFetchResult) (verdict, error) {
	p.role.RLock()
	defer p.role.RUnlock()
	if p.log == nil || p.gone || !p.follows() || p.assigned.Leader != leader {
		return ignore, nil
	}
	switch r.Status {
	case api.FetchFenced, api.FetchUnknown, api.FetchFailed:
		return pause, nil
	}
	if r.LeaderEpoch != p.assigned.LeaderEpoch {
		return ignore, nil
	}
	switch r.Status {
	case api.FetchBelowStart:
		return p.startAt(r.StartOffset)
	case api.FetchDiverged:
		if p.refetches() && r.HW >= p.log.HighWatermark() {
			// It is the epochs of what we cannot read that we do not know; the
			// leader has all that was committed here.
			return p.refetch()
		}
		return p.cutTo(p.agreed(r), r.StartOffset)
	}
	if p.refetches() {
		return p.refetch()
	}
	return p.appendFetched(r)
}

// appendFetched appends what came and follows the high watermark. p.role is
// held, so that the append is over before the role can change.
func (p *partition) appendFetched(r *api.ReplicaFetchResult) (verdict, error) {
	next := goOn
	if batches := r.Records.Bytes; len(batches) > 0 {
		if newest(batches) > r.LeaderEpoch {
			return pause, fmt.Errorf("the leader of epoch %d sent records of a later one", r.LeaderEpoch)
		}
		a, err := p.log.AppendReplica(batches)
		if err != nil {
			return p.noteFollowError(err)
		}
		p.leo.advance(a.End)
		p.recovered()
		p.events().replicated(p.key, len(batches), a.End)
		next = ask
	}
	if hw := min(r.HW, p.log.EndOffset()); hw > p.log.HighWatermark() {
		p.log.SetHighWatermark(hw)
		p.hw.advance(hw)
	} else if next == goOn {
		return next, nil
	}
	p.noteOffsets()
	return next, nil
}

// newest is the highest leader epoch of any of the batches.
func newest(batches []byte) int32 {
	epoch := int32(-1)
	for len(batches) > 0 {
		b, rest, err := record.Next(batches)
		if err != nil {
			break // the append says what is wrong
		}
		epoch, batches = max(epoch, b.LeaderEpoch()), rest
	}
	return epoch
}

// persists reports whether records have to be durable here before the leader
// may count them.
func (p *partition) persists() bool {
	l := p.open()
	return l != nil && l.Config().Durability == log.Always
}

// persist makes what was appended durable.
func (p *partition) persist() error {
	l := p.open()
	if l == nil {
		return nil
	}
	err := l.WaitDurable(p.srv.ctx, l.EndOffset())
	if err != nil && !errors.Is(err, log.ErrClosed) && p.srv.ctx.Err() == nil {
		p.rewind(l)
		p.setHealth(api.ReplicaFailed, err)
	}
	return err
}

// recovered notes that an append worked after some did not.
func (p *partition) recovered() {
	if p.health.state() != api.ReplicaServing {
		p.setHealth(api.ReplicaServing, nil)
	}
}

// noteFollowError says what an append that went wrong means.
func (p *partition) noteFollowError(err error) (verdict, error) {
	var mismatch *log.OffsetMismatch
	switch {
	case errors.Is(err, log.ErrClosed):
		return ignore, nil
	case errors.As(err, &mismatch):
		return ask, nil // our tail was lost since we asked
	case errors.Is(err, log.ErrFull):
		p.setHealth(api.ReplicaOutOfStorage, err)
	case errors.Is(err, record.ErrCorrupt):
		// Damaged on the way, or at the leader; we are well.
	default:
		p.setHealth(api.ReplicaFailed, err)
	}
	return pause, err
}

// startAt begins the log anew where the leader's begins: what we would need
// first has expired there, and so has everything we have.
func (p *partition) startAt(offset int64) (verdict, error) {
	l := p.log
	if end := l.EndOffset(); end >= offset {
		return ask, nil // an answer to an earlier state
	}
	if err := l.TruncateAndStartAt(offset); err != nil {
		p.setHealth(api.ReplicaFailed, err)
		return pause, err
	}
	p.moved(l)
	return ask, nil
}

// agreed is the largest offset up to which both logs can be the same.
func (p *partition) agreed(r *api.ReplicaFetchResult) int64 {
	if r.DivergeEpoch < 0 {
		return r.DivergeOffset
	}
	_, end := p.log.EpochEnd(r.DivergeEpoch)
	return min(end, r.DivergeOffset)
}

// cutTo removes our records from offset on, which the leader does not have.
// Committed records are never removed: a leader without them is wrong, and
// somebody has to look at it.
func (p *partition) cutTo(offset, leaderStart int64) (verdict, error) {
	l := p.log
	empty := l.StartOffset() == l.EndOffset()
	if hw := l.HighWatermark(); offset < hw && !empty && !p.assigned.Config.UncleanElection {
		p.barred.Store(p.assigned.LeaderEpoch)
		err := fmt.Errorf("the leader's log differs from offset %d on, but records up to %d are committed here; they are kept and nothing is replicated until another leader is elected", offset, hw)
		p.setHealth(api.ReplicaFailed, err)
		return ignore, err
	}
	end := l.EndOffset()
	if offset >= end && !empty || empty && end == leaderStart {
		return pause, fmt.Errorf("the leader's log differs from offset %d on, ours ends at %d", offset, end)
	}
	var err error
	if empty || offset < l.StartOffset() {
		err = l.TruncateAndStartAt(leaderStart)
	} else {
		err = l.TruncateTo(offset)
	}
	if err != nil {
		p.setHealth(api.ReplicaFailed, err)
		return pause, err
	}
	p.events().truncated(p.key, end, l.EndOffset())
	p.moved(l)
	return ask, nil
}

// moved follows a log that was cut.
func (p *partition) moved(l *log.Log) {
	p.leo.reset(l.EndOffset())
	p.hw.reset(l.HighWatermark())
	p.noteOffsets()
}
