package consume

import (
	"io"
	"sync"
	"time"

	"github.com/fluvio-go/fluvio/internal/recfmt"
)

const (
	// gather is how much text is written at once while records come fast.
	gather = 128 << 10
	// flushAfter is how long a record may wait for company. A person does not
	// notice it; a fast stream fills the buffer in less.
	flushAfter = 2 * time.Millisecond
	// keepBuffer is the largest buffer that is kept after a huge record.
	keepBuffer = 1 << 20
)

// sink prints records into large writes. What is left is written by a timer,
// so a record is out within milliseconds whatever comes after it.
type sink struct {
	w       io.Writer
	printer *recfmt.Printer
	failed  func(error) // told about a failure that print has no chance to return
	spinner *spinner    // nil when there is none

	mu    sync.Mutex
	buf   []byte
	timer *time.Timer
	armed bool // the timer runs and will flush
	err   error
}

func newSink(w io.Writer, printer *recfmt.Printer, failed func(error)) *sink {
	s := &sink{w: w, printer: printer, failed: failed}
	s.timer = time.AfterFunc(time.Hour, s.expire)
	s.timer.Stop()
	return s
}

// print formats one record. The error is that of an earlier or this write, and
// stays.
func (s *sink) print(r *recfmt.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf = s.printer.Append(s.buf, r)
	switch {
	case len(s.buf) >= gather:
		s.write()
	case !s.armed && len(s.buf) > 0:
		s.armed = true
		s.timer.Reset(flushAfter)
	}
	return s.err
}

// expire is the timer's function.
func (s *sink) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = false
	if s.write(); s.err != nil {
		s.failed(s.err)
	}
}

// flush writes what there is.
func (s *sink) flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.write()
	return s.err
}

// close flushes and ends the timer.
func (s *sink) close() error {
	s.timer.Stop()
	return s.flush()
}

// write hands over the buffer. s.mu is held.
func (s *sink) write() {
	if len(s.buf) == 0 || s.err != nil {
		return
	}
	if s.spinner != nil {
		s.spinner.pause()
		defer s.spinner.resume()
	}
	_, s.err = s.w.Write(s.buf)
	s.buf = s.buf[:0]
	if cap(s.buf) > keepBuffer {
		s.buf = nil
	}
}
