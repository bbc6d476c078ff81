package client

import (
	"context"
	"errors"
	"sync"
	"time"
)

// errMoved ends what was asked of an SPU that does not lead any more and has
// not said so itself.
var errMoved = errors.New("another SPU leads the partition")

// movedGrace is how long an SPU has to answer for itself after metadata shows
// another leader. One that is well says at once that it does not lead, or that
// the records are in the log; asking the new leader before that would send
// them twice. One that is dead, or cut off, never says anything, and waiting
// for the time-out of a request would take a minute.
const movedGrace = 300 * time.Millisecond

// term is the use that somebody makes of one SPU as the leader of a partition.
// ctx ends with errMoved when another SPU leads.
type term struct {
	of        *terms
	topic     string
	partition uint32
	leader    int32
	ctx       context.Context
	cancel    context.CancelCauseFunc

	grace *time.Timer // runs out soon; guarded by terms.mu
}

// terms compares all uses with what metadata says.
type terms struct {
	meta *metadata

	mu  sync.Mutex
	all map[*term]struct{}
}

func newTerms(meta *metadata) *terms {
	return &terms{meta: meta, all: make(map[*term]struct{})}
}

// begin notes a use; end it.
func (t *terms) begin(ctx context.Context, topic string, partition uint32, leader int32) *term {
	u := &term{of: t, topic: topic, partition: partition, leader: leader}
	u.ctx, u.cancel = context.WithCancelCause(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all[u] = struct{}{}
	t.check(u) // metadata may have changed since leader was looked up
	return u
}

// end is idempotent. u may be nil.
func (u *term) end() {
	if u == nil {
		return
	}
	u.of.mu.Lock()
	defer u.of.mu.Unlock()
	delete(u.of.all, u)
	if u.grace != nil {
		u.grace.Stop()
	}
	u.cancel(nil)
}

// why replaces the error of a call that ended because the leader moved.
func (u *term) why(err error) error {
	if err != nil && errors.Is(err, context.Canceled) && context.Cause(u.ctx) == errMoved {
		return errMoved
	}
	return err
}

// check begins or ends the grace of a use. t.mu is held.
func (t *terms) check(u *term) {
	moved := t.meta.topic(u.topic).leader(u.partition) != u.leader
	switch {
	case moved && u.grace == nil:
		u.grace = time.AfterFunc(movedGrace, func() { u.cancel(errMoved) })
	case !moved && u.grace != nil && u.grace.Stop():
		u.grace = nil
	}
}

// run is a goroutine of the client; it ends with ctx.
func (t *terms) run(ctx context.Context) {
	for {
		changed := t.meta.changes()
		t.mu.Lock()
		for u := range t.all {
			t.check(u)
		}
		t.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}
