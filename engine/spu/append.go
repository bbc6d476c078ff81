package spu

import (
	"errors"

	"github.com/fluvio-go/fluvio/engine/log"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/record"
)

// awaits says what has to happen before an append may be acknowledged.
type awaits struct {
	disk   bool  // the records survive a power loss here
	commit bool  // the high watermark passes them
	term   *term // in which both have to happen
}

// append writes the batches of one entry.
func (p *partition) append(batches []byte, iso api.Isolation) (log.Appended, awaits, api.ErrorCode) {
	p.role.RLock()
	a, on, code := p.appendLeading(batches, iso)
	p.role.RUnlock()
	return a, on, code
}

// appendLeading is append with p.role held for reading.
func (p *partition) appendLeading(batches []byte, iso api.Isolation) (a log.Appended, on awaits, code api.ErrorCode) {
	if code := p.appendable(batches, iso); code.ID != api.OK {
		return a, on, code
	}
	published := p.leo.end.Load()
	a, err := p.log.Append(batches, p.assigned.LeaderEpoch)
	if err != nil {
		p.noteAppendError(err)
		return a, on, appendCode(p.key, err)
	}
	if !p.alone && (a.Base < published || p.lostAt.Load() != intact) {
		// Followers may have other records at these offsets, of this epoch,
		// which no comparison of epochs would find out.
		p.lost(a.Base)
		return a, on, api.ErrorCode{ID: api.NotLeaderForPartition}
	}
	p.noteAppended()
	p.leo.advance(a.End)
	p.events().produced(p.key, len(batches), a.Base, a.End)
	// After the append: keepLog has what was appended before it changes the
	// mode synced, and this sees the mode of what comes later.
	synced := p.log.Config().Durability == log.Always
	switch {
	case !p.alone:
		p.advanceHW() // at once, if nobody else is in sync
		on = awaits{disk: synced, commit: p.mustCommit(iso), term: p.term}
	case synced:
		on.disk, on.term = true, p.term
	default:
		p.raiseHW(a.End)
	}
	return a, on, api.ErrorCode{}
}

// appendable checks everything that the log does not. p.role is held.
func (p *partition) appendable(batches []byte, iso api.Isolation) api.ErrorCode {
	switch {
	case !p.leads():
		return api.ErrorCode{ID: api.NotLeaderForPartition}
	case !codecAllowed(p.assigned.Spec.Compression, batches):
		return api.ErrorCode{ID: api.CompressionError}
	case p.assigned.Spec.Deduplication != nil:
		// Its filter is a SmartModule, and storing duplicates instead would
		// break what the topic promises.
		return api.ErrorCode{ID: api.DeduplicationSmartModuleNotLoaded}
	}
	if short := p.short.Load(); short != nil && iso == api.ReadCommitted {
		return *short
	}
	return api.ErrorCode{}
}

// raiseHW moves the high watermark and wakes who waits for it. p.role is held.
func (p *partition) raiseHW(hw int64) {
	p.log.SetHighWatermark(hw)
	p.hw.advance(hw)
	p.commits.advance(hw)
	p.noteOffsets()
}

// commitLoop makes appended records durable until nobody waits for that. One
// sync serves everyone who came while the one before was running.
func (p *partition) commitLoop() {
	for {
		end, ok := p.durable.target()
		if !ok {
			return
		}
		l := p.open()
		if l == nil {
			p.durable.drain(always(api.ErrorCode{ID: api.NotLeaderForPartition}))
			continue
		}
		if err := l.WaitDurable(p.srv.ctx, end); err != nil {
			if !errors.Is(err, log.ErrClosed) && p.srv.ctx.Err() == nil {
				p.noteDiskError("sync", err)
			}
			// Which of them are lost is for the log to say, one by one.
			p.durable.drain(p.durable.outcome)
			p.rewind(l)
			p.synced(l) // what it has saved counts
			continue
		}
		p.committed(l, max(end, l.DurableOffset()))
	}
}

// committed follows the durable end.
func (p *partition) committed(l *log.Log, end int64) {
	p.role.RLock()
	switch {
	case !p.leading || p.log != l:
	case p.alone:
		p.raiseHW(end)
	default:
		p.advanceHW()
		if p.heldISR.Swap(false) {
			p.srv.isr.kick()
		}
	}
	p.role.RUnlock()
	p.durable.advance(end)
}

// synced follows a sync that may have made records durable without anybody
// waiting for just that.
func (p *partition) synced(l *log.Log) {
	if l.Config().Durability == log.Always {
		p.committed(l, l.DurableOffset())
	}
}

// rewind follows a log that may have lost its tail.
func (p *partition) rewind(l *log.Log) {
	p.role.RLock()
	defer p.role.RUnlock()
	end := l.EndOffset()
	if end >= p.leo.end.Load() || p.log != l {
		return
	}
	if p.leading && !p.alone {
		p.lost(end)
	}
	p.leo.reset(l.EndOffset())
	p.hw.reset(l.HighWatermark())
}

// noteAppended follows an append that worked.
func (p *partition) noteAppended() {
	if p.health.state() == api.ReplicaOutOfStorage {
		p.setHealth(api.ReplicaServing, nil)
	}
	p.noteOffsets()
}

// noteOffsets schedules the work that follows when offsets move: a report to
// the SC and, in time, files to be brought up to date. It comes after they
// moved, each time: a report that is being made meanwhile may have read the
// old ones.
func (p *partition) noteOffsets() {
	if !p.unsynced.Load() && p.unsynced.CompareAndSwap(false, true) {
		p.srv.flusher.add(p)
	}
	if !p.reported.Load() && p.reported.CompareAndSwap(false, true) {
		p.srv.reports.offsets(p)
	}
}

func (p *partition) noteAppendError(err error) {
	switch {
	case errors.Is(err, log.ErrFull):
		p.setHealth(api.ReplicaOutOfStorage, err)
	case errors.Is(err, record.ErrCorrupt), errors.Is(err, log.ErrTooLarge), errors.Is(err, log.ErrClosed):
		// The client's doing, and it is told.
	default:
		p.noteDiskError("append", err)
	}
}

// noteDiskError follows a write or a sync that went wrong. Where others can do
// the work the SC is told; the repairer finds out when the disk is well again.
// A replica that has nobody beside it goes on trying with each request.
func (p *partition) noteDiskError(what string, err error) {
	p.srv.logger.Error(what, logErr(err), logPartition(p.key))
	if !p.shared.Load() {
		return
	}
	state := api.ReplicaFailed
	if errors.Is(err, log.ErrFull) && !errors.Is(err, log.ErrSync) {
		state = api.ReplicaOutOfStorage // a file beside the log; everything else works
	}
	p.setHealth(state, err)
}

func (p *partition) noteReadError(err error) {
	var evicted *log.OffsetEvicted
	var beyond *log.OffsetOutOfRange
	if !errors.As(err, &evicted) && !errors.As(err, &beyond) && !errors.Is(err, log.ErrClosed) {
		p.srv.logger.Error("read", logErr(err), logPartition(p.key))
	}
}

// codecAllowed applies the topic's compression rule to every batch. Codes
// that are not assigned are never allowed.
func codecAllowed(rule api.Compression, batches []byte) bool {
	want, fixed := rule.Codec()
	for len(batches) > 0 {
		b, rest, err := record.Next(batches)
		if err != nil {
			return true // the append says what is wrong
		}
		if c := b.Codec(); !c.Valid() || fixed && c != want {
			return false
		}
		batches = rest
	}
	return true
}
