package sc

import (
	"sync"
	"time"
)

// silence calls a function when a peer has said nothing for too long. It is
// stopped while the peer waits for us.
type silence struct {
	after time.Duration
	slack time.Duration
	end   func()

	mu    sync.Mutex
	timer *time.Timer
	due   time.Time
	on    bool
}

func newSilence(t *Timeouts, end func()) *silence {
	s := &silence{after: t.SpuSilence, slack: t.Heartbeat, end: end}
	s.begin()
	return s
}

// begin starts to count from now.
func (s *silence) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on, s.due = true, time.Now().Add(s.after)
	if s.timer == nil {
		s.timer = time.AfterFunc(s.after, s.over)
	} else {
		s.timer.Reset(s.after)
	}
}

func (s *silence) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.on = false
	s.timer.Stop()
}

// over is called when the time is up. If that is late we did not get to run,
// and what the peer said meanwhile has yet to be read.
func (s *silence) over() {
	s.mu.Lock()
	late := time.Since(s.due) >= s.slack
	ended := s.on && !late && !time.Now().Before(s.due)
	if s.on && late {
		s.due = time.Now().Add(s.after)
		s.timer.Reset(s.after)
	}
	s.mu.Unlock()
	if ended {
		s.end()
	}
}
