package log

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strings"
)

// Open opens the log in dir, creating it if there is none. It always goes
// through recovery: see docs/format/log.md for what is kept, cut and set
// aside.
//
// The error is ErrNewerFormat if a later release wrote the directory, an
// error that names the setting if the options are out of range, or that of
// the file system. Damage is no error.
func Open(dir string, o Options) (*Log, error) {
	cfg, err := o.Config.normalize()
	if err != nil {
		return nil, fmt.Errorf("open log %s: %w", dir, err)
	}
	l := &Log{
		dir:        filepath.Clean(dir),
		fs:         orDisk(o.FS),
		events:     newListeners(o.Logger, o.Events),
		clock:      newClock(o.Now),
		replicated: o.Replicated,
		expected:   o.Expected,
		savedHW:    -1,
	}
	l.epoch.Store(o.Epoch)
	l.cfg.Store(&cfg)
	l.points.path = pointPath(l.dir)
	if err := l.adopt(Owner{o.TopicID, o.ClusterID}); err != nil {
		return nil, fmt.Errorf("open log %s: %w", dir, err)
	}
	if err := l.recover(); err != nil {
		l.shut()
		return nil, fmt.Errorf("open log %s: %w", dir, err)
	}
	l.RecoverHighWatermark(o.Replicated)
	return l, nil
}

// recover finds the segments, checks what may not have reached the device,
// and leaves the log ready for use.
func (l *Log) recover() error {
	bases, err := l.list()
	if err != nil {
		return err
	}
	if bases, err = l.dropEmpty(bases); err != nil {
		return err
	}
	saved, err := l.readEpochs()
	known := err == nil
	if known {
		l.epochs = saved
	}
	seq, p, havePoint, err := readPoint(l.fs, l.points.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.events.rebuilt(Rebuilt{File: l.points.path, Reason: err.Error()})
	}
	l.points.seq, l.points.last = seq, p
	onDevice := p.offset
	if !known || !havePoint || !slices.Contains(bases, p.base) {
		// Without epochs every header must be read anyway.
		p = noPoint
	}
	now := l.clock.wall()
	seal := false
	for i, base := range bases {
		upper := int64(math.MaxInt64)
		if i+1 < len(bases) {
			upper = bases[i+1]
		}
		s := newSegment(l.dir, base, now)
		l.segs = append(l.segs, s)
		if err := l.recoverSegment(s, upper, p); err != nil {
			return err
		}
		l.end = s.next
		seal = len(s.broken) > 0
	}
	if l.segs == nil {
		if err := l.noteMissing("its segments are gone"); err != nil {
			return err
		}
		if err := l.begin(0, now); err != nil {
			return err
		}
	} else if seal {
		// A file with damage in it is evidence; nothing is added to it.
		if err := l.begin(l.end, now); err != nil {
			return err
		}
	}
	// While what tells that is still there: it is written anew from now on.
	if err := l.noteShort(onDevice); err != nil {
		return err
	}
	return l.settle(saved, known, p != noPoint)
}

// list returns the base offsets of the segments, sorted, and removes files
// that were being written aside.
func (l *Log) list() ([]int64, error) {
	names, err := l.fs.List(l.dir)
	if err != nil {
		return nil, err
	}
	var bases []int64
	for _, name := range names {
		if strings.HasSuffix(name, tempSuffix) {
			if err := l.fs.Remove(filepath.Join(l.dir, name)); err != nil {
				return nil, err
			}
		}
		if base, ok := parseSegmentName(name); ok {
			bases = append(bases, base)
		}
	}
	slices.Sort(bases)
	return bases, nil
}

// dropEmpty removes empty files in front of others. TruncateAndStartAt leaves
// one when it is interrupted; nothing can be read from any.
func (l *Log) dropEmpty(bases []int64) ([]int64, error) {
	for len(bases) > 1 {
		path := segmentPath(l.dir, bases[0])
		info, err := l.fs.Stat(path)
		if err != nil || info.Size > 0 {
			return bases, err
		}
		if err := l.unlink(newSegment(l.dir, bases[0], info.ModTime)); err != nil {
			return bases, err
		}
		l.events.removed(Removed{File: path, Base: bases[0], Next: bases[1], Reason: "it is empty"})
		bases = bases[1:]
	}
	return bases, nil
}

// settle makes the recovered state durable, so that recovering once more
// finds nothing to do, and nothing that was read can vanish. trusted says that
// a recovery point told what had reached the device.
func (l *Log) settle(saved epochs, known, trusted bool) error {
	l.names = true
	l.epochs.cut(l.end + 1)
	if !known || !slices.Equal(saved, l.epochs) {
		if err := replaceFile(l.fs, l.epochsPath(), l.epochs.encode()); err != nil {
			return err
		}
	}
	l.durable = l.segs[0].base
	if s := l.firstDirty(); s != nil {
		l.durable = s.syncedNext
	}
	l.wmu.Lock()
	defer l.wmu.Unlock()
	if trusted && l.cfg.Load().Durability != Never {
		return l.renew()
	}
	return l.flush()
}

// renew moves what may not have reached the device to new files, as after a
// failed sync. There may have been one: the process that saw it is gone, and
// what it could not sync is in the cache, looks well, and never reaches the
// device however often it is synced. A full device is no reason not to open
// the log; then the next write tries again.
func (l *Log) renew() error {
	var dirty []*segment
	for _, s := range l.segs {
		if s.dirty() && len(s.broken) == 0 {
			dirty = append(dirty, s)
		}
	}
	err := l.rewrite(dirty)
	switch {
	case errors.Is(err, ErrFull):
		l.mu.Lock()
		l.failed = err
		l.mu.Unlock()
		return nil
	case err != nil:
		return err
	}
	return l.flush()
}

// recoverSegment opens one segment. Offsets at or above upper belong to the
// next one; the last segment has no such bound. An older segment that cannot
// be read is kept as a hole.
func (l *Log) recoverSegment(s *segment, upper int64, p point) error {
	last := upper == math.MaxInt64
	info, err := l.fs.Stat(s.path)
	if err != nil {
		return err
	}
	s.born, s.touched, s.timed, s.named = info.ModTime, info.ModTime, false, !last
	h, err := l.open(s)
	if err == nil {
		defer h.release()
		err = l.recoverBatches(s, h, info.Size, upper, p)
	}
	if err == nil && !s.dirty() {
		s.drop() // thousands of logs open at once; few are used at once
	}
	if err == nil || last {
		return err
	}
	// An I/O error in a sealed segment: its offsets are known from its name
	// and that of the next. Reads try again.
	s.size, s.next = info.Size, upper
	s.syncedSize, s.syncedNext = s.size, s.next
	l.events.quarantined(Quarantined{
		File: s.path, Bytes: info.Size, Offset: s.base, Next: upper, Err: err,
	})
	l.noteUnreadable(s, upper, err)
	return nil
}

func (l *Log) recoverBatches(s *segment, h *handle, size, upper int64, p point) error {
	if s.base < p.base {
		if err := l.skimTrusted(s, h, size, upper); err != nil {
			return err
		}
		s.syncedSize, s.syncedNext = s.size, s.next
		return l.gap(s, upper)
	}
	if s.base == p.base && p.pos > 0 {
		if p.pos > size {
			l.events.rebuilt(Rebuilt{File: l.points.path, Reason: "it is ahead of the log"})
			p = noPoint
		} else if err := l.skimTrusted(s, h, p.pos, maxOffset); err != nil {
			return err
		}
		if s.size != p.pos || s.next != p.offset {
			// Damage just there, or another history of this file: look at
			// everything.
			s.reset()
		}
		s.syncedSize, s.syncedNext = s.size, s.next
	}
	return l.scan(s, h, size, upper, p)
}
