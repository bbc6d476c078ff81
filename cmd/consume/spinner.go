package consume

import (
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	tick = 100 * time.Millisecond
	// patience is the number of ticks without a record after which a person is
	// told why nothing is shown.
	patience = 10
)

var frames = [...]string{"/", "-", `\`, "|"}

// spins reports whether a person watches both streams.
func spins(opts *options) bool {
	return opts.f.IO.OutTTY() && opts.f.IO.ErrTTY() && !opts.noSpinner
}

// spinner shows on the error output that the program waits for records.
type spinner struct {
	w    io.Writer
	hint string // shown once if nothing arrives; empty for none
	quit chan struct{}
	done chan struct{}
	once sync.Once

	mu    sync.Mutex // held while records are printed
	drawn bool
	frame int
}

func newSpinner(opts *options) *spinner {
	s := &spinner{w: opts.f.IO.Err, quit: make(chan struct{}), done: make(chan struct{})}
	if opts.atEnd() && opts.f.IO.Hints() {
		s.hint = fmt.Sprintf("waiting for new records on %s; add -B to read from the beginning", opts.topic)
	}
	go s.run()
	return s
}

// atEnd reports whether only records that are yet to come are read.
func (o *options) atEnd() bool {
	return !o.beginning && !o.disable && o.consumer == "" &&
		o.head.Value == nil && o.tail.Value == nil && o.start.Value == nil
}

func (s *spinner) run() {
	defer close(s.done)
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			s.draw()
		case <-s.quit:
			return
		}
	}
}

func (s *spinner) draw() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.frame++
	if s.frame == patience && s.hint != "" {
		s.erase()
		fmt.Fprintln(s.w, s.hint)
	}
	s.drawn = true
	fmt.Fprint(s.w, "\r"+frames[s.frame%len(frames)])
}

func (s *spinner) erase() {
	if s.drawn {
		fmt.Fprint(s.w, "\r\x1b[K")
		s.drawn = false
	}
}

// pause removes the spinner until resume, so that records have the line.
func (s *spinner) pause() {
	s.mu.Lock()
	s.erase()
	s.hint = ""
}

func (s *spinner) resume() { s.mu.Unlock() }

// stop removes the spinner for good. It is idempotent.
func (s *spinner) stop() {
	s.once.Do(func() {
		close(s.quit)
		<-s.done
		s.mu.Lock()
		defer s.mu.Unlock()
		s.erase()
	})
}
