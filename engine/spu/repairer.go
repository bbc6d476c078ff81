package spu

import (
	"errors"
	"path/filepath"
	"time"

	"github.com/fluvio-go/fluvio/engine/log"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// repairer applies retention to every log, and brings back replicas that
// could not be opened or had no space. It wakes up once per Clean interval,
// and more often only while a replica is in trouble.
type repairer struct {
	srv  *Server
	wake chan struct{} // capacity 1
}

func newRepairer(s *Server) *repairer { return &repairer{srv: s, wake: make(chan struct{}, 1)} }

// kick says that a replica got into trouble.
func (r *repairer) kick() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// run is the repairer's goroutine.
func (r *repairer) run() {
	interval := func() time.Duration {
		d := r.srv.cfg.Clean
		return d - d/20 + r.srv.jitter.below(d/10)
	}
	clean := time.NewTimer(interval())
	defer clean.Stop()
	repair := time.NewTimer(0)
	repair.Stop()
	defer repair.Stop()
	for {
		select {
		case <-clean.C:
			r.clean()
			clean.Reset(interval())
		case <-r.wake:
			repair.Reset(r.srv.cfg.Retry)
		case <-repair.C:
			if r.repair() {
				repair.Reset(r.srv.cfg.Retry)
			}
		case <-r.srv.ctx.Done():
			return
		}
	}
}

// clean applies retention.
func (r *repairer) clean() {
	for _, p := range r.srv.replicas.all() {
		if r.srv.ctx.Err() != nil {
			return
		}
		l := p.open()
		if l == nil {
			continue
		}
		removed, err := l.Clean()
		if err != nil && !errors.Is(err, log.ErrClosed) {
			r.srv.logger.Error("retention", logErr(err), logPartition(p.key))
		}
		if removed > 0 {
			p.noteOffsets()
		}
	}
}

// repair tries the replicas whose pause is over. It reports whether any is
// still in trouble.
func (r *repairer) repair() (more bool) {
	now := time.Now()
	for _, p := range r.srv.replicas.all() {
		if r.srv.ctx.Err() != nil {
			return false
		}
		state := p.health.state()
		if state == api.ReplicaServing || state == opening {
			continue
		}
		if p.health.due(now, r.srv.cfg.Retry, r.srv.cfg.RetryMax) {
			r.repairOne(p, state)
		}
		more = more || p.health.state() != api.ReplicaServing
	}
	return more
}

func (r *repairer) repairOne(p *partition, state api.ReplicaState) {
	s := r.srv
	if state == api.ReplicaOutOfStorage {
		// Producers avoid such a partition, so no append is going to find out.
		if s.hasSpace(p.dir) {
			p.setHealth(api.ReplicaServing, nil)
		}
		return
	}
	if l := p.open(); l != nil {
		// An append or a sync went wrong. A replica that must not act in this
		// term waits for the next one.
		if p.barred.Load() == notBarred && s.hasSpace(p.dir) && l.Flush() == nil && p.settleLossAgain() == nil {
			p.setHealth(api.ReplicaServing, nil)
			p.synced(l)
		}
		return
	}
	s.replicas.applyMu.Lock()
	defer s.replicas.applyMu.Unlock()
	if p.hosted() && p.open() == nil {
		s.openReplica(p)
	}
}

// spaceProbe is how much must fit before a full replica counts as usable
// again: more than a few batches, or it would be full again at once.
const spaceProbe = 1 << 20

// hasSpace tries to write to the device of dir.
func (s *Server) hasSpace(dir string) bool {
	name := filepath.Join(dir, "space.tmp") // a name that recovery removes
	f, err := s.cfg.FS.Create(name)
	if err != nil {
		return false
	}
	_, err = f.WriteAt(make([]byte, spaceProbe), 0)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close(), s.cfg.FS.Remove(name)) == nil
}
