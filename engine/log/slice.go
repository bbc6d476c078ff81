package log

import (
	"io"
	"os"
	"sync"
)

// Slice is a run of whole batches inside one segment. It holds a reference
// to the file: the bytes stay readable when the segment is removed, the log
// closed or its directory deleted. Call Release exactly once and do not use
// the Slice afterwards; it is reused.
type Slice struct {
	file        *handle
	pos, n      int64
	start, next int64
}

var (
	slicePool = sync.Pool{New: func() any { return new(Slice) }}
	copyPool  = sync.Pool{New: func() any { b := make([]byte, 128<<10); return &b }}
)

func newSlice(h *handle, pos, n, start, next int64) *Slice {
	s := slicePool.Get().(*Slice)
	*s = Slice{file: h, pos: pos, n: n, start: start, next: next}
	return s
}

// StartOffset is the base offset of the first batch, which may be below the
// offset asked for; of an empty slice, the offset asked for.
func (s *Slice) StartOffset() int64 { return s.start }

// EndOffset is the offset after the last record: where to read on.
func (s *Slice) EndOffset() int64 { return s.next }

// Len is the number of bytes.
func (s *Slice) Len() int { return int(s.n) }

// File is the file with the position and length of the slice in it, for
// sendfile with an explicit position. The position of the file itself is
// shared by all readers and must not be used. ok is false if the slice is
// empty or the file system has no such files.
func (s *Slice) File() (f *os.File, pos, n int64, ok bool) {
	if s.file == nil {
		return nil, 0, 0, false
	}
	f = s.file.OS()
	return f, s.pos, s.n, f != nil
}

// ReadAt reads from byte off of the slice. It implements io.ReaderAt.
func (s *Slice) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= s.n {
		return 0, io.EOF
	}
	short := int64(len(p)) > s.n-off
	if short {
		p = p[:s.n-off]
	}
	n, err := s.file.ReadAt(p, s.pos+off)
	switch {
	case n < len(p) && (err == nil || err == io.EOF):
		return n, io.ErrUnexpectedEOF // the tail was truncated meanwhile
	case n < len(p):
		return n, err
	case short:
		return n, io.EOF
	}
	return n, nil
}

// WriteTo copies the slice through a pooled buffer. It implements
// io.WriterTo.
func (s *Slice) WriteTo(w io.Writer) (int64, error) {
	buf := copyPool.Get().(*[]byte)
	defer copyPool.Put(buf)
	var done int64
	for done < s.n {
		b := (*buf)[:min(int64(len(*buf)), s.n-done)]
		if _, err := s.ReadAt(b, done); err != nil && err != io.EOF {
			return done, err
		}
		n, err := w.Write(b)
		done += int64(n)
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// Bytes appends the content of the slice to dst.
func (s *Slice) Bytes(dst []byte) ([]byte, error) {
	at := len(dst)
	dst = append(dst, make([]byte, s.n)...)
	if s.n == 0 {
		return dst, nil
	}
	if _, err := s.ReadAt(dst[at:], 0); err != nil && err != io.EOF {
		return dst[:at], err
	}
	return dst, nil
}

// Release gives the slice back.
func (s *Slice) Release() {
	if s.file != nil {
		s.file.release()
	}
	*s = Slice{}
	slicePool.Put(s)
}
