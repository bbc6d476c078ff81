package spu

import (
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// FetchOffsets (1002): log start and high watermark. Zeros with
// PartitionNotLeader where this SPU does not lead. Clients look at the
// offsets whatever the code says.
func (c *conn) fetchOffsets(r *transport.Request) (codec.Message, error) {
	var req api.FetchOffsetsRequest
	if err := r.Decode(&req); err != nil {
		return nil, err
	}
	resp := &api.FetchOffsetsResponse{Topics: make([]api.OffsetsTopicResult, len(req.Topics))}
	for i, topic := range req.Topics {
		out := &resp.Topics[i]
		out.Name = topic.Name
		out.Partitions = make([]api.PartitionOffsets, len(topic.Partitions))
		for j, n := range topic.Partitions {
			out.Partitions[j] = c.srv.offsets(api.ReplicaKey{Topic: topic.Name, Partition: n})
		}
	}
	return resp, nil
}

func (s *Server) offsets(key api.ReplicaKey) api.PartitionOffsets {
	res := api.PartitionOffsets{Partition: key.Partition}
	p := s.replicas.get(key)
	if p == nil {
		res.Error.ID = api.PartitionNotLeader
		return res
	}
	l := p.leader()
	if l == nil {
		res.Error.ID = api.PartitionNotLeader
		return res
	}
	res.StartOffset, res.LastStableOffset = l.StartOffset(), l.HighWatermark()
	return res
}
