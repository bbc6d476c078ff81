package spu

import (
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// Fetch (1), versions 0 to 25: reads once, without waiting. No current client
// sends it. The answer may hold records of many partitions, so it is built in
// memory, within Limits.MaxFetchBytes: a partition that finds the budget used
// up answers without records, as if it had none.
func (c *conn) fetch(r *transport.Request) (codec.Message, error) {
	var req api.FetchRequest
	if err := r.Decode(&req); err != nil {
		return nil, err
	}
	if r.Version < 3 {
		req.MaxBytes = int32(min(c.srv.cfg.MaxFetchBytes, 1<<30))
	}
	budget := c.srv.cfg.MaxFetchBytes
	resp := &api.FetchResponse{Topics: make([]api.FetchedTopic, len(req.Topics))}
	for i := range req.Topics {
		topic := &req.Topics[i]
		out := &resp.Topics[i]
		out.Name = topic.Name
		out.Partitions = make([]api.FetchedPartition, len(topic.Partitions))
		for j := range topic.Partitions {
			res := &out.Partitions[j]
			c.fetchOne(api.ReplicaKey{Topic: topic.Name, Partition: topic.Partitions[j].Partition},
				topic.Partitions[j].FetchOffset, min(int(req.MaxBytes), budget), req.Isolation, res)
			budget -= len(res.Records.Bytes)
		}
	}
	return resp, nil
}

func (c *conn) fetchOne(key api.ReplicaKey, offset int64, maxBytes int, iso api.Isolation, res *api.FetchedPartition) {
	res.Partition = key.Partition
	p := c.srv.replicas.get(key)
	if p == nil {
		res.Error.ID = api.NotLeaderForPartition
		return
	}
	l := p.leader()
	if l == nil {
		res.Error.ID = api.NotLeaderForPartition
		return
	}
	res.HighWatermark, res.LogStartOffset = l.HighWatermark(), l.StartOffset()
	end := p.ends(iso).end.Load()
	if maxBytes <= 0 && offset >= res.LogStartOffset && offset <= end {
		return
	}
	slice, err := l.Read(offset, max(maxBytes, 0), end)
	if err != nil {
		p.noteReadError(err)
		res.Error = readCode(err)
		return
	}
	defer slice.Release()
	if res.Records.Bytes, err = slice.Bytes(nil); err != nil {
		res.Error.ID = api.StorageError
	}
}
