package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// ErrNoGroup: the call needs a consumer with the Group option.
var ErrNoGroup = errors.New("the offset management is disabled for the stream")

// group is the identity under which a consumer's offsets are stored.
type group struct {
	id   string
	auto time.Duration // 0: only Commit stores
}

// Group stores the offset of the last consumed record under a consumer id, and
// resumes after it. With autoCommit above 0 records count as consumed when the
// loop asks for the next one, and the offset is stored at that interval and at
// Close; with 0 only Commit stores it. From(At(n)) overrules what is stored.
func Group(id string, autoCommit time.Duration) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.group = &group{id: id, auto: autoCommit} })
}

func (g *group) validate() error {
	if g.id == "" {
		return fmt.Errorf("%w: Consumer id is required when using offset strategy", ErrConfig)
	}
	if g.auto < 0 {
		return fmt.Errorf("%w: commit interval is %v", ErrConfig, g.auto)
	}
	return nil
}

// offsetLink connects to the leader of the topic that holds stored offsets.
func (c *Client) offsetLink(ctx context.Context) (*link, error) {
	if _, err := c.topic(ctx, api.ConsumerOffsetTopic); err != nil {
		return nil, err
	}
	l, _, err := c.spus.leader(ctx, api.ConsumerOffsetTopic, 0)
	return l, err
}

// ConsumerOffsets lists the stored offsets of all consumers.
func (c *Client) ConsumerOffsets(ctx context.Context) ([]api.ConsumerOffset, error) {
	return c.fetchConsumerOffsets(ctx, nil)
}

func (c *Client) fetchConsumerOffsets(ctx context.Context, filter *api.ConsumerOffsetFilter) ([]api.ConsumerOffset, error) {
	ctx, cancel := c.bind(ctx)
	defer cancel()
	l, err := c.offsetLink(ctx)
	if err != nil {
		return nil, c.closing(err)
	}
	var resp api.FetchConsumerOffsetsResponse
	req := &api.FetchConsumerOffsetsRequest{Filter: filter}
	if err := l.call(ctx, api.KeyFetchConsumerOffsets, l.versions.PickOrDefault(api.KeyFetchConsumerOffsets), req, &resp); err != nil {
		return nil, c.closing(err)
	}
	if resp.Error.ID != api.OK {
		return nil, &Error{Code: resp.Error, Topic: api.ConsumerOffsetTopic, Partition: 0}
	}
	return resp.Consumers, nil
}

// DeleteConsumerOffset forgets the stored offset of a consumer in a partition.
func (c *Client) DeleteConsumerOffset(ctx context.Context, consumer, topic string, partition uint32) error {
	ctx, cancel := c.bind(ctx)
	defer cancel()
	l, err := c.offsetLink(ctx)
	if err != nil {
		return c.closing(err)
	}
	req := &api.DeleteConsumerOffsetRequest{Replica: replica(topic, partition), ConsumerID: consumer}
	var resp api.DeleteConsumerOffsetResponse
	if err := l.call(ctx, api.KeyDeleteConsumerOffset, l.versions.PickOrDefault(api.KeyDeleteConsumerOffset), req, &resp); err != nil {
		return c.closing(err)
	}
	if resp.Error.ID != api.OK {
		return &Error{Code: resp.Error, Topic: topic, Partition: int32(partition)}
	}
	return nil
}
