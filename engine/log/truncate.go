package log

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// TruncateTo removes the records from offset on. If offset lies inside a
// batch the whole batch goes: EndOffset tells where the log ends now. When it
// returns nil the records cannot come back after a crash. Waiters for them
// get ErrTruncated. Slices that were read before keep their file, but its
// bytes from there on are gone.
func (l *Log) TruncateTo(offset int64) error {
	l.wmu.Lock()
	defer l.wmu.Unlock()
	if err := l.truncate(offset); err != nil {
		return fmt.Errorf("truncate log %s to offset %d: %w", l.dir, offset, err)
	}
	return nil
}

// TruncateAndStartAt removes everything and lets the log begin anew at
// offset, for a follower whose leader no longer has what comes next.
func (l *Log) TruncateAndStartAt(offset int64) error {
	l.wmu.Lock()
	defer l.wmu.Unlock()
	if err := l.restart(offset); err != nil {
		return fmt.Errorf("restart log %s at offset %d: %w", l.dir, offset, err)
	}
	return nil
}

// mark is a batch boundary in a segment.
type mark struct{ size, next int64 }

func (l *Log) truncate(offset int64) error {
	if err := l.ready(); err != nil {
		return err
	}
	if offset >= l.end {
		return nil
	}
	if offset < l.segs[0].base {
		return &OffsetEvicted{Offset: offset, Next: l.segs[0].base}
	}
	if err := l.flushBefore(offset); err != nil {
		return err
	}
	i := l.find(offset)
	s := l.segs[i]
	at, err := l.boundary(s, offset)
	if err != nil {
		return err
	}
	if err := l.lowerHW(at.next); err != nil {
		return err
	}
	records, bytes := l.end-at.next, s.size-at.size
	var gone []*segment
	err = l.lowerPoint(point{base: s.base, pos: at.size, offset: at.next}, func() {
		gone = slices.Clone(l.segs[i+1:])
		l.segs = slices.Delete(l.segs, i+1, len(l.segs))
		l.forget(at.next)
		s.cut(at)
	})
	if err != nil {
		return err
	}
	l.cutIndex(s, at.size)
	l.sealIndex(s)
	// The newest goes first, each durably: a crash on the way must leave a
	// log that is merely longer.
	for _, g := range slices.Backward(gone) {
		l.later(func() error { return l.unlink(g) })
	}
	l.later(func() error { return l.cutFile(s, true) })
	// What is appended next must not take the place of bytes that a reader
	// may still be sending, so it goes to a new file.
	l.later(func() error { return l.succeed(s, at.next) })
	l.later(l.saveEpochs)
	l.events.truncated(Truncated{
		File: s.path, Offset: at.next, Bytes: bytes, Reason: fmt.Sprintf("%d records removed on request", records),
	})
	return l.catchUp()
}

// flushBefore makes the records before offset durable: what a truncation
// leaves must be on the device before a new file follows it, and a sync that
// fails half-way through it would have to give some of that up.
func (l *Log) flushBefore(offset int64) error {
	l.mu.RLock()
	p := l.point()
	l.mu.RUnlock()
	if p.offset >= offset {
		return nil
	}
	return l.flush()
}

func (l *Log) restart(offset int64) error {
	if offset < 0 {
		return errors.New("the offset is negative")
	}
	if err := l.truncate(l.segs[0].base); err != nil {
		return err
	}
	old := l.active()
	if old.base == offset {
		return nil
	}
	n, err := l.fresh(offset, nil)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.segs = []*segment{n}
	l.end, l.durable, l.hw = offset, offset, offset
	l.epochs = nil
	old.drop()
	l.mu.Unlock()
	l.later(func() error { return l.unlink(old) })
	l.later(l.saveEpochs)
	return l.catchUp()
}

// boundary returns the start of the batch that contains offset, or of the
// damage that does.
func (l *Log) boundary(s *segment, offset int64) (mark, error) {
	if offset == s.base {
		return mark{0, s.base}, nil
	}
	if err := l.load(s); err != nil {
		return mark{}, ioError(err, "read %s", s.path)
	}
	h, err := l.open(s)
	if err != nil {
		return mark{}, ioError(err, "read %s", s.path)
	}
	defer h.release()
	l.mu.RLock()
	v := view{s: s, file: h, size: s.size, next: s.next, upper: l.upper(l.find(offset))}
	v.from = s.idx.floor(uint32(offset - s.base))
	l.mu.RUnlock()
	w := newWalker(h.File, v.size)
	defer w.release()
	b, err := l.locate(w, &v, offset)
	var d *Damaged
	switch {
	case err == nil:
		return mark{b.pos, b.base}, nil
	case errors.As(err, &d) && errors.Is(err, errMissing), errors.As(err, &d) && !isIOError(d.Err):
		return mark{d.Position, d.Offset}, nil
	}
	return mark{}, err
}

// forget lets the log end at offset in memory. The caller holds mu.
func (l *Log) forget(offset int64) {
	l.term++
	l.kept = offset
	l.end = min(l.end, offset)
	l.durable = min(l.durable, offset)
	l.hw = min(l.hw, offset)
	l.epochs.cut(offset)
	l.markStale(l.clock.wall())
}

// cut lets s end at a boundary in memory. The caller holds Log.mu.
func (s *segment) cut(at mark) {
	if s.syncedSize > at.size {
		s.syncedSize, s.syncedNext = at.size, at.next
	}
	s.size, s.next = at.size, at.next
	s.good.cut(at.size)
	s.broken = slices.DeleteFunc(s.broken, func(h hole) bool { return h.from >= at.size })
}

// later queues a step that must be done before anything else is written, so
// that an I/O error in the middle of an operation leaves work to do rather
// than a log in two minds.
func (l *Log) later(step func() error) { l.todo = append(l.todo, step) }

// catchUp does the queued steps. The caller holds wmu.
func (l *Log) catchUp() error {
	for len(l.todo) > 0 {
		if err := l.todo[0](); err != nil {
			return err
		}
		l.todo = l.todo[1:]
	}
	l.todo = nil
	return nil
}

// unlink removes the files of a segment that is no longer in the list.
func (l *Log) unlink(s *segment) error {
	l.mu.Lock()
	s.drop()
	l.mu.Unlock()
	for _, path := range []string{s.path, s.idx.path} {
		if err := l.fs.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return ioError(err, "remove %s", path)
		}
	}
	if err := l.fs.SyncDir(l.dir); err != nil {
		return ioError(err, "sync directory %s", l.dir)
	}
	return nil
}

// cutFile cuts the file of s to what the log has of it. It opens the file
// anew: a sealed segment is open for reading only.
func (l *Log) cutFile(s *segment, sync bool) error {
	f, err := l.fs.OpenRW(s.path)
	if err != nil {
		return ioError(err, "truncate %s", s.path)
	}
	defer f.Close()
	if err := f.Truncate(s.size); err != nil {
		return ioError(err, "truncate %s to byte %d", s.path, s.size)
	}
	if !sync {
		return nil
	}
	if err := f.Sync(); err != nil {
		return ioError(err, "sync %s", s.path)
	}
	return nil
}

// succeed makes a new file the active segment after s, or in place of s if
// nothing is left of it.
func (l *Log) succeed(s *segment, offset int64) error {
	n, err := l.fresh(offset, nil)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.replace(s, n)
	return nil
}

// fresh makes a new segment that begins at base with what fill writes to it.
// The file is written aside, synced and renamed, so it replaces one of the
// same name at once, and durably unless it is dirty afterwards.
func (l *Log) fresh(base int64, fill func(n *segment, h *handle) error) (*segment, error) {
	n := newSegment(l.dir, base, l.clock.wall())
	tmp := n.path + tempSuffix
	f, err := l.fs.Create(tmp)
	if err != nil {
		return nil, ioError(err, "create segment %s", tmp)
	}
	n.file = newHandle(f)
	n.idx.loaded = true
	if fill != nil {
		err = fill(n, n.file)
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		_ = l.fs.Remove(n.idx.path)
		err = l.fs.Rename(tmp, n.path)
	}
	if err != nil {
		n.file.release()
		_ = l.fs.Remove(tmp)
		return nil, ioError(err, "create segment %s", n.path)
	}
	// From here on the file is there; if its name is not durable yet, its
	// content does not count as synced.
	if err := l.fs.SyncDir(l.dir); err != nil {
		l.mu.Lock()
		l.names = true
		l.mu.Unlock()
	} else {
		n.syncedSize, n.syncedNext, n.named = n.size, n.next, true
	}
	n.used.Store(true)
	l.events.rolled(Rolled{Dir: l.dir, Base: base})
	return n, nil
}

func (l *Log) saveEpochs() error {
	l.mu.RLock()
	b := l.epochs.encode()
	l.mu.RUnlock()
	return replaceFile(l.fs, l.epochsPath(), b)
}

// rollBack removes what a failed append wrote, so that the log ends again at
// the published offset. The index of segment before had sum then. The caller
// holds wmu.
func (l *Log) rollBack(before *segment, sum int64) {
	l.later(func() error { return l.undo(before, sum) })
	_ = l.catchUp() // otherwise before the next write
}

// undo is the step of rollBack. Nobody has seen the bytes, so the file stays
// in use.
func (l *Log) undo(before *segment, sum int64) error {
	i := l.find(l.end)
	s := l.segs[i]
	at := mark{s.size, s.next}
	if s.next > l.end {
		var err error
		if at, err = l.boundary(s, l.end); err != nil {
			return err
		}
	}
	l.mu.Lock()
	gone := slices.Clone(l.segs[i+1:])
	l.segs = slices.Delete(l.segs, i+1, len(l.segs))
	cut := s.size > at.size
	s.cut(at)
	if s != before {
		sum = 0 // begun meanwhile, or made by a repair: the next entry may come late
	}
	s.idx.sum = sum
	p := l.point()
	l.mu.Unlock()
	if cut {
		l.cutIndex(s, at.size)
	}
	if cut || len(gone) > 0 {
		l.later(func() error { return l.lowerPoint(p, func() {}) })
	}
	for _, g := range slices.Backward(gone) {
		l.later(func() error { return l.unlink(g) })
	}
	l.later(func() error { return l.cutFile(s, false) })
	return nil
}
