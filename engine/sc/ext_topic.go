package sc

import (
	"cmp"
	"context"
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
		if len(req.Names) == 0 {
			for _, t := range s.ctl.topics {
				resp.Topics = append(resp.Topics, s.ctl.describe(t))
			}
			return
		}
		slices.Sort(req.Names)
		for _, name := range slices.Compact(req.Names) {
			if t := s.ctl.topics[name]; t != nil {
				resp.Topics = append(resp.Topics, s.ctl.describe(t))
			}
		}
	})
	if err != nil {
		return reply{}, err
	}
	slices.SortFunc(resp.Topics, func(a, b api.ExtTopic) int { return cmp.Compare(a.Name, b.Name) })
	return reply{msg: resp}, nil
}

func (c *controller) describe(t *topic) api.ExtTopic {
	out := api.ExtTopic{Name: t.name, ID: t.val.ID, Spec: t.val.Spec, Status: t.val.Status, Config: t.val.Config}
	out.Status.Reason = c.reason(t)
	return out
}
