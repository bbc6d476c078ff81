package log

import (
	"fmt"
	"io"
)

// skimTrusted takes over the part of s up to byte limit, which is known to be
// on the device. It reads the last index entry and the few headers after it.
// Damage in this part is found when it is read.
func (l *Log) skimTrusted(s *segment, h *handle, limit, upper int64) error {
	cfg := l.cfg.Load()
	e, n, ok := lastEntry(l.fs, s.idx.path, limit)
	if ok && n > 0 {
		w := newWalker(h.File, limit)
		_, err := w.head(int64(e.pos), s.base+int64(e.rel))
		w.release()
		// An index that was cut may come back after a crash, with the bytes
		// that it was cut for.
		ok = err == nil && s.base+int64(e.rel) < upper
	}
	if !ok {
		e, n = l.importIndex(s, h, limit, upper)
	}
	s.idx.filed = n
	s.next = s.base + int64(e.rel)
	size, err := skim(h.File, e, s.base, limit, upper, func(b head) {
		if n == 0 || b.pos != int64(e.pos) { // else it has the entry
			s.idx.add(s.base, b, cfg)
		}
		s.next, s.maxTime = b.next, max(s.maxTime, b.maxTime)
	})
	if err != nil {
		return err
	}
	s.size = size
	if added := len(s.idx.tail); n == 0 && added > 0 || added > 1 {
		l.events.rebuilt(Rebuilt{File: s.idx.path, Reason: fmt.Sprintf("%d entries were missing", added)})
	}
	return nil
}

// importIndex takes over an index file that has unused slots or goes beyond
// its segment, or makes room for a new one. It returns the last entry and the
// number of entries.
func (l *Log) importIndex(s *segment, h *handle, limit, upper int64) (entry, int) {
	list, ok, err := readIndex(l.fs, s.idx.path, int(l.cfg.Load().IndexBytes/indexEntrySize), limit)
	if err != nil || !ok {
		l.events.rebuilt(Rebuilt{File: s.idx.path, Reason: "file is missing or damaged"})
		_ = l.fs.Remove(s.idx.path)
		return entry{}, 0
	}
	n := len(list)
	for n > 0 && s.base+int64(list[n-1].rel) >= upper {
		n--
	}
	if l.writeIndex(s, nil, int64(n)*indexEntrySize) != nil || n == 0 {
		return entry{}, 0
	}
	w := newWalker(h.File, limit)
	defer w.release()
	if _, err := w.head(int64(list[n-1].pos), s.base+int64(list[n-1].rel)); err != nil {
		l.events.rebuilt(Rebuilt{File: s.idx.path, Reason: "entry points at no batch"})
		_ = l.fs.Remove(s.idx.path)
		return entry{}, 0
	}
	return list[n-1], n
}

// scan reads the batches of s from where it ends so far to byte size, and
// decides about what is not a good batch.
//
// Bytes up to p are known to have been on the device. Where they are bad now
// that is damage, however much it looks like a torn tail.
func (l *Log) scan(s *segment, h *handle, size, upper int64, p point) error {
	l.cutIndex(s, s.size)
	cfg := l.cfg.Load()
	last := upper == maxOffset
	from := s.size
	w := newScanner(h.File, size)
	defer w.release()
	for {
		b, err := w.whole(s.size, s.next)
		switch {
		case err == nil && b.next <= upper:
			s.add(b, cfg)
			l.epochs.observe(b.epoch, b.base)
			continue
		case err == nil:
			// The next segment was made to replace this tail.
			return l.cutTail(s, from, size, "replaced by the next segment")
		case err == io.EOF:
			s.good.add(from, s.size)
			return l.gap(s, upper)
		case isIOError(err):
			return err
		}
		trusted := s.base == p.base && s.size < p.pos && s.next < p.offset
		next, found, rerr := w.resync(s.size, s.next, upper, sizeOf(err))
		if rerr != nil {
			return rerr
		}
		if !found && trusted {
			next, found = head{pos: p.pos, base: p.offset}, true
		}
		if !found && last {
			return l.cutTail(s, from, size, err.Error())
		}
		if found && last && !trusted {
			lost, lerr := lostWrite(w, s.size, next.pos, s.next)
			if lerr != nil {
				return lerr
			}
			if lost {
				return l.cutTail(s, from, size, "a write was lost here: "+err.Error())
			}
		}
		s.good.add(from, s.size)
		d := hole{from: s.size, to: size, offset: s.next, next: upper, err: err}
		if found {
			d.to, d.next = next.pos, next.base
		}
		s.broken = append(s.broken, d)
		l.quarantine(s, h, d)
		s.size, s.next = d.to, d.next
		from = s.size
		if !found {
			return nil
		}
	}
}

// gap reports offsets between the end of s and the next segment.
func (l *Log) gap(s *segment, upper int64) error {
	if upper == maxOffset || s.next >= upper {
		return nil
	}
	d := hole{from: s.size, to: s.size, offset: s.next, next: upper, err: errMissing}
	l.events.quarantined(Quarantined{File: s.path, Position: d.from, Offset: d.offset, Next: d.next, Err: d.err})
	l.noteDamage(d.offset, d.next, d.err)
	return nil
}

// cutTail ends the file of s at its last good batch.
func (l *Log) cutTail(s *segment, from, size int64, reason string) error {
	s.good.add(from, s.size)
	if err := l.cutFile(s, true); err != nil {
		return err
	}
	l.events.truncated(Truncated{File: s.path, Offset: s.next, Bytes: size - s.size, Reason: reason})
	return nil
}

// lostWrite reports whether the damaged bytes look like a write that never
// reached the device while a later one did: some sector in them is all zero.
// Batches after such a place were written by then, but nobody was promised
// any of them, and cutting here keeps the loss a suffix.
func lostWrite(w *walker, from, to, offset int64) (bool, error) {
	const sector = 512
	for at := from; at < to; {
		end := min(at/sector*sector+sector, w.limit)
		zero := true
		for p := at; p < end; {
			b, err := w.some(p, end-p)
			if err != nil {
				return false, err
			}
			for _, c := range b {
				zero = zero && c == 0
			}
			p += int64(len(b))
		}
		// The first sector may begin before the damage, where a few zero
		// bytes say little. The last may reach into the next batch, whose
		// first bytes are zero too.
		if zero && (end-at == sector || at == from && !startsWithZeros(offset, end-at)) {
			return true, nil
		}
		at = end
	}
	return false, nil
}

// startsWithZeros reports whether the first n bytes of a batch at offset can
// be zero: the leading bytes of the offset, and of the length behind it.
func startsWithZeros(offset, n int64) bool {
	if n < 8 {
		return offset>>(64-8*n) == 0
	}
	return offset == 0 && n <= 10
}
