package log

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
)

// errMoved says that the segment changed under a read, which starts over.
var errMoved = errors.New("segment changed")

// Read returns whole batches of one segment, beginning with the one that
// contains offset start. Together they have at most maxBytes, but there is at
// least one batch whatever its size. No batch contains offset end or lies
// beyond it; pass EndOffset or HighWatermark. The slice is empty when start
// is not below end, or when the first batch is not.
//
// The error is an *OffsetOutOfRange above EndOffset, an *OffsetEvicted below
// StartOffset and a *Damaged where the bytes are not what was written.
func (l *Log) Read(start int64, maxBytes int, end int64) (*Slice, error) {
	for range 8 {
		s, err := l.read(start, int64(maxBytes), end)
		if err != errMoved {
			return s, err
		}
	}
	return nil, fmt.Errorf("read offset %d of log %s: %w", start, l.dir, errMoved)
}

// view is a segment as a read sees it: the file with a reference, and copies
// of what Log.mu guards.
type view struct {
	s     *segment
	file  *handle
	size  int64 // bytes
	next  int64 // offset at size
	upper int64 // first offset that the segment cannot have
	from  entry // where to start looking for the offset asked for
}

func (l *Log) read(start, maxBytes, end int64) (*Slice, error) {
	v, end, err := l.view(start, end)
	if err != nil {
		return nil, err
	}
	if v.file == nil {
		return newSlice(nil, 0, 0, start, start), nil
	}
	s, err := l.cut(&v, start, maxBytes, end)
	if s == nil || s.file == nil {
		v.file.release()
	}
	return s, err
}

// cut finds the slice in a segment. Unless that is empty, the reference of v
// passes to it.
func (l *Log) cut(v *view, start, maxBytes, end int64) (*Slice, error) {
	w := newWalker(v.file.File, v.size)
	defer w.release()
	for {
		first, err := l.locate(w, v, start)
		if err != nil {
			return nil, err
		}
		to, next := first.end(), first.next
		if first.next <= end {
			if to, next, err = l.extent(w, v, first, maxBytes, end); err != nil {
				return nil, err
			}
		}
		bad, err := l.check(v, first, &to, &next)
		switch {
		case err != nil:
			return nil, err
		case bad == nil && first.next > end:
			return newSlice(nil, 0, 0, start, start), nil
		case bad == nil:
			return newSlice(v.file, first.pos, to-first.pos, first.base, next), nil
		case start < bad.next:
			return nil, bad.error(v.s)
		}
		// The damaged header only pretended to contain start.
		v.from = entry{uint32(bad.next - v.s.base), uint32(bad.to)}
	}
}

// view finds the segment of start and clips end. Without a file in it there
// is nothing to read.
func (l *Log) view(start, end int64) (view, int64, error) {
	for {
		l.mu.RLock()
		end = min(end, l.end)
		switch {
		case l.closed:
			l.mu.RUnlock()
			return view{}, 0, ErrClosed
		case start > l.end:
			err := &OffsetOutOfRange{Offset: start, End: l.end}
			l.mu.RUnlock()
			return view{}, 0, err
		case start < l.segs[0].base:
			err := &OffsetEvicted{Offset: start, Next: l.segs[0].base}
			l.mu.RUnlock()
			return view{}, 0, err
		case start >= end:
			l.mu.RUnlock()
			return view{}, end, nil
		}
		i := l.find(start)
		s := l.segs[i]
		v := view{s: s, size: s.size, next: s.next, upper: l.upper(i)}
		if s.file != nil && s.idx.loaded {
			s.used.Store(true)
			v.file = s.file.retain()
			v.from = s.idx.floor(uint32(start - s.base))
			l.mu.RUnlock()
			return v, end, nil
		}
		l.mu.RUnlock()
		if err := l.load(s); err != nil {
			return view{}, 0, l.unreadable(&v, start, 0, err)
		}
	}
}

// load opens the file and the index of a segment.
func (l *Log) load(s *segment) error {
	h, err := l.open(s)
	if err != nil {
		return err
	}
	defer h.release()
	return l.loadIndex(s, h)
}

// unreadable turns an I/O error into one that says where to read on.
func (l *Log) unreadable(v *view, offset, pos int64, err error) error {
	out := l.blameDevice(v, offset, pos, err)
	if d, ok := out.(*Damaged); ok {
		l.noteUnreadable(v.s, d.Next, err)
	}
	return out
}

func (l *Log) blameDevice(v *view, offset, pos int64, err error) error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return ErrClosed
	}
	if errors.Is(err, fs.ErrNotExist) && !slices.Contains(l.segs, v.s) {
		return errMoved // cleaned or truncated meanwhile
	}
	if v.s.size < v.size {
		return errMoved
	}
	next := v.upper
	if e, ok := v.s.idx.after(pos + walkWindow); ok {
		next = v.s.base + int64(e.rel)
	}
	return &Damaged{File: v.s.path, Position: pos, Offset: offset, Next: max(next, offset+1), Err: err}
}

// locate returns the batch that contains offset start.
func (l *Log) locate(w *walker, v *view, start int64) (head, error) {
	pos, off := int64(v.from.pos), v.s.base+int64(v.from.rel)
	indexed := pos > 0
	var prev head
	for {
		h, err := w.head(pos, off)
		switch {
		case err == nil && h.next > start:
			return h, nil
		case err == nil:
			prev, pos, off = h, h.end(), h.next
			continue
		case err == io.EOF:
			return head{}, hole{from: pos, offset: off, next: v.upper, err: errMissing}.error(v.s)
		case isIOError(err):
			return head{}, l.unreadable(v, start, pos, err)
		}
		if indexed && prev.size == 0 {
			// More likely a wrong index than a damaged batch.
			indexed = false
			if err := l.rebuildIndex(v.s, v.file, "entry points at no batch"); err != nil {
				return head{}, l.unreadable(v, start, pos, err)
			}
			l.mu.RLock()
			v.from = v.s.idx.floor(uint32(start - v.s.base))
			l.mu.RUnlock()
			pos, off = int64(v.from.pos), v.s.base+int64(v.from.rel)
			continue
		}
		pos, off, err = w.blame(prev, pos, off, err)
		d, err := l.damage(v, pos, off, err)
		if err != nil {
			return head{}, err
		}
		if start < d.next {
			return head{}, d.error(v.s)
		}
		prev, pos, off = head{}, d.to, d.next
	}
}

// errMissing is the Err of a Damaged whose bytes are not there at all.
var errMissing = errors.New("records are missing")

func (h hole) error(s *segment) error {
	return &Damaged{File: s.path, Position: h.from, Offset: h.offset, Next: h.next, Err: h.err}
}

// extent returns where the slice that begins with first ends: position and
// next offset.
func (l *Log) extent(w *walker, v *view, first head, maxBytes, end int64) (pos, next int64, err error) {
	if end >= v.next && v.size-first.pos <= maxBytes {
		return v.size, v.next, nil
	}
	pos, next = first.end(), first.next
	l.mu.RLock()
	e := v.s.idx.floor(uint32(min(end, v.next) - v.s.base))
	if limit := first.pos + maxBytes; limit < v.size {
		if p := v.s.idx.floorPos(uint32(limit)); p.pos < e.pos {
			e = p
		}
	}
	l.mu.RUnlock()
	if int64(e.pos) > pos && int64(e.pos) < v.size {
		// An index that is wrong must not cut a batch in two.
		if h, err := w.head(int64(e.pos), v.s.base+int64(e.rel)); err == nil {
			pos, next = h.pos, h.base
		}
	}
	for {
		h, err := w.head(pos, next)
		switch {
		case isIOError(err):
			return 0, 0, l.unreadable(v, next, pos, err)
		case err != nil, h.next > end, h.end()-first.pos > maxBytes:
			// A bad batch ends the slice; reading on from there reports it.
			return pos, next, nil
		}
		pos, next = h.end(), h.next
	}
}

// check verifies the CRC of batches that nobody has checked since the file
// was opened: sealed segments after a start or after they lay idle. A bad
// batch ends the slice; if it is the first it is returned.
func (l *Log) check(v *view, first head, to, next *int64) (*hole, error) {
	l.mu.RLock()
	ok := v.s.good.covers(first.pos, *to)
	l.mu.RUnlock()
	if ok {
		return nil, nil
	}
	w := newScanner(v.file.File, v.size)
	defer w.release()
	pos, off := first.pos, first.base
	for pos < *to {
		h, err := w.whole(pos, off)
		if err == nil {
			pos, off = h.end(), h.next
			continue
		}
		if pos > first.pos {
			break
		}
		if isIOError(err) {
			return nil, l.unreadable(v, off, pos, err)
		}
		d, err := l.damage(v, pos, off, err)
		if err != nil {
			return nil, err
		}
		return &d, nil
	}
	l.mu.Lock()
	if v.s.file == v.file {
		v.s.good.add(first.pos, pos)
	}
	l.mu.Unlock()
	*to, *next = pos, off
	return nil, nil
}

// damage finds out how far the damage at pos reaches, reports it the first
// time and remembers it.
func (l *Log) damage(v *view, pos, offset int64, cause error) (hole, error) {
	l.mu.RLock()
	for _, h := range v.s.broken {
		if h.from == pos {
			l.mu.RUnlock()
			return h, nil
		}
	}
	l.mu.RUnlock()
	w := newScanner(v.file.File, v.size)
	defer w.release()
	nh, found, err := w.resync(pos, offset, v.upper, sizeOf(cause))
	if err != nil {
		return hole{}, l.unreadable(v, offset, pos, err)
	}
	h := hole{from: pos, to: v.size, offset: offset, next: v.upper, err: cause}
	if found {
		h.to, h.next = nh.pos, nh.base
	}
	l.mu.Lock()
	if v.s.size < v.size || v.s.file != v.file {
		l.mu.Unlock()
		return hole{}, errMoved
	}
	known := slices.ContainsFunc(v.s.broken, func(o hole) bool { return o.from == h.from })
	if !known {
		v.s.broken = append(v.s.broken, h)
	}
	l.mu.Unlock()
	if !known {
		l.quarantine(v.s, v.file, h)
	}
	return h, nil
}
