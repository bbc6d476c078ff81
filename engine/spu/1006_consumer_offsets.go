package spu

import (
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// Consumer offsets (1006 to 1008). No offset is stored: commits are refused
// with the code that says so, lists are empty, and a deletion finds its offset
// gone already. Clients that merely ask where they were go on from the start
// they were given.

var offsetsReplica = api.ReplicaKey{Topic: api.ConsumerOffsetTopic}

// updateConsumerOffset (1006) takes the consumer from the stream.
func (c *conn) updateConsumerOffset(r *transport.Request) (codec.Message, error) {
	var req api.UpdateConsumerOffsetRequest
	if err := r.Decode(&req); err != nil {
		return nil, err
	}
	resp := &api.UpdateConsumerOffsetResponse{}
	switch s := c.stream(req.SessionID); {
	case s == nil:
		resp.Error.ID = api.FetchSessionNotFound
	case !s.consumer:
		resp.Error = api.Errorf("stream without consumer id")
	default:
		resp.Offset, resp.Error.ID = req.Offset, api.OffsetManagementDisabled
	}
	return resp, nil
}

// deleteConsumerOffset (1007) and fetchConsumerOffsets (1008) are for the
// leader of the topic that holds the offsets.
func (c *conn) deleteConsumerOffset(r *transport.Request) (codec.Message, error) {
	var req api.DeleteConsumerOffsetRequest
	if err := r.Decode(&req); err != nil {
		return nil, err
	}
	return &api.DeleteConsumerOffsetResponse{Error: c.srv.leadsOffsets()}, nil
}

func (c *conn) fetchConsumerOffsets(r *transport.Request) (codec.Message, error) {
	var req api.FetchConsumerOffsetsRequest
	if err := r.Decode(&req); err != nil {
		return nil, err
	}
	return &api.FetchConsumerOffsetsResponse{Error: c.srv.leadsOffsets()}, nil
}

func (s *Server) leadsOffsets() api.ErrorCode {
	if p := s.replicas.get(offsetsReplica); p == nil || p.leader() == nil {
		return api.ErrorCode{ID: api.PartitionNotLeader}
	}
	return api.ErrorCode{}
}
