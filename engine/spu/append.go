package spu

import (
	"errors"

	"github.com/fluvio-go/fluvio/engine/log"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/record"
)

// append writes the batches of one entry. If the answer has to wait, the queue
// tells where; nil means that the records may be acknowledged now.
func (p *partition) append(batches []byte, iso api.Isolation) (log.Appended, *ticketQueue, api.ErrorCode) {
	p.role.RLock()
	defer p.role.RUnlock()
	if !p.leading {
		return log.Appended{}, nil, api.ErrorCode{ID: api.NotLeaderForPartition}
	}
	if !codecAllowed(p.assigned.Spec.Compression, batches) {
		return log.Appended{}, nil, api.ErrorCode{ID: api.CompressionError}
	}
	if p.assigned.Spec.Deduplication != nil {
		// Its filter is a SmartModule, and storing duplicates instead would
		// break what the topic promises.
		return log.Appended{}, nil, api.ErrorCode{ID: api.DeduplicationSmartModuleNotLoaded}
	}
	a, err := p.log.Append(batches, p.assigned.LeaderEpoch)
	if err != nil {
		p.noteAppendError(err)
		return a, nil, appendCode(p.key, err)
	}
	p.noteProgress()
	p.leo.advance(a.End)
	p.events().produced(p.key, len(batches), a.Base, a.End)
	switch synced := p.log.Config().Durability == log.Always; {
	case synced && (p.alone || iso == api.ReadUncommitted):
		return a, &p.durable, api.ErrorCode{}
	case p.alone:
		p.raiseHW(a.End)
	case iso == api.ReadCommitted:
		return a, &p.commits, api.ErrorCode{}
	}
	return a, nil, api.ErrorCode{}
}

// raiseHW moves the high watermark and wakes who waits for it. p.role is held.
func (p *partition) raiseHW(hw int64) {
	p.log.SetHighWatermark(hw)
	p.hw.advance(hw)
	p.commits.advance(hw)
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
				p.srv.logger.Error("sync", logErr(err), logPartition(p.key))
			}
			// Which of them are lost is for the log to say, one by one.
			p.durable.drain(p.durable.outcome)
			p.rewind(l)
			continue
		}
		p.committed(l, max(end, l.DurableOffset()))
	}
}

// committed follows the durable end.
func (p *partition) committed(l *log.Log, end int64) {
	p.role.RLock()
	if p.alone && p.leading && p.log == l {
		p.raiseHW(end)
	}
	p.role.RUnlock()
	p.noteProgress()
	p.durable.advance(end)
}

// rewind follows a log that lost its tail.
func (p *partition) rewind(l *log.Log) {
	p.leo.reset(l.EndOffset())
	p.hw.reset(l.HighWatermark())
}

// noteProgress schedules the work that follows an append: a report to the SC
// and, in time, files to be brought up to date.
func (p *partition) noteProgress() {
	if !p.unsynced.Load() && p.unsynced.CompareAndSwap(false, true) {
		p.srv.flusher.add(p)
	}
	if !p.reported.Load() && p.reported.CompareAndSwap(false, true) {
		p.srv.reports.offsets(p)
	}
	if p.health.state() == api.ReplicaOutOfStorage {
		p.setHealth(api.ReplicaServing, nil)
	}
}

func (p *partition) noteAppendError(err error) {
	switch {
	case errors.Is(err, log.ErrFull):
		p.setHealth(api.ReplicaOutOfStorage, err)
	case errors.Is(err, record.ErrCorrupt), errors.Is(err, log.ErrTooLarge), errors.Is(err, log.ErrClosed):
		// The client's doing, and it is told.
	default:
		p.srv.logger.Error("append", logErr(err), logPartition(p.key))
	}
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
