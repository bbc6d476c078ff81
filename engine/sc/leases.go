package sc

import (
	"context"
	"errors"
	"time"
)

// lease is the time in which an SPU that is not connected may still act as a
// leader. Nobody else is elected in its place meanwhile. An SPU that is
// connected holds a lease without one of these; one that took its leave, or
// is known to have started again, holds none.
type lease struct {
	timer *time.Timer
}

// mayLead reports whether an SPU may be acting as a leader at this moment.
func (c *controller) mayLead(id int32) bool {
	return c.online(id) || c.leases[id] != nil
}

// departed reports whether an SPU is not there and not expected: it took its leave,
// or was not heard for its lease.
func (c *controller) departed(id int32) bool {
	if c.online(id) {
		return false
	}
	s := c.byID[id]
	return c.leases[id] == nil || s != nil && s.left
}

func (c *controller) online(id int32) bool {
	s := c.byID[id]
	return s != nil && s.session != nil
}

// startLease has the leaderships of an SPU rest for a while.
func (c *controller) startLease(id int32, d time.Duration) {
	c.endLease(id)
	l := new(lease)
	l.timer = time.AfterFunc(max(d, 0), func() {
		c.doSurely(func() {
			if c.leases[id] != l {
				return
			}
			delete(c.leases, id)
			c.unsettleHosted(id)
		})
	})
	c.leases[id] = l
}

func (c *controller) endLease(id int32) {
	if l := c.leases[id]; l != nil {
		l.timer.Stop()
		delete(c.leases, id)
	}
}

// awaitRegistrations gives SPUs that were here before a controller started
// the time to come back, before others take their leaderships.
func (c *controller) awaitRegistrations() {
	for id, s := range c.byID {
		if s.val.Boot != 0 && s.session == nil {
			c.startLease(id, c.timeouts.Registration)
		}
	}
}

// doSurely runs f in the controller, which must not miss it: not even when it
// cannot read its metadata for a while. It returns when f ran or the
// controller has stopped.
func (c *controller) doSurely(f func()) {
	for {
		ran := false
		err := c.do(context.Background(), func() {
			ran = true
			f()
		})
		if errors.Is(err, errStopped) || ran {
			return
		}
		select {
		case <-time.After(retryPause):
		case <-c.stopped:
		}
	}
}

// retryPause is between attempts to do what a broken store prevents.
const retryPause = 100 * time.Millisecond
