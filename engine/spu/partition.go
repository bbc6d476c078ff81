package spu

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fluvio-go/fluvio/engine/log"
	"github.com/fluvio-go/fluvio/internal/lock"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// partition is one replica that this SPU hosts, from the moment it is assigned
// until it is removed, whether or not its log could be opened.
type partition struct {
	srv *Server
	ref api.ReplicaRef
	key api.ReplicaKey // ref.Key, for brevity
	dir string

	// role is held for reading while something is done on the strength of the
	// fields below, and for writing while they change.
	role     lock.RWMutex
	assigned api.ReplicaAssignment
	log      *log.Log // nil until it could be opened
	leading  bool
	term     *term // while leading
	alone    bool  // there is no other replica
	gone     bool  // removed from this SPU, or the SPU stopped
	// doubt is the leader epoch in which the log was opened after a stop that
	// may have cost the end of it, while the SC may count on that; or noDoubt.
	doubt int32
	// barred is a leader epoch in which, and before which, the replica must
	// not act, or notBarred.
	barred atomic.Int32

	progressMu sync.Mutex
	progress   progress // while leading with followers; guarded by progressMu

	stint   atomic.Uint64 // counts the times that leadership began or went on
	heldISR atomic.Bool   // a proposal waits for the disk

	// short is why ReadCommitted produce is refused while too few replicas
	// are in sync, else nil.
	short  atomic.Pointer[api.ErrorCode]
	shared atomic.Bool // not alone, for those who do not hold role
	// lostAt is the offset from which records that followers may have are
	// missing in the log of their leader, or intact.
	lostAt atomic.Int64

	leo waitList // log end
	hw  waitList // high watermark

	// durable holds requests that wait for the disk, commits those that wait
	// for the high watermark.
	durable ticketQueue
	commits ticketQueue

	streamsMu sync.Mutex
	streams   map[*stream]uint64 // which one it was of all that were attached
	attached  uint64

	health health

	reported atomic.Bool // on the reporter's list
	unsynced atomic.Bool // on the flusher's list
}

// notBarred is below every leader epoch, also that of upstream's batches.
const notBarred = math.MinInt32

func newPartition(srv *Server, a api.ReplicaAssignment) *partition {
	p := &partition{srv: srv, ref: a.ReplicaRef, key: a.Key, dir: srv.replicaDir(a.Key), assigned: a, doubt: noDoubt}
	p.barred.Store(notBarred)
	p.progress = progress{self: srv.cfg.ID, lag: srv.cfg.ReplicaLag, term: notBarred}
	p.lostAt.Store(intact)
	p.durable.start = func() { srv.tasks.Go(p.commitLoop) }
	p.commits.outcome = p.commitOutcome
	notLeader := api.ErrorCode{ID: api.NotLeaderForPartition}
	p.durable.shut(notLeader)
	p.commits.shut(notLeader)
	return p
}

func (p *partition) events() *Events { return &p.srv.cfg.Events }

// adopt takes an open log and begins to act in the assigned role. The error is
// about the disk.
func (p *partition) adopt(l *log.Log) error {
	p.role.Lock()
	defer p.role.Unlock()
	p.log = l
	p.durable.outcome = durable(l)
	if p.srv.doubtful(&p.assigned) {
		p.doubt = p.assigned.LeaderEpoch
	}
	err := p.settleLoss()
	p.takeRole(true)
	return err
}

// reassign follows a change of assignment of the same replica.
func (p *partition) reassign(a api.ReplicaAssignment) error {
	p.role.Lock()
	defer p.role.Unlock()
	old := &p.assigned
	if a.LeaderEpoch < old.LeaderEpoch || a.LeaderEpoch == old.LeaderEpoch && a.PartitionEpoch < old.PartitionEpoch {
		return nil // a message that was overtaken
	}
	newTerm := a.LeaderEpoch > old.LeaderEpoch
	p.assigned = a
	if p.log == nil || p.gone {
		return nil
	}
	p.log.SetEpoch(a.LeaderEpoch)
	if newTerm {
		p.cutLost()
	}
	c := p.srv.logConfig(&a)
	c.Durability = p.log.Config().Durability // which takeRole decides
	err := p.log.Reconfigure(c)
	if barred := p.barred.Load(); barred != notBarred && a.LeaderEpoch > barred {
		p.barred.Store(notBarred)
		p.setHealth(api.ReplicaServing, nil)
	}
	if err := p.settleLoss(); err != nil {
		p.setHealth(api.ReplicaFailed, err)
	}
	p.takeRole(newTerm)
	return err
}

// takeRole makes the partition act as assigned. p.role is held. newTerm says
// that the leader epoch has changed. Where there are followers that ends
// whatever went on before, even if the leader stays the same.
func (p *partition) takeRole(newTerm bool) {
	a := &p.assigned
	alone := len(a.Replicas) <= 1
	newTerm = newTerm && !alone || alone != p.alone
	p.alone = alone
	p.shared.Store(!p.alone)
	p.short.Store(shortage(a))
	lead := a.Leader == p.srv.cfg.ID && a.LeaderEpoch > p.barred.Load() && (p.alone || p.srv.lease.held() && !p.srv.resigned.Load())
	if p.leading && (!lead || newTerm) {
		p.abdicate(api.ErrorCode{ID: api.NotLeaderForPartition})
	}
	begin := lead && !p.leading
	p.leading = lead
	switch {
	case begin:
		p.lead()
	case lead && !p.alone:
		p.confirmISR()
	}
	if !lead || p.alone {
		p.progressMu.Lock()
		p.keepLog()
		p.progressMu.Unlock()
	}
	if lead && p.alone {
		// Nobody else has to have the records, or not any more.
		p.raiseHW(p.ownEnd())
	}
}

// abdicate ends everything that only a leader may do. p.role is held, so no
// append is under way.
func (p *partition) abdicate(code api.ErrorCode) {
	p.leading = false
	if p.term != nil {
		close(p.term.over)
		p.term = nil
	}
	p.durable.shut(api.ErrorCode{ID: api.NotLeaderForPartition})
	p.commits.shut(api.ErrorCode{ID: api.NotLeaderForPartition})
	p.streamsMu.Lock()
	defer p.streamsMu.Unlock()
	streams := slices.SortedFunc(maps.Keys(p.streams), func(a, b *stream) int { return cmp.Compare(p.streams[a], p.streams[b]) })
	for _, s := range streams {
		s.end(code)
	}
}

// retire ends the partition for good and returns its log, if it had one.
// Consumers are told code. settled is false if the next start has to know, as
// this one did, that the end of the log may be missing.
func (p *partition) retire(code api.ErrorCode) (l *log.Log, settled bool) {
	p.role.Lock()
	defer p.role.Unlock()
	p.gone = true
	p.abdicate(code)
	l = p.log
	p.log = nil
	return l, p.srv.clean || l != nil && p.doubt == noDoubt
}

// hosted reports whether the replica still belongs here.
func (p *partition) hosted() bool {
	p.role.RLock()
	defer p.role.RUnlock()
	return !p.gone
}

// open returns the log, or nil while there is none.
func (p *partition) open() *log.Log {
	p.role.RLock()
	defer p.role.RUnlock()
	return p.log
}

// leader returns the log if this SPU leads the partition, else nil.
func (p *partition) leader() *log.Log {
	p.role.RLock()
	defer p.role.RUnlock()
	if !p.leads() {
		return nil
	}
	return p.log
}

// accepts reports whether producers may write here: OK if this SPU leads the
// partition and no mirror writes it.
func (p *partition) accepts() api.Code {
	p.role.RLock()
	defer p.role.RUnlock()
	if !p.leads() {
		return api.NotLeaderForPartition
	}
	switch m := p.assigned.Spec.Mirror; {
	case m == nil:
	case m.Side == api.MirrorHome && !m.Home.Source:
		return api.MirrorProduceFromHome
	case m.Side == api.MirrorRemote && m.Target:
		return api.MirrorProduceFromRemoteNotAllowed
	}
	return api.OK
}

// ends returns what a reader may see the end of. Where producers are told of a
// record only when it is committed, readers are as well, whatever they asked
// for: official clients ask for uncommitted records unless told otherwise, go
// on after the last one that they saw, and would miss what took the place of
// one that was lost with its leader.
func (p *partition) ends(iso api.Isolation) *waitList {
	p.role.RLock()
	defer p.role.RUnlock()
	if p.mustCommit(iso) {
		return &p.hw
	}
	return &p.leo
}

// report is what the SC is told.
func (p *partition) report() api.ReplicaReport {
	p.role.RLock()
	defer p.role.RUnlock()
	r := api.ReplicaReport{ReplicaRef: p.ref, LeaderEpoch: p.assigned.LeaderEpoch}
	r.State, r.Reason = p.health.get()
	if l := p.log; l != nil {
		r.StartOffset, r.HW, r.LEO, r.Size = l.StartOffset(), l.HighWatermark(), l.EndOffset(), l.Size()
		r.Loss, r.LossReason = p.lossReport()
	}
	return r
}

// attach makes s end with the partition. It reports false if this SPU does not
// lead the partition now.
func (p *partition) attach(s *stream) bool {
	p.role.RLock()
	defer p.role.RUnlock()
	if !p.leading {
		return false
	}
	p.streamsMu.Lock()
	defer p.streamsMu.Unlock()
	if p.streams == nil {
		p.streams = make(map[*stream]uint64)
	}
	p.attached++
	p.streams[s] = p.attached
	return true
}

func (p *partition) detach(s *stream) {
	p.streamsMu.Lock()
	defer p.streamsMu.Unlock()
	delete(p.streams, s)
}
