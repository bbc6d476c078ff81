package spu

import (
	"context"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// FetchOffsets (1002): log start and high watermark. Zeros with
// PartitionNotLeader where this SPU does not lead. Clients look at the
// offsets whatever the code says, so a wrong one is worse than a late one: the
// high watermark of a new leader may be behind what its predecessor told
// people, and "from the end on" would begin with old records. The answer waits
// until it cannot be, which takes the followers one fetch.
func (c *conn) fetchOffsets(r *transport.Request) (codec.Message, error) {
	var req api.FetchOffsetsRequest
	if err := r.Decode(&req); err != nil {
		return nil, err
	}
	resp := &api.FetchOffsetsResponse{Topics: make([]api.OffsetsTopicResult, len(req.Topics))}
	settled := true
	for i, topic := range req.Topics {
		out := &resp.Topics[i]
		out.Name = topic.Name
		out.Partitions = make([]api.PartitionOffsets, len(topic.Partitions))
		for j, n := range topic.Partitions {
			var t *term
			out.Partitions[j], t = c.srv.offsets(api.ReplicaKey{Topic: topic.Name, Partition: n})
			settled = settled && t == nil
		}
	}
	if settled {
		return resp, nil
	}
	c.settleOffsets(r.CorrelationID, r.Version, resp)
	return nil, nil
}

// settleOffsets answers once every high watermark is as high as clients may
// know it.
func (c *conn) settleOffsets(id int32, version int16, resp *api.FetchOffsetsResponse) {
	c.srv.inflight.Add(1)
	c.nc.Go(func(ctx context.Context) {
		defer c.srv.done(1)
		for i := range resp.Topics {
			topic := &resp.Topics[i]
			for j := range topic.Partitions {
				out := &topic.Partitions[j]
				*out = c.srv.settledOffsets(ctx, api.ReplicaKey{Topic: topic.Name, Partition: out.Partition})
			}
		}
		// An error closes the connection, which ends its reader too.
		_ = c.nc.WriteResponse(id, version, resp)
	})
}

// settledOffsets is offsets when they are settled, or ctx has ended.
func (s *Server) settledOffsets(ctx context.Context, key api.ReplicaKey) api.PartitionOffsets {
	w := newWaiter()
	for {
		res, t := s.offsets(key)
		p := s.replicas.get(key)
		if t == nil || p == nil || ctx.Err() != nil {
			return res
		}
		p.hw.await(&w, t.start-1)
		if _, again := s.offsets(key); again == t {
			select {
			case <-w.wake:
			case <-t.over:
			case <-ctx.Done():
			}
		}
		p.hw.leave(&w)
	}
}

// offsets returns what a partition answers now. t is the term of leadership
// that has yet to find out what is committed, if there is one.
func (s *Server) offsets(key api.ReplicaKey) (res api.PartitionOffsets, t *term) {
	res = api.PartitionOffsets{Partition: key.Partition}
	res.Error.ID = api.PartitionNotLeader
	p := s.replicas.get(key)
	if p == nil {
		return res, nil
	}
	p.role.RLock()
	defer p.role.RUnlock()
	if !p.leads() {
		return res, nil
	}
	res.Error.ID = api.OK
	res.StartOffset, res.LastStableOffset = p.log.StartOffset(), p.log.HighWatermark()
	if p.hw.end.Load() < p.term.start {
		t = p.term
	}
	return res, t
}
