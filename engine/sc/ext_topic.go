package sc

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// extCreateTopic is ExtCreateTopic (31001), version 1: a create of a topic
// with settings that upstream does not have.
func (s *SC) extCreateTopic(ctx context.Context, r *transport.Request) (reply, error) {
	var req api.ExtCreateTopicRequest
	if err := r.Decode(&req); err != nil {
		return reply{}, err
	}
	wait := s.cfg.Timeouts.Provision
	if req.Timeout != nil {
		wait = min(wait, time.Duration(*req.Timeout)*time.Millisecond)
	}
	return s.createTopic(ctx, &topicRequest{req.Name, req.DryRun, req.Spec, req.Config, wait})
}

// extDescribeTopics is ExtDescribeTopics (31002), version 1: topics by exact
// name, system topics included, with everything we know of them.
func (s *SC) extDescribeTopics(ctx context.Context, r *transport.Request) (reply, error) {
	var req api.ExtDescribeTopicsRequest
	if err := r.Decode(&req); err != nil {
		return reply{}, err
	}
	resp := &api.ExtDescribeTopicsResponse{}
	err := s.ctl.do(ctx, func() {
		for _, t := range s.ctl.named(req.Names) {
			resp.Topics = append(resp.Topics, s.ctl.describe(t))
		}
	})
	if err != nil {
		return reply{}, err
	}
	return reply{msg: resp}, nil
}

// named returns the topics of these names that exist, by name; all if there
// are no names.
func (c *controller) named(names []string) []*topic {
	if len(names) == 0 {
		names = slices.Collect(maps.Keys(c.topics))
	}
	slices.Sort(names)
	var out []*topic
	for _, name := range slices.Compact(names) {
		if t := c.topics[name]; t != nil {
			out = append(out, t)
		}
	}
	return out
}

// extDescribePartitions is ExtDescribePartitions (31003), version 1: the
// partitions of topics by exact name, with what is known of each replica.
func (s *SC) extDescribePartitions(ctx context.Context, r *transport.Request) (reply, error) {
	var req api.ExtDescribePartitionsRequest
	if err := r.Decode(&req); err != nil {
		return reply{}, err
	}
	resp := &api.ExtDescribePartitionsResponse{}
	err := s.ctl.do(ctx, func() {
		for _, t := range s.ctl.named(req.Topics) {
			for _, p := range t.parts {
				if p != nil {
					resp.Partitions = append(resp.Partitions, s.ctl.describePartition(p))
				}
			}
		}
	})
	if err != nil {
		return reply{}, err
	}
	return reply{msg: resp}, nil
}

func (c *controller) describe(t *topic) api.ExtTopic {
	out := api.ExtTopic{Name: t.name, ID: t.val.ID, Spec: t.val.Spec, Status: t.val.Status, Config: t.val.Config}
	out.Status.Reason = c.reason(t)
	return out
}
