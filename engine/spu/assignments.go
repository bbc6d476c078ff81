package spu

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/fluvio-go/fluvio/engine/log"
	"github.com/fluvio-go/fluvio/internal/slogkey"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// apply does what the SC says. The caller has made sure that the SC is the one
// of our cluster.
func (s *Server) apply(a *api.Assignments) {
	s.replicas.applyMu.Lock()
	defer s.replicas.applyMu.Unlock()

	if a.Full || len(a.Spus) > 0 {
		s.followers.know(a.Spus)
	}
	s.each(len(a.Removed), func(i int) { s.remove(a.Removed[i]) })
	if a.Full {
		unlisted := s.unlisted(a.Replicas)
		s.each(len(unlisted), func(i int) { s.remove(unlisted[i]) })
	}
	var fresh []*partition
	for _, r := range a.Replicas {
		if p := s.assign(r); p != nil {
			fresh = append(fresh, p)
		}
	}
	// A log that cannot be opened is reported and tried again later; it does
	// not concern the others.
	s.each(len(fresh), func(i int) { s.openReplica(fresh[i]) })
	if a.Full {
		s.listed.Store(true)
	}
	s.noteRunning()
	s.cfg.Events.applied(a.Revision)
}

// assign follows one assignment. It returns a partition that has to be opened,
// if there is one.
func (s *Server) assign(a api.ReplicaAssignment) *partition {
	if p := s.replicas.get(a.Key); p != nil {
		if p.ref == a.ReplicaRef {
			if err := p.reassign(a); err != nil {
				s.logger.Warn("topic settings", logErr(err), logPartition(p.key))
			}
			s.followers.update(p)
			s.reports.state(p)
			return nil
		}
		// The topic was deleted and created again, and we heard of the new
		// one first.
		s.remove(p.ref)
	}
	p := newPartition(s, a)
	s.replicas.put(p)
	return p
}

// each calls do for 0 to n-1, several at a time, since most of what it is used
// for waits for the disk.
func (s *Server) each(n int, do func(i int)) {
	slots := make(chan struct{}, s.cfg.OpenParallel)
	var wg sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			do(i)
			<-slots
		})
	}
	wg.Wait()
}

// openReplica opens the log of p, which has none.
func (s *Server) openReplica(p *partition) {
	if s.ctx.Err() != nil {
		return
	}
	p.role.RLock()
	a := p.assigned
	p.role.RUnlock()
	start := time.Now()
	l, err := log.Open(p.dir, log.Options{
		FS:         s.cfg.FS,
		Logger:     s.logger,
		Now:        s.cfg.Now,
		TopicID:    a.TopicID,
		ClusterID:  s.identity.id(),
		Replicated: len(a.Replicas) > 1,
		Expected:   s.counted(&a),
		Epoch:      a.LeaderEpoch,
		Events:     &log.Events{Lost: func(log.Lost) { s.reports.state(p) }},
		Config:     s.logConfig(&a),
	})
	if err != nil {
		p.setHealth(api.ReplicaFailed, err)
		return
	}
	err = p.adopt(l)
	s.cfg.Events.opened(p.ref, time.Since(start))
	if err != nil {
		p.setHealth(api.ReplicaFailed, err)
	} else {
		p.setHealth(api.ReplicaServing, nil)
	}
	s.followers.update(p)
}

// logConfig translates topic settings; what the topic does not say is the
// default.
func (s *Server) logConfig(a *api.ReplicaAssignment) log.Config {
	c := log.DefaultConfig()
	c.MaxBatchBytes = s.cfg.MaxBatchBytes
	c.FlushInterval, c.FlushBytes = s.cfg.Flush, s.cfg.FlushBytes
	c.Durability = logDurability(a)
	if p := a.Spec.CleanupPolicy; p != nil {
		// In the log zero means for ever, in a topic it means at once.
		c.Retention = time.Duration(max(p.TimeInSeconds, 1)) * time.Second
		c.SegmentAge = 0 // follows the retention
	}
	if st := a.Spec.Storage; st != nil {
		if st.SegmentSize != nil {
			c.SegmentBytes = max(int64(*st.SegmentSize), log.MinSegmentBytes)
		}
		if st.MaxPartitionSize != nil {
			c.MaxBytes = max(int64(min(*st.MaxPartitionSize, 1<<62)), 1)
		}
	}
	return c
}

// logDurability is the mode of every log of a topic. A leader may keep its own
// better than that, see partition.keepLog.
func logDurability(a *api.ReplicaAssignment) log.Durability {
	switch a.Config.Durability.Resolve(len(a.Replicas)) {
	case api.DurabilityInterval:
		return log.Interval
	case api.DurabilityNever:
		return log.Never
	}
	return log.Always
}

// unlisted returns every replica, hosted or merely on disk, that a full list
// does not contain.
func (s *Server) unlisted(listed []api.ReplicaAssignment) (refs []api.ReplicaRef) {
	keep := make(map[api.ReplicaRef]bool, len(listed))
	for i := range listed {
		keep[listed[i].ReplicaRef] = true
	}
	for _, p := range s.replicas.all() {
		if !keep[p.ref] {
			refs = append(refs, p.ref)
		}
	}
	names, err := s.cfg.FS.List(s.cfg.root())
	if err != nil {
		s.logger.Warn("data directory", logErr(err))
		return refs
	}
	for _, name := range names {
		key, err := api.ParseReplicaKey(name)
		if err != nil || s.replicas.get(key) != nil {
			continue
		}
		id, _, ok := readOwner(s.cfg.FS, filepath.Join(s.cfg.root(), name))
		if ref := (api.ReplicaRef{Key: key, TopicID: id}); ok && !keep[ref] {
			refs = append(refs, ref)
		}
	}
	return refs
}

// remove ends a replica, deletes its data and confirms that to the SC. If the
// data cannot be deleted nothing is confirmed, and the SC asks again.
func (s *Server) remove(ref api.ReplicaRef) {
	if err := s.delete(ref); err != nil {
		s.logger.Error("remove replica", logErr(err), logPartition(ref.Key), slogkey.TopicID, ref.TopicID.String())
		return
	}
	s.cfg.Events.removed(ref)
	s.reports.removed(ref)
}

func (s *Server) delete(ref api.ReplicaRef) error {
	if p := s.replicas.take(ref); p != nil {
		l, _ := p.retire(api.ErrorCode{ID: api.TopicDeleted})
		s.followers.update(p)
		if l != nil {
			return l.Remove()
		}
	}
	// Not open: left from before a restart, or it never could be opened.
	dir := s.replicaDir(ref.Key)
	id, cluster, ok := readOwner(s.cfg.FS, dir)
	if !ok || id != ref.TopicID || cluster != s.identity.id() {
		return nil // nothing of that topic is here
	}
	return s.deleteDir(dir)
}

// deleteDir deletes by way of a name that a log never has, so that a crash
// half-way cannot leave half a log; log.RemoveLeftovers finishes it.
func (s *Server) deleteDir(dir string) error {
	aside := dir + ".deleted"
	if err := s.cfg.FS.RemoveAll(aside); err != nil {
		return err
	}
	if err := s.cfg.FS.Rename(dir, aside); err != nil {
		return fmt.Errorf("remove %s: %w", dir, err)
	}
	return errors.Join(s.cfg.FS.SyncDir(s.cfg.root()), s.cfg.FS.RemoveAll(aside))
}
