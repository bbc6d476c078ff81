package log

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
	"github.com/fluvio-go/fluvio/internal/lock"
)

// Log is the log of one partition replica. Any number of goroutines may use
// it; appends, truncations and cleaning take turns, reads wait for none of
// them and for no sync.
type Log struct {
	dir        string
	fs         vfs.FS
	events     *listeners
	clock      *clock
	replicated bool
	expected   bool
	epoch      atomic.Int32 // in force, see SetEpoch
	cfg        atomic.Pointer[Config]

	// Lock order: wmu, pmu, mu.

	wmu  lock.Mutex     // held by the one writer
	todo []func() error // steps that must be done before the next write; guarded by wmu

	pmu     lock.Mutex // held while checkpoint files are written
	points  pointFile
	savedHW int64 // in the checkpoint file; -1 unknown

	mu      sync.RWMutex // never held across I/O; guards everything below
	segs    []*segment   // by offset, never empty; the last one is active
	end     int64        // offset of the next record, published
	durable int64        // offset before which everything is on the device
	hw      int64
	epochs  epochs
	closed  bool
	names   bool       // the directory has names that are not synced
	oldest  time.Time  // first append since the last sync; zero when none
	stale   time.Time  // first change since checkpoints and index went out
	round   *syncRound // the sync under way
	failed  error      // why the tail must be rewritten before the next sync
	term    uint64     // truncations so far
	kept    int64      // offset that the last truncation went back to
	loss    Loss       // of records that were there once
}

func (l *Log) active() *segment { return l.segs[len(l.segs)-1] }

// find returns the index of the segment that holds offset, or -1. The caller
// holds mu.
func (l *Log) find(offset int64) int {
	i, found := slices.BinarySearchFunc(l.segs, offset, func(s *segment, o int64) int {
		switch {
		case s.base < o:
			return -1
		case s.base > o:
			return 1
		}
		return 0
	})
	if found {
		return i
	}
	return i - 1
}

// upper is the first offset that cannot be in segment i. The caller holds mu.
func (l *Log) upper(i int) int64 {
	if i+1 < len(l.segs) {
		return l.segs[i+1].base
	}
	return max(l.end, l.segs[i].next)
}

// Dir is the directory of the log.
func (l *Log) Dir() string { return l.dir }

// StartOffset is the first offset that has not been evicted. It equals
// EndOffset when the log is empty.
func (l *Log) StartOffset() int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.segs[0].base
}

// EndOffset is the offset that the next record will get.
func (l *Log) EndOffset() int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.end
}

// DurableOffset is the offset before which every record survives a power loss.
func (l *Log) DurableOffset() int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return min(l.durable, l.end)
}

// HighWatermark is the offset before which records are committed.
func (l *Log) HighWatermark() int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.hw
}

// SetHighWatermark raises the high watermark, at most to EndOffset. A lower
// value is ignored: only truncation lowers it. The checkpoint file follows
// with the next FlushIfDue.
func (l *Log) SetHighWatermark(hw int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if hw = min(hw, l.end); hw > l.hw {
		l.hw = hw
		l.markStale(l.clock.wall())
	}
}

// RecoverHighWatermark sets the high watermark as opening the log does: to
// the end for a log without replicas, else to the checkpoint if the log
// reaches that far.
func (l *Log) RecoverHighWatermark(replicated bool) int64 {
	l.pmu.Lock()
	saved := l.readHW()
	l.pmu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hw = l.end
	if replicated {
		l.hw = max(min(saved, l.end), l.segs[0].base)
	}
	return l.hw
}

// Size is the bytes of all segments with their indexes.
func (l *Log) Size() int64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.bytes()
}

func (l *Log) bytes() int64 {
	var n int64
	for _, s := range l.segs {
		n += s.bytes()
	}
	return n
}

// Config is the configuration in force.
func (l *Log) Config() Config { return *l.cfg.Load() }

// Reconfigure changes the configuration of an open log. Segments that exist
// keep their size. The error lists every value that is out of range, and then
// nothing has changed.
func (l *Log) Reconfigure(c Config) error {
	c, err := c.normalize()
	if err != nil {
		return fmt.Errorf("configure log %s: %w", l.dir, err)
	}
	l.cfg.Store(&c)
	return nil
}

// markStale notes that files beside the log are behind. The caller holds mu.
func (l *Log) markStale(now time.Time) {
	if l.stale.IsZero() {
		l.stale = now
	}
}

// open returns the file of s, opened if needed, with a reference that the
// caller releases.
func (l *Log) open(s *segment) (*handle, error) {
	l.mu.RLock()
	h, active := s.file, s == l.active()
	if h != nil {
		h.retain()
	}
	l.mu.RUnlock()
	s.used.Store(true)
	if h != nil {
		return h, nil
	}
	open := l.fs.Open
	if active {
		open = l.fs.OpenRW
	}
	f, err := open(s.path)
	if err != nil {
		return nil, err
	}
	h = newHandle(f)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || !slices.Contains(l.segs, s) {
		return h, nil // the caller's reference is the only one
	}
	if other := s.file; other != nil {
		h.release()
		return other.retain(), nil
	}
	s.file = h
	return h.retain(), nil
}

// drop forgets the open file of s. The caller holds mu.
func (s *segment) drop() {
	if s.file != nil {
		s.file.release()
		s.file = nil
	}
	s.idx.unload()
	s.good = nil
}

// Close syncs the log in every mode and writes the checkpoints, so that the
// next Open reads no batch again. Slices stay readable. It is idempotent.
func (l *Log) Close() error {
	l.wmu.Lock()
	defer l.wmu.Unlock()
	if l.isClosed() {
		return nil
	}
	err := errors.Join(l.catchUp(), l.flush(), l.checkpoint(true))
	l.shut()
	if err != nil {
		return fmt.Errorf("close log %s: %w", l.dir, err)
	}
	return nil
}

func (l *Log) shut() {
	l.mu.Lock()
	l.closed = true
	for _, s := range l.segs {
		s.drop()
	}
	l.mu.Unlock()
	l.pmu.Lock()
	l.points.close()
	l.pmu.Unlock()
}

func (l *Log) isClosed() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.closed
}

// ioError adds what was done to an error of the file system and marks a full
// device.
func ioError(err error, format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	if vfs.IsFull(err) {
		return fmt.Errorf("%s: %w (%w)", what, ErrFull, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}
