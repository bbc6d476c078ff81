package produce

import (
	"bytes"
	"io"

	"github.com/fluvio-go/fluvio/client"
)

// readSize is how much is read at once. A pipe on Linux holds 64 KiB; files
// profit from more.
const readSize = 256 << 10

// lineReader cuts an input into lines. It returns a line as soon as it is
// complete and never waits for more than that.
type lineReader struct {
	r       io.Reader
	max     int // longest line, bytes
	buf     []byte
	start   int // of the line being looked for
	scanned int // up to here there is no newline
	end     int // of what was read
	err     error
	count   int // lines returned so far
}

func newLineReader(r io.Reader, limit int) *lineReader {
	return &lineReader{r: r, max: limit, buf: make([]byte, readSize)}
}

// next returns the next line without its LF or CR LF. It is valid until the
// following call. The error is io.EOF at the end, a
// *client.RecordTooLargeError, or that of the input.
func (l *lineReader) next() ([]byte, error) {
	for {
		if i := bytes.IndexByte(l.buf[l.scanned:l.end], '\n'); i >= 0 {
			line := l.buf[l.start : l.scanned+i]
			l.start = l.scanned + i + 1
			l.scanned = l.start
			if n := len(line); n > 0 && line[n-1] == '\r' {
				line = line[:n-1]
			}
			return l.counted(line)
		}
		l.scanned = l.end
		if l.err != nil {
			return l.rest()
		}
		if n := l.end - l.start; n > l.max {
			return nil, &client.RecordTooLargeError{Size: n, Max: l.max}
		}
		l.fill()
	}
}

// rest returns what follows the last newline, once.
func (l *lineReader) rest() ([]byte, error) {
	if l.err != io.EOF || l.start == l.end {
		return nil, l.err
	}
	line := l.buf[l.start:l.end]
	l.start = l.end
	return l.counted(line)
}

func (l *lineReader) counted(line []byte) ([]byte, error) {
	if len(line) > l.max {
		return nil, &client.RecordTooLargeError{Size: len(line), Max: l.max}
	}
	l.count++
	return line, nil
}

// fill reads once, making room first.
func (l *lineReader) fill() {
	if l.end == len(l.buf) {
		l.makeRoom()
	}
	n, err := l.r.Read(l.buf[l.end:])
	l.end += n
	l.err = err
}

// makeRoom moves the incomplete line to the front, into a larger buffer if it
// takes more than half of this one.
func (l *lineReader) makeRoom() {
	pending := l.buf[l.start:l.end]
	if len(pending) > len(l.buf)/2 {
		l.buf = make([]byte, 2*len(l.buf))
	}
	l.end = copy(l.buf, pending)
	l.scanned -= l.start
	l.start = 0
}
