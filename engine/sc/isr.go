package sc

import (
	"context"
	"fmt"
	"slices"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// alterISR handles a leader's wish for other in-sync sets. Each change is a
// compare-and-swap; all that are accepted share a commit, and the answer
// follows it. If it cannot be stored the leader learns nothing but that, and
// asks again.
func (s *SC) alterISR(ctx context.Context, conn *transport.ServerConn, n *session, r *transport.Request) error {
	var req api.AlterISRRequest
	if err := r.Decode(&req); err != nil {
		return err
	}
	resp := api.AlterISRResponse{Results: make([]api.ISRResult, len(req.Changes))}
	err := s.ctl.do(ctx, func() {
		for i := range req.Changes {
			resp.Results[i] = s.ctl.alterISR(n, &req.Changes[i])
		}
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		s.cfg.Logger.Warn("in-sync sets not changed", "spu", n.spu, "err", err)
		clear(resp.Results)
	}
	n.silence.begin()
	return conn.WriteResponse(r.CorrelationID, r.Version, &resp)
}

// alterISR changes one in-sync set, or says how things stand.
func (c *controller) alterISR(n *session, change *api.ISRChange) api.ISRResult {
	p := c.replica(change.Key)
	if p == nil || p.val.TopicID != change.TopicID || p.topic.val.Deleting {
		return api.ISRResult{}
	}
	isr, err := c.checkISR(p, n, change)
	switch {
	case err != nil:
		c.log.Debug("in-sync set not changed", "partition", p.name(), "spu", n.spu, "err", err)
	case !slices.Equal(isr, p.val.ISR):
		c.log.Info("in-sync set", "partition", p.name(), "isr", isr, "before", p.val.ISR)
		c.changeISR(p, isr)
		c.counters.isrChanges.Add(1)
	}
	return api.ISRResult{
		Accepted: err == nil, LeaderEpoch: p.val.LeaderEpoch, PartitionEpoch: p.val.PartitionEpoch, ISR: p.val.ISR,
	}
}

// checkISR returns the set that a change leads to, in the order of
// assignment, or why it is refused.
func (c *controller) checkISR(p *partition, n *session, change *api.ISRChange) ([]int32, error) {
	switch leader := c.byID[n.spu]; {
	case leader == nil || leader.session != n:
		return nil, fmt.Errorf("session of SPU %d is over", n.spu)
	case p.val.Leader != n.spu:
		return nil, fmt.Errorf("SPU %d leads", p.val.Leader)
	case change.LeaderEpoch != p.val.LeaderEpoch || change.PartitionEpoch != p.val.PartitionEpoch:
		return nil, fmt.Errorf("epochs are %d and %d, not %d and %d",
			p.val.LeaderEpoch, p.val.PartitionEpoch, change.LeaderEpoch, change.PartitionEpoch)
	case !slices.Contains(change.ISR, n.spu):
		return nil, fmt.Errorf("set %v is without the leader", change.ISR)
	}
	var isr []int32
	for _, id := range p.val.Replicas {
		if !slices.Contains(change.ISR, id) {
			continue
		}
		if r := p.replica(id); !p.inSync(id) && !c.staying(id) {
			return nil, fmt.Errorf("SPU %d is not there to stay", id)
		} else if !p.inSync(id) && !change.Vouches(id, c.byID[id].session.boot) {
			return nil, fmt.Errorf("what is known of SPU %d is of another start", id)
		} else if !p.inSync(id) && r.loss != api.LossNone {
			// It has yet to hear that it is not in sync, and to make that
			// known; otherwise it would say the same after its next start.
			return nil, fmt.Errorf("SPU %d is still without records", id)
		}
		isr = append(isr, id)
	}
	if len(isr) != len(change.ISR) {
		return nil, fmt.Errorf("set %v is not among the replicas %v", change.ISR, p.val.Replicas)
	}
	return isr, nil
}

// moveLeaders handles the goodbye of an SPU that is about to stop.
func (s *SC) moveLeaders(ctx context.Context, conn *transport.ServerConn, n *session, r *transport.Request) error {
	if err := r.Decode(&api.MoveLeadersRequest{}); err != nil {
		return err
	}
	var resp api.MoveLeadersResponse
	err := s.ctl.do(ctx, func() {
		if spu := s.ctl.byID[n.spu]; spu != nil && spu.session == n {
			resp.Remaining = s.ctl.moveLeaders(n)
		}
	})
	if err != nil {
		return err
	}
	n.silence.begin()
	return conn.WriteResponse(r.CorrelationID, r.Version, &resp)
}
