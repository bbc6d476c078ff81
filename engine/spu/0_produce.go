package spu

import (
	"context"
	"encoding/binary"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/record"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// Produce (0), versions 0 to 25.
//
//   - Every entry is answered, in order, duplicates included; topics without
//     entries too. Clients match answers by position.
//   - Checks per entry: leader, mirror, SmartModules, any records at all, codec,
//     deduplication, then what the log checks. Entries do not affect each other.
//   - The append happens here, on the connection's reader, which keeps the
//     order of a connection. Waiting for the disk or for a commit happens
//     elsewhere, once per partition however many entries it has.
//   - Where a topic's durability demands it, the answer waits for the commit
//     whatever the isolation; see partition.mustCommit. An uncommitted producer
//     is then neither told that too few replicas are in sync nor that its time
//     is over: no client expects either, and one that is told sends duplicates.
//   - The answer is always sent, also to clients that do not wait for it.

// produce handles one request and releases it.
func (c *conn) produce(ctx context.Context, r *transport.Request) error {
	if err := c.awaitRoom(ctx); err != nil {
		r.Release()
		return err
	}
	req := &c.produceReq
	if err := r.Decode(req); err != nil {
		r.Release()
		return err
	}
	t := newTicket(c, r.CorrelationID, r.Version)
	c.appendAll(t, req)
	if len(t.waits) > 0 {
		t.bytes = len(r.Body)
	}
	c.forgetRecords()
	r.Release()

	if len(t.waits) > 0 {
		c.park(t)
		t.park()
		return nil
	}
	err := c.nc.WriteResponse(t.corrID, t.version, &t.resp)
	t.free()
	return err
}

// appendAll appends every entry and fills in the response.
func (c *conn) appendAll(t *ticket, req *api.ProduceRequest) {
	t.iso, t.timeout = req.Isolation, req.Timeout()
	refusal := smartModuleCode(req.SmartModules)
	var last *partition
	for i := range req.Topics {
		topic := &req.Topics[i]
		results := t.topic(topic.Name)
		for j := range topic.Partitions {
			entry := &topic.Partitions[j]
			res := extend(&results.Partitions)
			*res = api.ProduceResult{Partition: entry.Partition}
			key := api.ReplicaKey{Topic: topic.Name, Partition: entry.Partition}
			if last == nil || last.key != key {
				last = c.srv.replicas.get(key)
			}
			c.appendEntry(t, last, entry.Records.Bytes, req.Isolation, refusal, res)
		}
	}
}

// appendEntry appends one entry; res is the last result of the ticket.
func (c *conn) appendEntry(t *ticket, p *partition, records []byte, iso api.Isolation, refusal api.ErrorCode, res *api.ProduceResult) {
	res.Error.ID = api.NotLeaderForPartition
	if p != nil {
		res.Error.ID = p.accepts()
	}
	if res.Error.ID != api.OK {
		return
	}
	if refusal.ID != api.OK {
		res.Error = refusal
		return
	}
	records = dropEmpty(records)
	if len(records) == 0 {
		return
	}
	a, on, code := p.append(records, iso)
	if res.Error = code; code.ID != api.OK {
		return
	}
	res.BaseOffset = a.Base
	t.appended(p, on, a)
}

// forgetRecords keeps the decoded request from holding the frame, or a
// request of unusual size.
func (c *conn) forgetRecords() {
	req := &c.produceReq
	req.SmartModules = nil
	if cap(req.Topics) > keepEntries {
		req.Topics = nil
		return
	}
	for i := range req.Topics {
		parts := req.Topics[i].Partitions
		if cap(parts) > keepEntries {
			req.Topics[i].Partitions = nil
			continue
		}
		for j := range parts {
			parts[j].Records.Bytes = nil
		}
	}
}

// dropEmpty removes batches without records, in place, and returns what is
// left. Clients send such batches when they flush; nothing of them is stored.
func dropEmpty(records []byte) []byte {
	kept := 0
	for rest := records; len(rest) > 0; {
		b, tail, err := record.Next(rest)
		if err != nil {
			// The log says what is wrong with it.
			return records[:kept+copy(records[kept:], rest)]
		}
		at := len(records) - len(rest)
		if rest = tail; isEmpty(b) {
			continue
		}
		if kept != at {
			copy(records[kept:], b)
		}
		kept += len(b)
	}
	return records[:kept]
}

// isEmpty reports whether a batch holds no record and does not claim any. The
// official batch object says −1 then and the official producer 0, which would
// be a batch of one record if its count did not say otherwise.
func isEmpty(b record.Batch) bool {
	switch delta := b.LastOffsetDelta(); {
	case delta > 0 || delta < -1:
		return false
	case b.Codec() != record.None:
		return delta == -1
	}
	p := b.Payload()
	return len(p) < 4 && b.LastOffsetDelta() == -1 || len(p) >= 4 && binary.BigEndian.Uint32(p) == 0
}
