package log

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// syncRound is one sync and everybody who waits for it.
type syncRound struct {
	done chan struct{}
	err  error // set before done closes
}

// WaitDurable returns when every record before offset end survives a power
// loss. All who wait share a sync. Under Interval and Never it returns nil at
// once. The error matches ErrSync or ErrTruncated when the records are lost,
// and is that of ctx when it ends first.
//
// If records can be truncated between Append and this call and others be
// appended in their place, WaitAppended tells the two apart.
func (l *Log) WaitDurable(ctx context.Context, end int64) error {
	if l.cfg.Load().Durability != Always {
		return nil
	}
	l.mu.RLock()
	term := l.term
	l.mu.RUnlock()
	return l.await(ctx, end, term)
}

// WaitAppended is WaitDurable for exactly the records of one append: if they
// were truncated since, the error matches ErrTruncated even if the log has
// grown past their offsets again.
func (l *Log) WaitAppended(ctx context.Context, a Appended) error {
	if l.cfg.Load().Durability != Always {
		return nil
	}
	return l.await(ctx, a.End, a.term)
}

func (l *Log) await(ctx context.Context, end int64, term uint64) error {
	for {
		l.mu.Lock()
		switch {
		case l.term != term && (l.term != term+1 || end > l.kept), end > l.end:
			l.mu.Unlock()
			return fmt.Errorf("records before offset %d: %w", end, ErrTruncated)
		case l.durable >= end:
			l.mu.Unlock()
			return nil
		case l.closed:
			l.mu.Unlock()
			return ErrClosed
		case l.failed != nil:
			l.mu.Unlock()
			if err := l.healNow(); err != nil {
				return err
			}
			continue
		}
		r, leader := l.join()
		l.mu.Unlock()
		if leader {
			l.runSync(r)
			if r.err != nil {
				// The waiters know already; the log should not wait for the
				// next append to be whole again.
				return errors.Join(r.err, l.healNow())
			}
			continue
		}
		select {
		case <-r.done:
			if r.err != nil {
				return r.err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// join returns the sync under way, or a new one that the caller must run. The
// caller holds mu.
func (l *Log) join() (r *syncRound, leader bool) {
	if l.round != nil {
		return l.round, false
	}
	l.round = &syncRound{done: make(chan struct{})}
	return l.round, true
}

// runSync syncs everything appended before the call. Appends go on meanwhile.
// After an error it leaves Log.failed set and nothing may be synced until the
// tail has been rewritten.
func (l *Log) runSync(r *syncRound) {
	start := time.Now()
	l.mu.RLock()
	end, term := l.end, l.term
	oldest := l.oldest
	l.mu.RUnlock()
	err := l.syncFiles(term)

	l.mu.Lock()
	var bytes int64
	switch {
	case err != nil:
		if l.term == term {
			l.failed = err
		}
		r.err = fmt.Errorf("%w: %w", ErrSync, err)
	case l.term == term:
		bytes = end - l.durable
		l.durable = max(l.durable, end)
		if l.oldest.Equal(oldest) {
			l.oldest = time.Time{}
			if l.unsynced() > 0 {
				l.oldest = l.clock.wall()
			}
		}
	}
	l.round = nil
	l.mu.Unlock()
	if err == nil {
		l.savePoint()
	}
	close(r.done)
	l.events.synced(Synced{Dir: l.dir, End: end, Records: bytes, Took: time.Since(start), Err: err})
}

// syncFiles syncs names, then every segment with unsynced bytes.
func (l *Log) syncFiles(term uint64) error {
	l.mu.Lock()
	names, newest := l.names, l.active().base
	l.names = false
	l.mu.Unlock()
	if names {
		err := l.fs.SyncDir(l.dir)
		l.mu.Lock()
		for _, s := range l.segs {
			switch {
			case err == nil && s.base <= newest:
				s.named = true
			case err != nil && !s.named && l.term == term:
				s.syncedSize, s.syncedNext = 0, s.base // its name may be lost
			}
		}
		l.names = l.names || err != nil
		l.mu.Unlock()
		if err != nil {
			return ioError(err, "sync directory %s", l.dir)
		}
	}
	for {
		l.mu.RLock()
		s := l.firstDirty()
		if s == nil || l.term != term {
			l.mu.RUnlock()
			return nil
		}
		size, next, last := s.size, s.next, s == l.active()
		l.mu.RUnlock()
		h, err := l.open(s)
		if err != nil {
			return ioError(err, "sync %s", s.path)
		}
		err = h.Sync()
		h.release()
		if err != nil {
			return ioError(err, "sync %s", s.path)
		}
		l.mu.Lock()
		if l.term == term && size > s.syncedSize {
			s.syncedSize, s.syncedNext = size, next
		}
		l.mu.Unlock()
		if last {
			return nil // the writer may be faster than the device
		}
	}
}

// firstDirty returns the first segment with unsynced bytes. The caller holds
// mu.
func (l *Log) firstDirty() *segment {
	for _, s := range l.segs {
		if s.dirty() {
			return s
		}
	}
	return nil
}

// unsynced is the bytes that a power loss could take, in the segments that
// were begun since a sync. The caller holds mu.
func (l *Log) unsynced() int64 {
	var n int64
	for i := len(l.segs) - 1; i >= 0 && (l.segs[i].dirty() || l.segs[i].size == 0); i-- {
		n += l.segs[i].size - l.segs[i].syncedSize
	}
	return n
}

// flush makes everything durable, or heals and returns the error. The caller
// holds wmu, so nothing is appended meanwhile.
func (l *Log) flush() error {
	for {
		l.mu.Lock()
		if l.failed != nil {
			err := l.failed
			l.mu.Unlock()
			if herr := l.heal(); herr != nil {
				return herr
			}
			return fmt.Errorf("%w: %w", ErrSync, err)
		}
		if !l.names && l.firstDirty() == nil {
			l.mu.Unlock()
			return nil
		}
		r, leader := l.join()
		l.mu.Unlock()
		if leader {
			l.runSync(r)
		} else {
			<-r.done
		}
	}
}

// Flush makes everything appended so far durable, in every mode. The error
// matches ErrSync when records may not have reached the device.
func (l *Log) Flush() error {
	l.wmu.Lock()
	defer l.wmu.Unlock()
	if l.isClosed() {
		return ErrClosed
	}
	return l.flush()
}

// NeedsFlush reports whether FlushIfDue would do anything at this time.
func (l *Log) NeedsFlush(now time.Time) bool {
	sync, files := l.due(now)
	return sync || files
}

// due reports whether records should be synced, and whether the files beside
// the log should be brought up to date.
func (l *Log) due(now time.Time) (sync, files bool) {
	cfg := l.cfg.Load()
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return false, false
	}
	late := func(t time.Time) bool {
		// A clock that was set back must not put a sync off.
		d := now.Sub(t)
		return !t.IsZero() && (d >= cfg.FlushInterval || d < 0)
	}
	sync = l.failed != nil || cfg.Durability == Interval &&
		(late(l.oldest) || !l.oldest.IsZero() && l.unsynced() >= cfg.FlushBytes)
	return sync, late(l.stale)
}

// FlushIfDue does what time demands: under Interval it syncs records that
// have waited for FlushInterval or are more than FlushBytes; in every mode it
// brings high watermark and index files up to date once per FlushInterval.
// It costs nothing when nothing was appended. Call it a few times per
// FlushInterval.
func (l *Log) FlushIfDue(now time.Time) error {
	sync, files := l.due(now)
	var err error
	if sync {
		err = l.flushConcurrently()
	}
	if files {
		l.wmu.Lock()
		defer l.wmu.Unlock()
		if !l.isClosed() {
			err = errors.Join(err, l.checkpoint(false))
		}
	}
	return err
}

// flushConcurrently syncs what was appended so far without stopping appends.
func (l *Log) flushConcurrently() error {
	l.mu.RLock()
	end, term := l.end, l.term
	l.mu.RUnlock()
	err := l.await(context.Background(), end, term)
	if errors.Is(err, ErrTruncated) || errors.Is(err, ErrClosed) {
		return nil
	}
	return err
}
