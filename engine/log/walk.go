package log

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
	"github.com/fluvio-go/fluvio/netproto/record"
)

// crcStart is where the part of a batch begins that its CRC covers: after the
// fields that a leader patches and the CRC itself.
const crcStart = 21

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// head is a batch as its header tells it, and where it lies in a segment.
type head struct {
	pos, size  int64 // bytes
	base, next int64 // offsets: of the first record, after the last
	epoch      int32
	crc        uint32
	maxTime    int64 // ms, -1 none
	payload    int64 // position of the records, when a count can be read there, else 0
}

func (h head) end() int64 { return h.pos + h.size }

// walker reads batches of a segment from front to back through a window of
// the file. It is pooled: get one with newWalker or newScanner.
type walker struct {
	file  io.ReaderAt
	limit int64 // the segment ends here, whatever the file has behind it
	buf   []byte
	off   int64 // position of buf[0]
	n     int   // bytes in the window
	pool  *sync.Pool
}

const (
	walkWindow = 8 << 10   // headers only: little is wasted on a jump
	scanWindow = 256 << 10 // whole batches: few system calls
)

var (
	walkers  = sync.Pool{New: func() any { return &walker{buf: make([]byte, walkWindow)} }}
	scanners = sync.Pool{New: func() any { return &walker{buf: make([]byte, scanWindow)} }}
)

// newWalker is for following headers.
func newWalker(f vfs.File, limit int64) *walker { return fromPool(&walkers, f, limit) }

// newScanner is for reading whole batches.
func newScanner(f vfs.File, limit int64) *walker { return fromPool(&scanners, f, limit) }

func fromPool(p *sync.Pool, f vfs.File, limit int64) *walker {
	w := p.Get().(*walker)
	w.file, w.limit, w.off, w.n, w.pool = f, limit, 0, 0, p
	return w
}

func (w *walker) release() {
	w.file = nil
	w.pool.Put(w)
}

// some returns at least one and at most max bytes at pos.
func (w *walker) some(pos, max int64) ([]byte, error) {
	if pos < w.off || pos >= w.off+int64(w.n) {
		if err := w.fill(pos); err != nil {
			return nil, err
		}
	}
	b := w.buf[pos-w.off : w.n]
	return b[:min(int64(len(b)), max)], nil
}

// peek returns n bytes at pos; n is at most the window.
func (w *walker) peek(pos, n int64) ([]byte, error) {
	if pos < w.off || pos+n > w.off+int64(w.n) {
		if err := w.fill(pos); err != nil {
			return nil, err
		}
		if int64(w.n) < n {
			return nil, io.ErrUnexpectedEOF
		}
	}
	return w.buf[pos-w.off:][:n], nil
}

func (w *walker) fill(pos int64) error {
	want := min(int64(len(w.buf)), w.limit-pos)
	if want <= 0 {
		return io.EOF
	}
	w.off, w.n = pos, 0
	n, err := w.file.ReadAt(w.buf[:want], pos)
	w.n = n
	if int64(n) == want {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// badBatch is damage found in the bytes of a batch, as opposed to an I/O
// error while reading them.
type badBatch struct {
	size int64 // what its length field says, if that is possible; else 0
	err  error
}

func (e *badBatch) Error() string { return e.err.Error() }
func (e *badBatch) Unwrap() error { return e.err }

func corrupt(size int64, format string, args ...any) error {
	return &badBatch{size: size, err: fmt.Errorf("%w: %s", record.ErrCorrupt, fmt.Sprintf(format, args...))}
}

// head reads the header at pos. Its base offset must be expect, unless expect
// is negative. The error is io.EOF at the limit, a *badBatch if the header
// cannot be right, or an I/O error.
func (w *walker) head(pos, expect int64) (head, error) {
	left := w.limit - pos
	if left == 0 {
		return head{}, io.EOF
	}
	if left < record.HeaderSize {
		return head{}, &badBatch{err: record.ErrTorn}
	}
	b, err := w.peek(pos, record.HeaderSize)
	if err != nil {
		return head{}, err
	}
	size, err := record.SizeFromPreamble(b)
	if err != nil {
		return head{}, &badBatch{err: err}
	}
	if int64(size) > left {
		return head{}, &badBatch{err: record.ErrTorn}
	}
	batch := record.Batch(b)
	h := head{
		pos: pos, size: int64(size),
		base: batch.BaseOffset(), next: batch.NextOffset(),
		epoch: batch.LeaderEpoch(), crc: batch.CRC(), maxTime: batch.MaxTimestamp(),
	}
	if m := batch.Magic(); m != record.Magic {
		return head{}, corrupt(h.size, "magic is %d, want %d", m, record.Magic)
	}
	if h.base < 0 || h.next <= h.base {
		return head{}, corrupt(h.size, "it claims offsets %d to %d", h.base, h.next-1)
	}
	if expect >= 0 && h.base != expect {
		return head{}, corrupt(h.size, "base offset is %d, want %d", h.base, expect)
	}
	start := pos + record.HeaderSize
	if batch.HasSchema() {
		start += 4
	}
	if batch.Codec() == record.None {
		h.payload = start
	} else if start > h.end() {
		return head{}, corrupt(h.size, "no room for the schema id it announces")
	}
	return h, nil
}

// verify reads the whole batch and checks what record.Batch.Verify checks. It
// does not allocate when the batch is good.
func (w *walker) verify(h head) error {
	var crc uint32
	for p := h.pos + crcStart; p < h.end(); {
		b, err := w.some(p, h.end()-p)
		if err != nil {
			return err
		}
		crc = crc32.Update(crc, castagnoli, b)
		p += int64(len(b))
	}
	if crc != h.crc {
		return corrupt(h.size, "CRC-32C is %08x, header says %08x", crc, h.crc)
	}
	if h.payload == 0 {
		return nil
	}
	if h.payload+4 > h.end() {
		return corrupt(h.size, "no record count")
	}
	b, err := w.peek(h.payload, 4)
	if err != nil {
		return err
	}
	if n := int64(int32(binary.BigEndian.Uint32(b))); n != h.next-h.base {
		return corrupt(h.size, "%d records, header claims %d", n, h.next-h.base)
	}
	return nil
}

// whole reads and verifies the batch at pos.
func (w *walker) whole(pos, expect int64) (head, error) {
	h, err := w.head(pos, expect)
	if err != nil {
		return head{}, err
	}
	return h, w.verify(h)
}

// resync finds the first good batch after the bad one at pos, where the batch
// of offset expect should have been. Offsets of what it finds are from expect
// to below upper. It first believes the length field of the bad
// batch, then tries every byte.
func (w *walker) resync(pos, expect, upper, size int64) (h head, found bool, err error) {
	fits := func(h head) bool { return h.base >= expect && h.next <= upper }
	if size > 0 {
		switch h, err := w.whole(pos+size, -1); {
		case err == nil && fits(h):
			return h, true, nil
		case isIOError(err):
			return head{}, false, err
		}
	}
	for p := pos + 1; p+record.HeaderSize <= w.limit; p++ {
		b, err := w.peek(p, record.HeaderSize)
		if err != nil {
			return head{}, false, err
		}
		// Cheap tests first: nearly every byte fails them.
		if b[16] != record.Magic {
			continue
		}
		if base := record.Batch(b).BaseOffset(); base < expect || base >= upper {
			continue
		}
		switch h, err := w.whole(p, -1); {
		case err == nil && fits(h):
			return h, true, nil
		case isIOError(err):
			return head{}, false, err
		}
	}
	return head{}, false, nil
}

// isIOError tells a file that cannot be read from one that holds bad bytes.
func isIOError(err error) bool {
	var bad *badBatch
	return err != nil && !errors.Is(err, io.EOF) && !errors.As(err, &bad)
}

// skim follows headers from an entry up to byte limit and offset upper,
// without checking contents, and calls each for every batch. Where the chain
// of headers breaks it looks for the next good batch. It returns the position
// at which it stopped: limit, or less if batches from upper on follow.
func skim(f vfs.File, from entry, base, limit, upper int64, each func(head)) (int64, error) {
	w := newWalker(f, limit)
	defer w.release()
	pos, off := int64(from.pos), base+int64(from.rel)
	var prev head // not yet passed to each: its header is unchecked
	flush := func() {
		if prev.size > 0 {
			each(prev)
			prev = head{}
		}
	}
	for pos < limit {
		h, err := w.head(pos, off)
		if err == nil && h.next > upper {
			if err = w.verify(h); err == nil {
				flush()
				return pos, nil
			}
		}
		if isIOError(err) {
			return pos, err
		}
		if err == nil {
			flush()
			prev, pos, off = h, h.end(), h.next
			continue
		}
		pos, off, err = w.blame(prev, pos, off, err)
		if pos != prev.pos {
			flush()
		}
		prev = head{}
		next, found, err := w.resync(pos, off, upper, sizeOf(err))
		if err != nil {
			return pos, err
		}
		if !found {
			return limit, nil
		}
		prev, pos, off = next, next.end(), next.next
	}
	flush()
	return pos, nil
}

// blame says which batch is to blame for a header that does not follow: the
// one at pos, or the one before if its own content is bad, since then its
// length and count may have led astray. It returns where the damage begins.
func (w *walker) blame(prev head, pos, off int64, cause error) (int64, int64, error) {
	if prev.size > 0 {
		if err := w.verify(prev); err != nil && !isIOError(err) {
			return prev.pos, prev.base, err
		}
	}
	return pos, off, cause
}

// sizeOf is the size of a bad batch as far as its header tells.
func sizeOf(err error) int64 {
	var bad *badBatch
	if errors.As(err, &bad) {
		return bad.size
	}
	return 0
}
