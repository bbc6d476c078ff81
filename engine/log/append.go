package log

import (
	"fmt"
	"math"
	"time"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
	"github.com/fluvio-go/fluvio/netproto/record"
)

// writebackBytes is how much is appended before the kernel is told to begin
// writing: enough to be sequential, little enough to keep the next sync short.
const writebackBytes = 8 << 20

// Appended says which offsets an append got.
type Appended struct {
	Base int64 // of the first record
	End  int64 // after the last record

	term uint64 // see WaitAppended
}

// Append adds one or more whole encoded batches, back to back. Every batch is
// verified before anything is written; then base offset and leader epoch are
// patched into the caller's buffer. After an error the log is as before.
//
// Errors match record.ErrCorrupt, ErrTooLarge, ErrFull, ErrEmpty or ErrClosed
// where they apply; any other comes from the file system.
func (l *Log) Append(batches []byte, leaderEpoch int32) (Appended, error) {
	if err := l.verify(batches); err != nil {
		return Appended{}, err
	}
	l.wmu.Lock()
	defer l.wmu.Unlock()
	if err := l.ready(); err != nil {
		return Appended{}, err
	}
	offset := l.end
	for rest := batches; len(rest) > 0; {
		b, tail, err := record.Next(rest)
		if err != nil {
			return Appended{}, err
		}
		b.SetBaseOffset(offset)
		b.SetLeaderEpoch(leaderEpoch)
		offset, rest = b.NextOffset(), tail
	}
	if offset < 0 {
		return Appended{}, fmt.Errorf("%w: offsets overflow", record.ErrCorrupt)
	}
	return l.append(batches)
}

// AppendReplica adds batches as a leader has them: offsets and epochs are
// kept and must continue the log, else the error is an *OffsetMismatch.
// Otherwise it is Append.
func (l *Log) AppendReplica(batches []byte) (Appended, error) {
	if err := l.verify(batches); err != nil {
		return Appended{}, err
	}
	l.wmu.Lock()
	defer l.wmu.Unlock()
	if err := l.ready(); err != nil {
		return Appended{}, err
	}
	offset := l.end
	for rest := batches; len(rest) > 0; {
		b, tail, err := record.Next(rest)
		if err != nil {
			return Appended{}, err
		}
		if b.BaseOffset() != offset {
			return Appended{}, &OffsetMismatch{Offset: b.BaseOffset(), Want: offset}
		}
		offset, rest = b.NextOffset(), tail
	}
	return l.append(batches)
}

// verify checks every batch. It takes no lock: the CRC is the costly part of
// an append and can run beside other appends.
func (l *Log) verify(batches []byte) error {
	if len(batches) == 0 {
		return ErrEmpty
	}
	limit := l.cfg.Load().maxBatch()
	for len(batches) > 0 {
		b, rest, err := record.Next(batches)
		if err != nil {
			return err
		}
		if int64(len(b)) > limit {
			return &TooLarge{Size: int64(len(b)), Limit: limit}
		}
		if err := b.Verify(); err != nil {
			return err
		}
		batches = rest
	}
	return nil
}

// append writes verified and patched batches. The caller holds wmu.
func (l *Log) append(batches []byte) (Appended, error) {
	a := Appended{Base: l.end}
	now := l.clock.wall()
	l.mu.RLock()
	before := l.active()
	sum := before.idx.sum
	l.mu.RUnlock()
	if err := l.write(batches, now); err != nil {
		l.rollBack(before, sum)
		return Appended{}, err
	}
	l.mu.Lock()
	l.end = l.active().next
	if l.oldest.IsZero() {
		l.oldest = now
	}
	l.markStale(now)
	a.End, a.term = l.end, l.term
	due := l.cfg.Load().Durability == Interval && l.unsynced() >= l.cfg.Load().FlushBytes
	l.mu.Unlock()
	if due {
		// Waiting here holds the producer back when the device is slow, and
		// keeps the promise whoever forgets to call FlushIfDue. An error is
		// kept in the log and repaired by the next call.
		_ = l.flush()
	}
	return a, nil
}

// ready finishes what earlier failures left to do. The caller holds wmu.
func (l *Log) ready() error {
	l.mu.RLock()
	closed, failed := l.closed, l.failed
	l.mu.RUnlock()
	if closed {
		return ErrClosed
	}
	if err := l.catchUp(); err != nil {
		return err
	}
	if failed != nil {
		return l.heal()
	}
	return nil
}

// write puts batches into the active segment and, when they do not fit, into
// new ones. Readers do not see them yet.
func (l *Log) write(batches []byte, now time.Time) error {
	for len(batches) > 0 {
		cfg := l.cfg.Load()
		s := l.active()
		n := fitting(batches, cfg.SegmentBytes-s.size, s.base)
		if n == 0 {
			if err := l.roll(now); err != nil {
				return err
			}
			continue
		}
		if err := l.writeTo(s, batches[:n], now, cfg); err != nil {
			return err
		}
		batches = batches[n:]
	}
	return nil
}

// fitting returns how many bytes of whole batches fit into room in a segment
// that begins at base. Offsets in its index are 32 bits wide; as nobody has
// counted the records of a compressed batch, few bytes can claim many offsets.
func fitting(batches []byte, room, base int64) int {
	n := 0
	for n < len(batches) {
		b, _, err := record.Next(batches[n:])
		if err != nil || int64(n+len(b)) > room || b.NextOffset()-base > math.MaxUint32 {
			break
		}
		n += len(b)
	}
	return n
}

func (l *Log) writeTo(s *segment, batches []byte, now time.Time, cfg *Config) error {
	if err := l.beginEpochs(batches); err != nil {
		return err
	}
	h, err := l.open(s)
	if err != nil {
		return ioError(err, "append to %s", s.path)
	}
	defer h.release()
	if _, err := h.WriteAt(batches, s.size); err != nil {
		return ioError(err, "append to %s at byte %d", s.path, s.size)
	}
	from := s.size
	l.mu.Lock()
	if s.size == 0 {
		s.born = now
	}
	s.touched = now
	for rest := record.Batch(batches); len(rest) > 0; {
		b, tail, _ := record.Next(rest)
		s.add(head{
			pos: s.size, size: int64(len(b)), base: b.BaseOffset(), next: b.NextOffset(), maxTime: b.MaxTimestamp(),
		}, cfg)
		rest = tail
	}
	s.good.add(from, s.size)
	full := len(s.idx.tail) >= tailEntries
	l.mu.Unlock()
	if full {
		l.flushIndex(s)
	}
	if mark := s.size / writebackBytes; mark > from/writebackBytes && cfg.Durability != Never {
		to := mark * writebackBytes
		vfs.StartWriteback(h.File, to-writebackBytes, writebackBytes)
	}
	return nil
}

// add counts one more batch at the end of s. The caller holds Log.mu.
func (s *segment) add(h head, cfg *Config) {
	s.idx.add(s.base, h, cfg)
	s.size, s.next = h.end(), h.next
	s.maxTime = max(s.maxTime, h.maxTime)
}

// roll seals the active segment and begins a new one at its end. Unless the
// mode is Never the old segment is synced first, so that recovery never meets
// a later segment while an earlier one is torn. The caller holds wmu.
func (l *Log) roll(now time.Time) error {
	s := l.active()
	if s.size == 0 {
		return nil
	}
	if l.cfg.Load().Durability != Never {
		if err := l.flush(); err != nil {
			return err
		}
	}
	l.flushIndex(s)
	l.sealIndex(s)
	return l.begin(s.next, now)
}

// begin creates an empty active segment. The caller holds wmu.
func (l *Log) begin(base int64, now time.Time) error {
	n := newSegment(l.dir, base, now)
	f, err := l.fs.Create(n.path)
	if err != nil {
		return ioError(err, "create segment %s", n.path)
	}
	n.file = newHandle(f)
	n.used.Store(true)
	// An index left by a segment of the same name would only mislead.
	_ = l.fs.Remove(n.idx.path)
	n.idx.loaded = true
	l.mu.Lock()
	l.segs = append(l.segs, n)
	l.names = true
	l.mu.Unlock()
	l.events.rolled(Rolled{Dir: l.dir, Base: base})
	return nil
}
