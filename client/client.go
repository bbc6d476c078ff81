package client

import (
	"context"
	"errors"
	"sync"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// Client is a connection to one cluster. Producers, consumers and Admin share
// it: one connection to the SC with the metadata it pushes, and one connection
// to each SPU in use. It is safe for concurrent use.
type Client struct {
	cfg  *config
	sc   *peer
	meta *metadata
	spus *pool

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	platform string
	children map[closer]struct{}
}

// closer is a producer or consumer that ends with its client.
type closer interface{ abort() }

// Dial connects to the SC of a cluster: the active profile's, unless options
// say otherwise. ctx bounds the call, not the life of the client.
//
// The error matches ErrConfig for bad options, ErrIncompatible for a cluster
// that this client cannot talk to, or is a *transport.ConnError.
func Dial(ctx context.Context, opts ...Option) (*Client, error) {
	cfg, err := newConfig(opts)
	if err != nil {
		return nil, err
	}
	c := &Client{cfg: cfg, children: make(map[closer]struct{})}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.sc = newPeer(cfg.dialSC)
	l, err := c.sc.get(ctx)
	if err != nil {
		c.cancel()
		return nil, err
	}
	c.platform = l.versions.Platform
	c.meta = newMetadata(cfg, c.sc)
	c.spus = newPool(cfg, c.meta)
	c.tasks.Go(func() { c.meta.run(c.ctx) })
	c.tasks.Go(func() { c.spus.terms.run(c.ctx) })
	return c, nil
}

// PlatformVersion is the release that the SC reported when Dial connected.
func (c *Client) PlatformVersion() string { return c.platform }

// Endpoint is the address of the SC.
func (c *Client) Endpoint() string { return c.cfg.endpoint }

// Close ends all producers and consumers, without waiting for records that
// are still queued, and all connections. Use Producer.Close or Flush first. It
// is idempotent and returns when every goroutine is gone.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	children := c.children
	c.children = nil
	c.mu.Unlock()
	c.cancel()
	for child := range children {
		child.abort()
	}
	c.tasks.Wait()
	c.spus.close()
	c.sc.close()
	return nil
}

// adopt makes Close end child. It fails if the client is closed.
func (c *Client) adopt(child closer) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return ErrClosed
	}
	c.children[child] = struct{}{}
	return nil
}

func (c *Client) release(child closer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.children, child)
}

// bind returns ctx that also ends when the client closes.
func (c *Client) bind(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.ctx, func() { cancel(ErrClosed) })
	return ctx, func() { stop(); cancel(nil) }
}

// closing replaces the context error of a bound context by ErrClosed when
// that is why it ended.
func (c *Client) closing(err error) error {
	if err != nil && c.ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return ErrClosed
	}
	return err
}

// topic waits until metadata knows the topic and returns it. Unknown locally
// is not the last word: the topic may be newer than our last update, so the
// SC is asked.
func (c *Client) topic(ctx context.Context, name string) (*topicView, error) {
	ctx, cancel := c.bind(ctx)
	defer cancel()
	ctx, stop := context.WithTimeoutCause(ctx, c.cfg.metadata, errMetadataTimeout)
	defer stop()
	if err := c.meta.ready(ctx); err != nil {
		return nil, c.lookupError(ctx, "Partition", err)
	}
	if v := c.meta.topic(name); v.exists() {
		return v, nil
	}
	if err := c.confirmTopic(ctx, name); err != nil {
		return nil, c.lookupError(ctx, "Topic", err)
	}
	v, err := c.meta.await(ctx, name, (*topicView).exists)
	if err != nil {
		return nil, c.lookupError(ctx, "Partition", err)
	}
	return v, nil
}

// confirmTopic asks the SC whether a topic exists and can come to life.
func (c *Client) confirmTopic(ctx context.Context, name string) error {
	for _, system := range []bool{false, true} {
		topics, err := c.Admin().Topics(ctx, ListOptions{Filters: []string{name}, System: system})
		if err != nil {
			return err
		}
		for i := range topics {
			if topics[i].Name == name {
				return checkProvisioned(&topics[i])
			}
		}
	}
	return topicNotFound(name)
}

// checkProvisioned refuses a topic that waits for somebody to act.
func checkProvisioned(t *api.Topic) error {
	switch t.Status.Resolution {
	case api.TopicInsufficientResources, api.TopicInvalidConfig, api.TopicPending:
		reason := t.Status.Resolution.String()
		if t.Status.Reason != "" {
			reason += ": " + t.Status.Reason
		}
		return &Error{
			Code: api.ErrorCode{ID: api.TopicNotProvisioned}, Topic: t.Name, Partition: -1,
			Err: errors.New(reason),
		}
	case api.TopicDeleting:
		return topicNotFound(t.Name)
	}
	return nil
}
