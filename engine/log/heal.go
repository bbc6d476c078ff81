package log

import (
	"errors"
	"fmt"
	"slices"
)

// After a failed sync the kernel may hold pages as clean that never reached
// the device, so another sync that succeeds proves nothing. The unsynced tail
// is therefore moved to a new file, which is synced as a whole, or given up
// where nobody was promised any of it. Either way the log is whole again
// afterwards; until it succeeds, every write tries again.

// healNow repairs the log unless somebody else has.
func (l *Log) healNow() error {
	l.wmu.Lock()
	defer l.wmu.Unlock()
	if l.isClosed() {
		return ErrClosed
	}
	return l.heal()
}

// heal repairs the log after a failed sync. Steps that are still queued come
// first: they were made for the log as it is, and a truncation that is half
// done must not find another end than its own. The caller holds wmu.
func (l *Log) heal() error {
	l.mu.RLock()
	cause := l.failed
	l.mu.RUnlock()
	if cause == nil {
		return nil
	}
	if err := l.catchUp(); err != nil {
		return repairError(cause, err)
	}
	l.mu.RLock()
	hw := l.hw
	var dirty []*segment
	for _, s := range l.segs {
		if s.dirty() {
			dirty = append(dirty, s)
		}
	}
	l.mu.RUnlock()
	var err error
	offset, end := l.end, l.end
	if len(dirty) > 0 {
		offset = dirty[0].syncedNext
	}
	// Replicas may have fetched the tail. Other records at its offsets, from
	// the same leader in the same epoch, would part the logs unnoticed.
	promised := l.cfg.Load().Durability != Always || hw > offset || l.replicated
	if len(dirty) == 1 && dirty[0] == l.active() && !promised {
		err = l.giveUp(dirty[0])
	} else {
		err = l.rewrite(dirty)
	}
	l.mu.Lock()
	if err == nil && l.firstDirty() != nil {
		err = errors.New("new names could not be synced")
	}
	if err != nil {
		l.mu.Unlock()
		return repairError(cause, err)
	}
	l.failed = nil
	l.durable = l.end
	dropped := end - l.end
	l.mu.Unlock()
	if dropped > 0 && l.replicated {
		// Others may have counted on them; the owner is told even if this
		// cannot be written down.
		_ = l.noteLoss(LossTail, end-dropped, end, fmt.Sprintf("%d records did not reach the device: %v", dropped, cause))
	}
	l.savePoint()
	l.events.healed(Healed{
		Dir: l.dir, Offset: offset, Rewritten: end - dropped - min(offset, end-dropped), Dropped: dropped, Cause: cause,
	})
	return nil
}

func repairError(cause, err error) error {
	return fmt.Errorf("%w: %w, and its repair: %w", ErrSync, cause, err)
}

// giveUp drops the unsynced tail of the active segment.
func (l *Log) giveUp(s *segment) error {
	at := mark{s.syncedSize, s.syncedNext}
	n, err := l.fresh(at.next, nil)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.forget(at.next)
	s.cut(at)
	l.replace(s, n)
	l.mu.Unlock()
	l.retire(s, n)
	return nil
}

// rewrite moves the unsynced tails of segments to new files.
func (l *Log) rewrite(dirty []*segment) error {
	for _, s := range dirty {
		n, err := l.fresh(s.syncedNext, func(n *segment, h *handle) error { return l.copyTail(s, n, h) })
		if err != nil {
			return err
		}
		l.mu.Lock()
		if s == l.active() && n.next < l.end {
			l.forget(n.next) // the cache had lost it already
		}
		n.born = s.born
		s.cut(mark{s.syncedSize, s.syncedNext})
		l.replace(s, n)
		l.mu.Unlock()
		l.retire(s, n)
	}
	return nil
}

// replace puts n behind s, or in its place if s has nothing left. The caller
// holds mu.
func (l *Log) replace(s, n *segment) {
	i := slices.Index(l.segs, s)
	if s.base == n.base {
		s.drop()
		l.segs[i] = n
		return
	}
	l.segs = slices.Insert(l.segs, i+1, n)
}

// retire cuts from the file of s what n has now. Recovery would do so too: a
// segment ends where the next begins.
func (l *Log) retire(s, n *segment) {
	if s.base == n.base {
		return
	}
	l.cutIndex(s, s.size)
	l.sealIndex(s)
	l.later(func() error { return l.cutFile(s, false) })
	_ = l.catchUp()
}

// copyTail copies the unsynced batches of s to n, up to the first that the
// cache no longer has as it was.
func (l *Log) copyTail(s, n *segment, h *handle) error {
	src, err := l.open(s)
	if err != nil {
		return err
	}
	defer src.release()
	cfg := l.cfg.Load()
	w := newScanner(src.File, s.size)
	defer w.release()
	from := s.syncedSize
	for off := s.syncedNext; from+n.size < s.size; off = n.next {
		b, err := w.whole(from+n.size, off)
		var bad *badBatch
		if errors.As(err, &bad) {
			break
		}
		if err != nil {
			return err
		}
		b.pos -= from
		n.add(b, cfg)
	}
	n.good.add(0, n.size)
	return copyAt(h.File, 0, src.File, from, n.size)
}
