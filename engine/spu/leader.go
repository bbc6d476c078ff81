package spu

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/fluvio-go/fluvio/engine/log"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// This file is the partition as a leader with followers.

// intact is the value of partition.lostAt while nothing is lost.
const intact = math.MaxInt64

// leads reports whether this SPU may act as the leader now. p.role is held.
func (p *partition) leads() bool {
	return p.leading && (p.alone || p.lostAt.Load() == intact && p.srv.lease.held())
}

// term is the time during which a replica leads without a break.
type term struct {
	// start is where the log ended when the leader epoch began. Everything
	// that earlier leaders committed is before it, though our high watermark
	// may not know yet.
	start int64
	over  chan struct{} // closed at the end
}

// lead begins a term. p.role is held.
func (p *partition) lead() {
	end, hw := p.log.EndOffset(), p.log.HighWatermark()
	p.term = &term{over: make(chan struct{})}
	p.leo.reset(end)
	p.hw.reset(hw)
	p.durable.open(p.term, p.log.DurableOffset())
	p.commits.open(p.term, hw)
	if p.alone {
		return
	}
	p.stint.Add(1)
	p.leo.rouse() // followers that wait, see session.tell
	p.progressMu.Lock()
	p.progress.lead(&p.assigned, end, hw, time.Now())
	p.term.start = p.progress.termStart
	p.keepLog()
	p.progressMu.Unlock()
	if p.log.Config().Durability == log.Always {
		p.durable.want(end, p.log.DurableOffset()) // or it would wait for the next append
	}
	p.advanceHW()
}

// mustCommit reports whether an append is acknowledged only when it is
// committed. p.role is held.
func (p *partition) mustCommit(iso api.Isolation) bool {
	return iso == api.ReadCommitted || p.assigned.Config.Durability.Commits(len(p.assigned.Replicas))
}

// keepLog makes the log as durable as the topic asks for in the present role.
// Under "auto" that is more for a leader whose records nobody else has to
// have: what it acknowledges must be on its disk. From the moment at which the
// SC may have stored such a set, the high watermark follows the disk, and what
// was appended before goes there too. p.role and p.progressMu are held.
func (p *partition) keepLog() {
	a := &p.assigned
	want := logDurability(a)
	if p.leading && !p.alone && a.Config.Durability == api.DurabilityAuto && p.progress.solitary() {
		want = log.Always
	}
	c := p.log.Config()
	if c.Durability == want {
		return
	}
	c.Durability = want
	if err := p.log.Reconfigure(c); err != nil {
		p.srv.logger.Error("durability", logErr(err), logPartition(p.key)) // cannot be: the rest is in force already
		return
	}
	if want == log.Always && p.leading {
		p.durable.want(p.log.EndOffset(), p.log.DurableOffset())
	}
	p.noteOffsets() // the flusher may have dropped it under another mode
}

// ownEnd is up to where our own log counts for the high watermark.
func (p *partition) ownEnd() int64 {
	if p.log.Config().Durability == log.Always {
		return p.log.DurableOffset()
	}
	return p.log.EndOffset()
}

// advanceHW moves the high watermark to where the followers allow it. p.role
// is held, and the partition is led with followers.
func (p *partition) advanceHW() {
	p.progressMu.Lock()
	hw := p.progress.watermark(p.ownEnd())
	p.progressMu.Unlock()
	if hw > p.hw.end.Load() {
		p.raiseHW(hw)
	}
}

// confirmISR follows a change of the in-sync set within a term. p.role is held.
func (p *partition) confirmISR() {
	p.progressMu.Lock()
	p.progress.confirm(&p.assigned)
	p.keepLog()
	changes := p.progress.asks(p.leo.end.Load(), time.Now())
	p.progressMu.Unlock()
	p.advanceHW()
	if changes {
		// A follower that the SC took out may have been at the end all along,
		// and has nothing more to say.
		p.srv.isr.kick()
	}
}

// shortage is why ReadCommitted produce to a partition has to be refused, or
// nil.
func shortage(a *api.ReplicaAssignment) *api.ErrorCode {
	need := max(int(a.Config.MinInSync), 1)
	if len(a.ISR) >= need {
		return nil
	}
	code := api.NotEnoughInSync(len(a.ISR), need)
	return &code
}

// commitOutcome is what a producer is told about records that the high
// watermark has passed. It may have passed them because too many replicas
// dropped out, which concerns those who asked for a commit.
func (p *partition) commitOutcome(t *ticket, _ log.Appended) api.ErrorCode {
	if short := p.short.Load(); short != nil && t.iso == api.ReadCommitted {
		return *short
	}
	return api.ErrorCode{}
}

// reconsider ends leadership when the lease runs out, and begins it again with
// the next one unless the SC has decided otherwise meanwhile.
func (p *partition) reconsider() {
	p.role.Lock()
	defer p.role.Unlock()
	if p.log != nil && !p.gone && len(p.assigned.Replicas) > 1 {
		p.takeRole(false)
	}
}

// lost notes that our log lost records from offset at on, which followers may
// have. Nothing may be appended in their place in this leader epoch, so
// leadership ends. p.role is held for reading.
func (p *partition) lost(at int64) {
	for {
		before := p.lostAt.Load()
		if at >= before {
			return
		}
		if !p.lostAt.CompareAndSwap(before, at) {
			continue
		}
		if before == intact {
			p.srv.tasks.Go(p.stepDown)
		}
		return
	}
}

// stepDown ends a leadership that lost records.
func (p *partition) stepDown() {
	p.role.Lock()
	defer p.role.Unlock()
	at := p.lostAt.Load()
	if at == intact || p.gone {
		return // a new term was quicker
	}
	p.abdicate(api.ErrorCode{ID: api.NotLeaderForPartition})
	p.barred.Store(p.assigned.LeaderEpoch)
	p.cutLost()
	p.setHealth(api.ReplicaFailed, fmt.Errorf("records from offset %d on were lost by a sync that went wrong; another replica has to lead", at))
}

// cutLost removes what was appended in place of lost records before anybody
// noticed. None of it was acknowledged. If that cannot be done now the replica
// neither leads nor follows until it is, in a later term. p.role is held.
func (p *partition) cutLost() {
	at := p.lostAt.Swap(intact)
	if at >= p.log.EndOffset() {
		return
	}
	if err := p.log.TruncateTo(at); err != nil {
		p.lostAt.Store(at)
		p.noteDiskError("step down", err)
	}
	p.moved(p.log)
}

// fetchStatus checks whether a follower may fetch here. The log is nil unless
// it may.
func (p *partition) fetchStatus(peer, epoch int32) (*log.Log, int32, api.ReplicaFetchStatus) {
	p.role.RLock()
	defer p.role.RUnlock()
	mine := p.assigned.LeaderEpoch
	switch {
	case epoch < mine:
		return nil, mine, api.FetchFenced
	case epoch > mine, !p.leads(), !slices.Contains(p.assigned.Replicas, peer):
		return nil, mine, api.FetchUnknown
	}
	return p.log, mine, api.FetchOK
}

// compare tells whether a follower's log is a prefix of ours, and if not where
// it should be cut.
func compare(l *log.Log, end int64, st *api.ReplicaFetchState, res *api.ReplicaFetchResult) api.ReplicaFetchStatus {
	res.StartOffset = l.StartOffset()
	if st.FetchOffset < res.StartOffset {
		return api.FetchBelowStart
	}
	if st.LastEpoch < 0 {
		if st.FetchOffset > end {
			res.DivergeEpoch, res.DivergeOffset = -1, end
			return api.FetchDiverged
		}
		return api.FetchOK
	}
	epoch, epochEnd := l.EpochEnd(st.LastEpoch)
	if epochEnd = min(epochEnd, end); epoch < st.LastEpoch || epochEnd < st.FetchOffset {
		res.DivergeEpoch, res.DivergeOffset = epoch, epochEnd
		return api.FetchDiverged
	}
	return api.FetchOK
}

// followed takes what a follower says about its log, which replaces whatever
// was known, and may move the high watermark.
func (p *partition) followed(peer int32, boot uint64, st *api.ReplicaFetchState) {
	p.role.RLock()
	defer p.role.RUnlock()
	if p.assigned.LeaderEpoch != st.LeaderEpoch || p.alone || !p.leads() {
		return
	}
	var res api.ReplicaFetchResult
	end := p.leo.end.Load()
	ok := compare(p.log, end, st, &res) == api.FetchOK
	now := time.Now()
	p.progressMu.Lock()
	if ok {
		p.progress.fetched(peer, boot, st.FetchOffset, end, now)
	} else {
		p.progress.diverged(peer)
	}
	changes := p.progress.asks(end, now)
	p.progressMu.Unlock()
	if ok {
		p.advanceHW()
	}
	if changes {
		p.srv.isr.kick()
	}
}

// records fills res with what a follower at st gets, of at most limit bytes
// but one whole batch. buf is where the records go. False means that the
// partition is not led any more as it was before.
func (p *partition) records(peer int32, st *api.ReplicaFetchState, limit int, buf []byte, res *api.ReplicaFetchResult) []byte {
	res.ReplicaRef = p.ref
	l, epoch, status := p.fetchStatus(peer, st.LeaderEpoch)
	res.LeaderEpoch, res.Status = epoch, status
	if l == nil {
		return buf
	}
	// What is published, not what is in the log: records that an append is
	// about to report might still be taken back.
	end := p.leo.end.Load()
	res.HW = p.hw.end.Load()
	if res.Status = compare(l, end, st, res); res.Status != api.FetchOK || st.FetchOffset >= end {
		return buf
	}
	at := len(buf)
	buf, err := p.readFor(l, st.FetchOffset, limit, end, buf, res)
	if err != nil {
		p.noteReadError(err)
		res.Status = api.FetchFailed
		return buf
	}
	// Had leadership ended while we read, the bytes might be those of another
	// leader.
	if again, now, _ := p.fetchStatus(peer, st.LeaderEpoch); again != l || now != epoch {
		res.Status = api.FetchUnknown
		return buf[:at]
	}
	res.Records.Bytes = buf[at:len(buf):len(buf)]
	return buf
}

func (p *partition) readFor(l *log.Log, offset int64, limit int, end int64, buf []byte, res *api.ReplicaFetchResult) ([]byte, error) {
	slice, err := l.Read(offset, limit, end)
	if err != nil {
		return buf, err
	}
	defer slice.Release()
	if slice.StartOffset() < offset {
		// The follower's log ends inside one of our batches.
		res.Status = api.FetchDiverged
		res.DivergeEpoch, res.DivergeOffset = -1, slice.StartOffset()
		return buf, nil
	}
	return slice.Bytes(buf)
}
