package transport

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/fluvio-go/fluvio/netproto/codec"
)

const (
	// DefaultMaxFrame is the longest frame payload accepted on a connection
	// that has proved to speak the protocol: 64 MiB. Batches may reach 32 MiB.
	DefaultMaxFrame = 64 << 20
	// DefaultFirstFrame is the longest frame payload accepted before that:
	// 64 KiB. It keeps strangers from reserving memory.
	DefaultFirstFrame = 64 << 10

	lengthSize      = 4
	correlationSize = 4

	// firstStep is what is allocated on the word of a length alone.
	firstStep = 64 << 10
	// clientStep is the same for a client, which chose its server. It covers
	// the default fetch of official consumers, 1,048,890 bytes, in one step.
	clientStep = 1<<20 + page
)

// FrameSizeError says that a frame announced an impossible length. Nothing
// after it on the connection can be read.
type FrameSizeError struct {
	Size int64 // as announced, bytes after the length field
	Max  int   // largest accepted
}

func (e *FrameSizeError) Error() string {
	if e.Size <= 0 {
		return fmt.Sprintf("frame announces %d bytes", e.Size)
	}
	return fmt.Sprintf("frame announces %d bytes, at most %d are accepted", e.Size, e.Max)
}

// frameLength checks the four bytes that open a frame.
func frameLength(b [lengthSize]byte, limit int) (int, error) {
	n := int32(binary.BigEndian.Uint32(b[:]))
	if n <= 0 || int64(n) > int64(limit) {
		return 0, &FrameSizeError{Size: int64(n), Max: limit}
	}
	return int(n), nil
}

// ReadFrame reads one frame and returns its payload, reusing buf's capacity.
// limit is the longest payload accepted, in bytes. However long a frame claims
// to be, memory grows only as its bytes arrive.
//
// The error is io.EOF if the input ends before the frame begins,
// io.ErrUnexpectedEOF if it ends inside, a *FrameSizeError, or the reader's.
func ReadFrame(r io.Reader, buf []byte, limit int) ([]byte, error) {
	// Through buf, because an array of our own would escape to the heap.
	if cap(buf) < lengthSize {
		buf = make([]byte, lengthSize)
	}
	buf = buf[:lengthSize]
	if _, err := io.ReadFull(r, buf); err != nil {
		return buf[:0], err
	}
	n, err := frameLength([lengthSize]byte(buf), limit)
	if err != nil {
		return buf[:0], err
	}
	got := 0
	for got < n {
		step := min(n, max(cap(buf), firstStep, 4*got))
		if buf = buf[:got]; step > cap(buf) {
			buf = enlarge(buf, step)
		}
		buf = buf[:step]
		m, err := io.ReadFull(r, buf[got:])
		got += m
		if err != nil {
			return buf[:0], unexpected(err)
		}
	}
	return buf, nil
}

// readPooled is ReadFrame's loop for a payload of n bytes into pool memory,
// of which up to step are taken at once.
func readPooled(r io.Reader, n, step int) (*buffer, error) {
	buf := getBuffer(min(n, step))
	got := 0
	for {
		m, err := io.ReadFull(r, buf.b[got:])
		got += m
		if err != nil {
			buf.put()
			return nil, unexpected(err)
		}
		if got == n {
			return buf, nil
		}
		next := getBuffer(min(n, 4*got))
		copy(next.b, buf.b)
		buf.put()
		buf = next
	}
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// RequestHeader opens every request frame. It is the same at all versions.
type RequestHeader struct {
	Key           uint16 // API key; its meaning depends on the server's role
	Version       int16  // encoding of the body and of every response to it
	CorrelationID int32  // chosen by the client, unique among its open requests
	ClientID      string // free text, at most codec.MaxString bytes
}

// Code visits the header.
func (h *RequestHeader) Code(c *codec.Coder) {
	c.U16(&h.Key)
	c.I16(&h.Version)
	c.I32(&h.CorrelationID)
	c.String(&h.ClientID)
}

// readFrame is ReadFrame into pool memory.
func readFrame(br *bufio.Reader, limit int) (*buffer, error) {
	n, err := readLength(br, limit)
	if err != nil {
		return nil, err
	}
	return readPooled(br, n, firstStep)
}

// readLength reads the four bytes that open a frame, without allocating.
func readLength(br *bufio.Reader, limit int) (int, error) {
	b, err := br.Peek(lengthSize)
	if err != nil {
		if len(b) > 0 {
			err = unexpected(err)
		}
		return 0, err
	}
	n, err := frameLength([lengthSize]byte(b), limit)
	if err == nil {
		_, err = br.Discard(lengthSize)
	}
	return n, err
}

// readCorrelation reads the header of a response.
func readCorrelation(br *bufio.Reader) (int32, error) {
	b, err := br.Peek(correlationSize)
	if err != nil {
		return 0, unexpected(err)
	}
	id := int32(binary.BigEndian.Uint32(b))
	_, err = br.Discard(correlationSize)
	return id, err
}
