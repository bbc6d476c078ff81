package sc

import (
	"context"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// update is Update (1006), versions 11 to 19, which only topics have. Adding
// partitions is answered when it is stored; watchers hear when the partitions
// are there.
func (s *SC) update(ctx context.Context, r *transport.Request) (reply, error) {
	b, err := typed(r)
	if err != nil {
		return reply{}, err
	}
	if b.Label != api.LabelTopic {
		return unknownType("update"), nil
	}
	var req api.UpdateTopic
	if err := payload(r, &b, &req); err != nil {
		return reply{}, err
	}
	var status *api.Status
	err = s.ctl.do(ctx, func() { status = s.ctl.updateTopic(&req) })
	if ctx.Err() != nil {
		return reply{}, ctx.Err()
	}
	if err != nil {
		status = fail(req.Name, api.TopicError, "error: %v", err)
	}
	return reply{msg: status}, nil
}

func (c *controller) updateTopic(req *api.UpdateTopic) *api.Status {
	t := c.topics[req.Name]
	switch {
	case t == nil || t.val.Deleting:
		return fail(req.Name, api.TopicNotFound, "not found")
	case t.val.Spec.System:
		return systemTopic(api.SystemSpecUpdatingAttempt, req.Name)
	case req.Action == api.ActionAddMirror:
		// Every remote is unknown: this release has none.
		return fail(req.Name, api.MirrorNotFound, "not found")
	case t.val.Spec.Replicas.Kind != api.ReplicasComputed:
		return fail(req.Name, api.TopicInvalidReplicaType, "invalid replica type")
	case req.Count == 0:
		return fail(req.Name, api.TopicError, "partition must be greater than 0")
	}
	now := t.val.Spec.Replicas.Computed.Partitions
	if uint64(now)+uint64(req.Count) > uint64(c.limits.partitions) {
		return fail(req.Name, api.TopicInvalidConfiguration, "%d and %d more partitions are more than the maximum of %d",
			now, req.Count, c.limits.partitions)
	}
	v := *t.val
	v.Spec.Replicas.Computed.Partitions = now + req.Count
	c.putTopic(t.name, &v)
	c.log.Info("topic gets more partitions", "topic", t.name, "partitions", now+req.Count)
	return api.StatusOK(req.Name)
}
