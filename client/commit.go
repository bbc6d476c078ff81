package client

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// errNoSession: the stream was restored and has received nothing yet, and the
// protocol stores offsets only through a stream that has.
var errNoSession = errors.New("offset cannot be stored before the next record arrives")

// closeCommit bounds what Close spends on storing offsets.
const closeCommit = 5 * time.Second

// storedOffset returns the offset to resume at, -1 if there is none.
func (s *stream) storedOffset(ctx context.Context) (int64, error) {
	g := s.c.cfg.group
	if g == nil {
		return -1, nil
	}
	key := replica(s.c.topic, s.id)
	list, err := s.c.cl.fetchConsumerOffsets(ctx, &api.ConsumerOffsetFilter{Replica: &key, ConsumerID: &g.id})
	if err != nil {
		return -1, err
	}
	for _, o := range list {
		if o.ConsumerID == g.id && o.Replica == key && o.Offset >= 0 {
			return o.Offset + 1, nil
		}
	}
	return -1, nil
}

func (s *stream) setSession(now session) {
	s.mu.Lock()
	s.session = now
	s.mu.Unlock()
}

// consumed notes that the application is done with an offset.
func (s *stream) consumed(offset int64) {
	if s.c.cfg.group == nil {
		return
	}
	s.mu.Lock()
	s.seen = max(s.seen, offset)
	s.mu.Unlock()
}

// commit stores the newest consumed offset if that is still to do.
func (s *stream) commit(ctx context.Context) error {
	s.mu.Lock()
	seen, to, stored := s.seen, s.session, s.stored
	s.mu.Unlock()
	if seen <= stored {
		return nil
	}
	if to.link == nil {
		return partitionError(s.c.topic, s.id, errNoSession)
	}
	req := &api.UpdateConsumerOffsetRequest{Offset: seen, SessionID: to.id}
	var resp api.UpdateConsumerOffsetResponse
	version := to.link.versions.PickOrDefault(api.KeyUpdateConsumerOffset)
	if err := to.link.call(ctx, api.KeyUpdateConsumerOffset, version, req, &resp); err != nil {
		return partitionError(s.c.topic, s.id, err)
	}
	if resp.Error.ID != api.OK {
		return &Error{Code: resp.Error, Topic: s.c.topic, Partition: int32(s.id)}
	}
	s.mu.Lock()
	s.stored = max(s.stored, seen)
	s.mu.Unlock()
	return nil
}

// Commit stores, for every partition, the offset of the last record consumed:
// the one whose turn of the loop has ended. It needs the Group option.
func (c *Consumer) Commit(ctx context.Context) error {
	if c.cfg.group == nil {
		return ErrNoGroup
	}
	var errs []error
	for _, s := range c.streams {
		errs = append(errs, s.commit(ctx))
	}
	return errors.Join(errs...)
}

// autoCommit stores offsets at the interval of the Group option. What fails is
// tried again at the next turn.
func (c *Consumer) autoCommit() {
	t := time.NewTicker(c.cfg.group.auto)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-c.ctx.Done():
			return
		}
		if err := c.Commit(c.ctx); err != nil && c.ctx.Err() == nil {
			c.cl.cfg.logger.Info("commit", slog.String("topic", c.topic), slog.Any("err", err))
		}
	}
}

// lastCommit is the commit of Close.
func (c *Consumer) lastCommit() error {
	if c.cfg.group == nil || c.cfg.group.auto == 0 || c.ctx.Err() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, closeCommit)
	defer cancel()
	return c.Commit(ctx)
}
