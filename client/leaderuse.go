package client

import (
	"context"
	"errors"
	"sync"
	"time"
)

// movedGrace is how long a leader that was replaced may still take to answer.
// One that lives says at once that it does not lead any more, or answers what
// it had done before. One that the network or its machine has left in the
// middle of a request says nothing, and nor does the connection.
const movedGrace = 500 * time.Millisecond

// errLeaderMoved ends the wait for such an answer.
var errLeaderMoved = errors.New("the leader has moved and the former one does not answer")

// leaderUse is one user of a partition's leader, with one request or stream at
// a time. It gives up when metadata shows another leader and the one that was
// asked stays silent; waiting for the time-out of the request would make a
// minute of what the cluster has repaired in seconds.
type leaderUse struct {
	c         *Client
	topic     string
	partition uint32
	base      context.Context // of all uses

	mu     sync.Mutex
	spu    int32 // noLeader between uses
	turn   uint64
	due    uint64 // turn for which a timer runs
	ctx    context.Context
	cancel context.CancelCauseFunc
}

// useLeader begins a user; ctx ends all that it does.
func (c *Client) useLeader(ctx context.Context, topic string, partition uint32) *leaderUse {
	u := &leaderUse{c: c, topic: topic, partition: partition, base: ctx, spu: noLeader}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.uses[u] = struct{}{}
	return u
}

// close ends a user.
func (u *leaderUse) close() {
	u.c.mu.Lock()
	delete(u.c.uses, u)
	u.c.mu.Unlock()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.cancel != nil {
		u.cancel(nil)
	}
}

// do runs f with a connection to the leader. It does not wait for metadata;
// the errors that may pass are Retryable.
func (u *leaderUse) do(f func(ctx context.Context, l *link) error) error {
	id, err := u.c.spus.leader(u.topic, u.partition)
	if err != nil {
		return err
	}
	ctx := u.begin(id)
	defer u.end()
	l, err := u.c.spus.link(ctx, id)
	if err == nil {
		err = f(ctx, l)
	}
	if err != nil && context.Cause(ctx) == errLeaderMoved {
		if l != nil {
			l.Conn.Close() // as after a time-out
		}
		return errLeaderMoved
	}
	return err
}

func (u *leaderUse) begin(spu int32) context.Context {
	u.mu.Lock()
	if u.ctx == nil || u.ctx.Err() != nil {
		u.ctx, u.cancel = context.WithCancelCause(u.base)
	}
	u.spu = spu
	u.turn++
	ctx := u.ctx
	u.mu.Unlock()
	u.check() // metadata may have changed since spu was taken from it
	return ctx
}

func (u *leaderUse) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.spu = noLeader
}

// check looks whether another SPU leads than the one in use.
func (u *leaderUse) check() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if turn := u.turn; u.moved() && u.due != turn {
		u.due = turn
		time.AfterFunc(movedGrace, func() { u.giveUp(turn) })
	}
}

// moved is for a caller with u.mu. While nobody is known to lead there is
// nothing better to do than to wait.
func (u *leaderUse) moved() bool {
	if u.spu == noLeader {
		return false
	}
	now := u.c.meta.topic(u.topic).leader(u.partition)
	return now != noLeader && now != u.spu
}

func (u *leaderUse) giveUp(turn uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.turn != turn {
		return
	}
	u.due = 0
	if u.moved() {
		u.cancel(errLeaderMoved)
	}
}

// watchLeaders tells users when leaders move.
func (c *Client) watchLeaders() {
	for {
		changed := c.meta.changes()
		c.mu.Lock()
		for u := range c.uses {
			u.check()
		}
		c.mu.Unlock()
		select {
		case <-changed:
		case <-c.ctx.Done():
			return
		}
	}
}
