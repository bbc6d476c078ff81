package log

import (
	"fmt"
	"time"
)

// Clean applies retention and closes files that nobody has used since the
// call before. It returns how many segments it removed. Call it every few
// seconds.
//
// A segment expires when its newest record is older than Retention; where
// timestamps are missing or in the future the time of the last append stands
// in. The active segment is sealed after SegmentAge, so that a quiet log
// expires too. When the log is larger than MaxBytes the oldest sealed
// segments go first. With replicas, records above the high watermark stay.
func (l *Log) Clean() (removed int, err error) {
	l.wmu.Lock()
	defer l.wmu.Unlock()
	if err := l.ready(); err != nil {
		return 0, err
	}
	now := l.clock.cautious()
	cfg := l.cfg.Load()
	if s := l.active(); cfg.SegmentAge > 0 && s.size > 0 && now.Sub(s.born) >= cfg.SegmentAge {
		if err := l.roll(l.clock.wall()); err != nil {
			return 0, err
		}
	}
	for {
		reason, err := l.expired(now, cfg)
		if err != nil {
			return removed, err
		}
		if reason == "" {
			break
		}
		if err := l.removeOldest(reason); err != nil {
			return removed, err
		}
		removed++
	}
	l.forgetEvicted()
	l.closeIdle()
	return removed, nil
}

// expired says why the oldest segment should go, or nothing.
func (l *Log) expired(now time.Time, cfg *Config) (reason string, err error) {
	l.mu.RLock()
	s, size := l.segs[0], l.bytes()
	keep := len(l.segs) == 1 || l.replicated && s.next > l.hw
	l.mu.RUnlock()
	switch {
	case keep:
		return "", nil
	case cfg.MaxBytes > 0 && size > cfg.MaxBytes:
		return fmt.Sprintf("the log has %d bytes, the limit is %d", size, cfg.MaxBytes), nil
	case cfg.Retention == 0:
		return "", nil
	}
	newest := l.newest(s, now)
	if now.Sub(newest) < cfg.Retention {
		return "", nil
	}
	if !s.timed {
		// What is known may not be the newest: now that it matters, look.
		if err := l.readTimes(s); err != nil {
			return "", err
		}
		if newest = l.newest(s, now); now.Sub(newest) < cfg.Retention {
			return "", nil
		}
	}
	return fmt.Sprintf("its newest record is from %s, retention is %s", newest.UTC().Format(time.RFC3339), cfg.Retention), nil
}

// newest is the time of the newest record as far as known.
func (l *Log) newest(s *segment, now time.Time) time.Time {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if t := time.UnixMilli(s.maxTime); s.maxTime > 0 && !t.After(now) {
		return t
	}
	return s.touched
}

// readTimes reads the timestamps of all batches of s. A segment that cannot
// be read counts by the time of its last append.
func (l *Log) readTimes(s *segment) error {
	maxTime := int64(-1)
	if h, err := l.open(s); err == nil {
		defer h.release()
		if _, err := skim(h.File, entry{}, s.base, s.size, s.next, func(b head) {
			maxTime = max(maxTime, b.maxTime)
		}); err != nil {
			maxTime = -1
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s.maxTime, s.timed = max(s.maxTime, maxTime), true
	return nil
}

// removeOldest takes the oldest segment out of the log and unlinks it.
// Readers that hold it go on; the space returns when the last is done.
func (l *Log) removeOldest(reason string) error {
	l.mu.Lock()
	s := l.segs[0]
	l.segs = l.segs[1:]
	l.hw = max(l.hw, l.segs[0].base)
	l.durable = max(l.durable, l.segs[0].base)
	l.trimEpochs()
	l.mu.Unlock()
	// The name of a later segment is all that says where offsets go on once
	// this one is gone.
	l.later(func() error { return l.fs.SyncDir(l.dir) })
	l.later(func() error { return l.unlink(s) })
	l.events.removed(Removed{File: s.path, Base: s.base, Next: s.next, Bytes: s.bytes(), Reason: reason})
	return l.catchUp()
}

// trimEpochs drops epochs that ended before the log begins. The caller holds
// mu. The file follows when the next epoch begins.
func (l *Log) trimEpochs() {
	start := l.segs[0].base
	n := 0
	for n+1 < len(l.epochs) && l.epochs[n+1].start <= start {
		n++
	}
	l.epochs = l.epochs[n:]
}

// closeIdle closes files and frees indexes that were not used since the last
// call, so that ten thousand quiet logs cost no descriptors. Files with
// unsynced bytes stay open: an error of writeback is only told to files that
// were open when it happened.
func (l *Log) closeIdle() {
	l.mu.Lock()
	idle := true
	for _, s := range l.segs {
		if s.used.Swap(false) || s.dirty() {
			idle = false
			continue
		}
		s.drop()
	}
	l.mu.Unlock()
	if idle {
		l.pmu.Lock()
		l.points.close()
		l.pmu.Unlock()
	}
}

// OffsetForTime returns the offset of the first batch whose newest record is
// from ms or later, in milliseconds since the Unix epoch; EndOffset if there
// is none.
func (l *Log) OffsetForTime(ms int64) (int64, error) {
	l.mu.RLock()
	segs, end := append([]*segment(nil), l.segs...), l.end
	l.mu.RUnlock()
	for _, s := range segs {
		l.mu.RLock()
		size, next, skip := s.size, s.next, s.timed && s.maxTime < ms
		l.mu.RUnlock()
		if skip || size == 0 {
			continue
		}
		h, err := l.open(s)
		if err != nil {
			return 0, ioError(err, "read %s", s.path)
		}
		found := int64(-1)
		_, err = skim(h.File, entry{}, s.base, size, next, func(b head) {
			if found < 0 && b.maxTime >= ms {
				found = b.base
			}
		})
		h.release()
		if err != nil {
			return 0, ioError(err, "read %s", s.path)
		}
		if found >= 0 {
			return min(found, end), nil
		}
	}
	return end, nil
}
