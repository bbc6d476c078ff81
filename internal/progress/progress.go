package progress

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/fluvio-go/fluvio/internal/iostreams"
)

const tick = 100 * time.Millisecond

var frames = [...]string{"/", "-", "\\", "|"}

// Reporter prints steps. Its methods may be called from any goroutine.
type Reporter struct {
	w    io.Writer
	mode mode

	mu    sync.Mutex
	step  string // what the spinner shows; empty when it is off
	frame int
	stop  chan struct{}
	done  chan struct{}
}

type mode int

const (
	headlines mode = iota
	plain
	spinner
)

// New returns a Reporter for io. ci is whether the CI variable is set, which
// makes every line appear whatever the output is. Close it.
func New(io *iostreams.Streams, ci bool) *Reporter {
	r := &Reporter{w: io.Err}
	switch {
	case ci:
		r.mode = plain
	case io.ErrTTY():
		r.mode = spinner
		r.stop, r.done = make(chan struct{}), make(chan struct{})
		go r.spin()
	}
	return r
}

// Headline prints a line in every form.
func (r *Reporter) Headline(line string) { r.print(line) }

// Done prints the line of a finished step; without a terminal or CI it does
// not appear.
func (r *Reporter) Done(line string) {
	if r.mode == headlines {
		return
	}
	r.mu.Lock()
	r.step = ""
	r.mu.Unlock()
	r.print(line)
}

// Step says what is being done: on a terminal beside the spinner, in CI as a
// line of its own.
func (r *Reporter) Step(line string) {
	switch r.mode {
	case plain:
		r.print(line)
	case spinner:
		r.mu.Lock()
		r.step = line
		r.draw()
		r.mu.Unlock()
	}
}

func (r *Reporter) print(line string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mode == spinner {
		fmt.Fprint(r.w, "\r\x1b[K")
	}
	fmt.Fprintln(r.w, line)
	if r.mode == spinner {
		r.draw()
	}
}

// draw paints the spinner. r.mu is held.
func (r *Reporter) draw() {
	if r.step != "" {
		fmt.Fprintf(r.w, "\r\x1b[K%s %s", r.step, frames[r.frame%len(frames)])
	}
}

func (r *Reporter) spin() {
	defer close(r.done)
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-t.C:
			r.mu.Lock()
			r.frame++
			r.draw()
			r.mu.Unlock()
		}
	}
}

// Close erases the spinner. It is idempotent.
func (r *Reporter) Close() {
	if r.mode != spinner || r.stop == nil {
		return
	}
	close(r.stop)
	<-r.done
	r.stop = nil
	fmt.Fprint(r.w, "\r\x1b[K")
}
