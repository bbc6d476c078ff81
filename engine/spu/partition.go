package spu

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fluvio-go/fluvio/engine/log"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/record"
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
	role     sync.RWMutex
	assigned api.ReplicaAssignment
	log      *log.Log // nil until it could be opened
	leading  bool
	alone    bool // no other replica has to have a record before it is committed
	gone     bool // removed from this SPU, or the SPU stopped

	leo waitList // log end
	hw  waitList // high watermark

	// durable holds requests that wait for the disk, commits those that wait
	// for the high watermark.
	durable ticketQueue
	commits ticketQueue

	streamsMu sync.Mutex
	streams   map[*stream]struct{}

	health health

	reported atomic.Bool // on the reporter's list
	unsynced atomic.Bool // on the flusher's list
}

// errNotOpen says that the log of a replica is not open yet.
var errNotOpen = errors.New("replica is being opened")

func newPartition(srv *Server, a api.ReplicaAssignment) *partition {
	p := &partition{srv: srv, ref: a.ReplicaRef, key: a.Key, dir: srv.replicaDir(a.Key), assigned: a}
	p.durable.start = func() { srv.tasks.Go(p.commitLoop) }
	p.commits.outcome = always(api.ErrorCode{})
	p.health.set(api.ReplicaFailed, errNotOpen)
	notLeader := api.ErrorCode{ID: api.NotLeaderForPartition}
	p.durable.shut(notLeader)
	p.commits.shut(notLeader)
	return p
}

func (p *partition) events() *Events { return &p.srv.cfg.Events }

// adopt takes an open log and begins to act in the assigned role.
func (p *partition) adopt(l *log.Log) {
	p.role.Lock()
	defer p.role.Unlock()
	p.log = l
	p.durable.outcome = durable(l)
	p.leo.reset(l.EndOffset())
	p.hw.reset(l.HighWatermark())
	p.takeRole()
}

// reassign follows a change of assignment of the same replica.
func (p *partition) reassign(a api.ReplicaAssignment) error {
	p.role.Lock()
	defer p.role.Unlock()
	if a.LeaderEpoch < p.assigned.LeaderEpoch {
		return nil // a message that was overtaken
	}
	p.assigned = a
	if p.log == nil || p.gone {
		return nil
	}
	p.takeRole()
	return p.log.Reconfigure(p.srv.logConfig(&a))
}

// takeRole makes leading and alone follow the assignment. p.role is held.
func (p *partition) takeRole() {
	a := &p.assigned
	lead := a.Leader == p.srv.cfg.ID
	p.alone = !slices.ContainsFunc(a.ISR, func(id int32) bool { return id != p.srv.cfg.ID }) || len(a.Replicas) <= 1
	switch {
	case lead && !p.leading:
		p.durable.open(p.log.DurableOffset())
		p.commits.open(p.log.HighWatermark())
	case !lead && p.leading:
		p.abdicate(api.ErrorCode{ID: api.NotLeaderForPartition})
	}
	p.leading = lead
	if lead && p.alone {
		// Nobody else has to have the records, or not any more.
		end := p.log.EndOffset()
		if p.log.Config().Durability == log.Always {
			end = p.log.DurableOffset()
		}
		p.raiseHW(end)
	}
}

// abdicate ends everything that only a leader may do. p.role is held, so no
// append is under way.
func (p *partition) abdicate(code api.ErrorCode) {
	p.leading = false
	p.durable.shut(api.ErrorCode{ID: api.NotLeaderForPartition})
	p.commits.shut(api.ErrorCode{ID: api.NotLeaderForPartition})
	p.streamsMu.Lock()
	defer p.streamsMu.Unlock()
	for s := range p.streams {
		s.end(code)
	}
}

// retire ends the partition for good and returns its log, if it had one.
// Consumers are told code.
func (p *partition) retire(code api.ErrorCode) *log.Log {
	p.role.Lock()
	defer p.role.Unlock()
	p.gone = true
	p.abdicate(code)
	l := p.log
	p.log = nil
	return l
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
	if !p.leading {
		return nil
	}
	return p.log
}

// accepts reports whether producers may write here: OK if this SPU leads the
// partition and no mirror writes it.
func (p *partition) accepts() api.Code {
	p.role.RLock()
	defer p.role.RUnlock()
	if !p.leading {
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

// ends returns what a reader may see the end of.
func (p *partition) ends(iso api.Isolation) *waitList {
	if iso == api.ReadCommitted {
		return &p.hw
	}
	return &p.leo
}

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
			p.srv.logger.Error("sync of partition", logErr(err), logPartition(p.key))
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

// setHealth notes whether the replica works and tells the SC if that is news.
func (p *partition) setHealth(state api.ReplicaState, reason error) {
	if !p.health.set(state, reason) {
		return
	}
	p.events().state(p.ref, state, reason)
	level := p.srv.logger.Info
	if state != api.ReplicaServing {
		level = p.srv.logger.Warn
	}
	level("replica state", logPartition(p.key), logState(state), logErr(reason))
	p.srv.reports.state(p)
	if state != api.ReplicaServing {
		p.srv.repairs.kick()
	}
}

// report is what the SC is told.
func (p *partition) report() api.ReplicaReport {
	p.role.RLock()
	defer p.role.RUnlock()
	r := api.ReplicaReport{ReplicaRef: p.ref, LeaderEpoch: p.assigned.LeaderEpoch}
	r.State, r.Reason = p.health.get()
	if l := p.log; l != nil {
		r.StartOffset, r.HW, r.LEO, r.Size = l.StartOffset(), l.HighWatermark(), l.EndOffset(), l.Size()
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
		p.streams = make(map[*stream]struct{})
	}
	p.streams[s] = struct{}{}
	return true
}

func (p *partition) detach(s *stream) {
	p.streamsMu.Lock()
	defer p.streamsMu.Unlock()
	delete(p.streams, s)
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

// health is whether a replica works, and when to try again if not.
type health struct {
	current atomic.Uint32 // api.ReplicaState

	mu     sync.Mutex
	reason string
	pause  time.Duration
	next   time.Time
}

func (h *health) state() api.ReplicaState { return api.ReplicaState(h.current.Load()) }

func (h *health) get() (api.ReplicaState, string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.state(), h.reason
}

// set reports whether anything changed.
func (h *health) set(state api.ReplicaState, reason error) bool {
	text := ""
	if reason != nil {
		text = reason.Error()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.state() == state && h.reason == text {
		return false
	}
	h.current.Store(uint32(state))
	h.reason = text
	if state == api.ReplicaServing {
		h.pause, h.next = 0, time.Time{}
	}
	return true
}

// due reports whether it is time to try again, and if so schedules the time
// after that.
func (h *health) due(now time.Time, first, longest time.Duration) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now.Before(h.next) {
		return false
	}
	h.pause = min(max(2*h.pause, first), longest)
	h.next = now.Add(h.pause)
	return true
}
