package transport

import (
	"encoding/binary"
	"io"
	"math"
	"net"
	"os"
	"sync"
	"time"

	"github.com/fluvio-go/fluvio/netproto/codec"
)

// FileSection is a range of bytes to send without passing them through the
// message encoder. The log's slices satisfy it.
type FileSection interface {
	// Size is the number of bytes; it must not change.
	Size() int64
	// File is the open file and the position of the first byte, or ok false
	// when the bytes do not lie in one operating system file. The file must
	// stay open, and its position is neither used nor moved.
	File() (f *os.File, offset int64, ok bool)
	// WriteTo writes all bytes; it is used when File is not.
	WriteTo(w io.Writer) (int64, error)
}

const (
	// progressChunk is how much may be written per write timeout.
	progressChunk = 256 << 10
	// copyChunk is the buffer for files when sendfile cannot be used.
	copyChunk = 128 << 10
	// inlineSection is up to what size a section is read into the same buffer
	// as its head: one write, and one wake-up of the peer, instead of two.
	inlineSection = 16 << 10
	// keepEncoder is the largest encoding buffer that is kept for reuse. A full
	// produce queue of default size, 100 batches of 16 KiB, fits.
	keepEncoder = 4 << 20
)

// encoder is a pooled Coder with its output.
type encoder struct {
	c   codec.Coder
	buf []byte
	id  correlation // here because a local one would escape
}

var encoders = sync.Pool{New: func() any { return new(encoder) }}

func (e *encoder) put() {
	if cap(e.buf) > keepEncoder {
		e.buf = nil
	}
	encoders.Put(e)
}

// encode makes buf a frame, of which extra more bytes follow elsewhere.
func (e *encoder) encode(version int16, extra int64, parts ...codec.Message) error {
	e.c.ResetEncode(append(e.buf[:0], 0, 0, 0, 0), version)
	for _, m := range parts {
		m.Code(&e.c)
	}
	e.buf = e.c.Bytes()
	if err := e.c.Err(); err != nil {
		return err
	}
	n := int64(len(e.buf)-lengthSize) + extra
	if extra < 0 || n > math.MaxInt32 {
		return &FrameSizeError{Size: n, Max: math.MaxInt32}
	}
	binary.BigEndian.PutUint32(e.buf, uint32(n))
	return nil
}

// encodeResponse is encode for a response.
func (e *encoder) encodeResponse(id int32, version int16, extra int64, m codec.Message) error {
	e.id = correlation(id)
	return e.encode(version, extra, &e.id, m)
}

// correlation is the response header.
type correlation int32

func (id *correlation) Code(c *codec.Coder) { c.I32((*int32)(id)) }

// frameWriter puts whole frames on a connection. Its methods must be called
// one at a time; after an error the connection is out of step and must be
// closed.
type frameWriter struct {
	nc      net.Conn
	timeout time.Duration // without progress; 0 none
	file    fileSender    // nil state unless the connection can sendfile
}

// arm starts the timeout for the next piece.
func (w *frameWriter) arm() error {
	if w.timeout <= 0 {
		return nil
	}
	return w.nc.SetWriteDeadline(time.Now().Add(w.timeout))
}

// Write writes all of p, renewing the timeout as pieces get through.
func (w *frameWriter) Write(p []byte) (int, error) {
	if w.timeout <= 0 {
		return w.nc.Write(p)
	}
	done := 0
	for {
		piece := p[done:min(len(p), done+progressChunk)]
		if err := w.arm(); err != nil {
			return done, err
		}
		n, err := w.nc.Write(piece)
		done += n
		if err != nil || done == len(p) {
			return done, err
		}
	}
}

// writeSection writes head and then the section.
func (w *frameWriter) writeSection(head []byte, s FileSection) error {
	f, off, ok := s.File()
	if !ok {
		return w.writeForeign(head, s)
	}
	if w.file.usable() {
		return w.file.send(w, head, f, off, s.Size())
	}
	return w.copyFile(head, f, off, s.Size())
}

// writeForeign lets the section write itself.
func (w *frameWriter) writeForeign(head []byte, s FileSection) error {
	if _, err := w.Write(head); err != nil {
		return err
	}
	n, err := s.WriteTo(w)
	if err == nil && n != s.Size() {
		err = ErrFileTruncated
	}
	return err
}

// copyFile reads and writes in turn. The head leaves with the first piece.
func (w *frameWriter) copyFile(head []byte, f *os.File, off, size int64) error {
	buf := getBuffer(copyChunk)
	defer buf.put()
	if len(head) > copyChunk/2 {
		if _, err := w.Write(head); err != nil {
			return err
		}
		head = nil
	}
	for n := copy(buf.b, head); ; n = 0 {
		m := int(min(size, int64(copyChunk-n)))
		if err := readFull(f, buf.b[n:n+m], off); err != nil {
			return err
		}
		if _, err := w.Write(buf.b[:n+m]); err != nil {
			return err
		}
		if off, size = off+int64(m), size-int64(m); size == 0 {
			return nil
		}
	}
}

// readFull is ReadAt with an end of file named for what it means here.
func readFull(f *os.File, p []byte, off int64) error {
	n, err := f.ReadAt(p, off)
	if n == len(p) {
		return nil
	}
	if err == io.EOF {
		return ErrFileTruncated
	}
	return err
}
