package log

import (
	"sync"
	"time"
)

// plausible is the earliest time that a clock can show in earnest. Machines
// without a battery start in 1970 and learn the time later.
var plausible = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// clock is the wall clock, and a cautious version of it for retention: a jump
// forward must not delete what has not aged.
type clock struct {
	now func() time.Time

	mu      sync.Mutex
	last    time.Time // reading of now
	trusted time.Time
}

func newClock(now func() time.Time) *clock {
	if now == nil {
		now = time.Now
	}
	t := now()
	return &clock{now: now, last: t, trusted: t.Round(0)}
}

func (c *clock) wall() time.Time { return c.now() }

// cautious is the wall clock, except that it runs at most at double speed: a
// clock that jumps forward by a day is believed after a day. The speed is
// measured with the monotonic reading where there is one. A clock set back is
// believed at once: that only keeps data longer.
func (c *clock) cautious() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.now()
	passed := max(t.Sub(c.last), 0)
	c.last = t
	return c.believe(t.Round(0), passed)
}

// believe sets and returns the trusted time, given what the wall shows and
// how much time has really passed since the last call.
func (c *clock) believe(wall time.Time, passed time.Duration) time.Time {
	limit := c.trusted.Add(2 * passed)
	if limit.Before(plausible) || wall.Before(limit) {
		limit = wall
	}
	c.trusted = limit
	return limit
}
