package fakecluster

import (
	"context"
	"io"
	"os"
	"sync"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/record"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// spuConn is one connection to an SPU.
type spuConn struct {
	c    *Cluster
	conn *transport.ServerConn
	id   int32

	mu      sync.Mutex
	lastID  uint32
	streams map[uint32]*fakeStream
}

// fakeStream is one StreamFetch. Its fields are guarded by the cluster's lock.
type fakeStream struct {
	req     api.StreamFetchRequest
	pos     int64
	waiting bool // for an acknowledgement
	buf     []byte
}

// handleSPU serves one connection of an SPU.
func (c *Cluster) handleSPU(conn *transport.ServerConn, id int32) {
	s := &spuConn{c: c, conn: conn, id: id, streams: make(map[uint32]*fakeStream)}
	for {
		req, err := conn.ReadRequest()
		if err != nil {
			return
		}
		var resp codec.Message
		switch req.Key {
		case api.KeyApiVersions:
			resp = &api.ApiVersionsResponse{PlatformVersion: api.SpuPlatformVersion, APIs: api.SpuAPIs("0.50.1")}
		case api.KeyProduce:
			resp = s.produce(req)
		case api.KeyFetchOffsets:
			resp = s.fetchOffsets(req)
		case api.KeyStreamFetch:
			if !s.stream(req) {
				return
			}
			continue
		case api.KeyUpdateOffsets:
			resp = s.updateOffsets(req)
		case api.KeyUpdateConsumerOffset:
			resp = s.storeOffset(req)
		case api.KeyFetchConsumerOffsets:
			resp = s.loadOffsets(req)
		case api.KeyDeleteConsumerOffset:
			resp = s.dropOffset(req)
		}
		if resp == nil || conn.WriteResponse(req.CorrelationID, req.Version, resp) != nil {
			return
		}
		if req.Key == api.KeyProduce {
			req.Release()
		}
	}
}

func (s *spuConn) produce(req *transport.Request) codec.Message {
	var r api.ProduceRequest
	if req.Decode(&r) != nil {
		return nil
	}
	var fault Fault
	if h := s.c.hook().Produce; h != nil {
		fault = h(s.id, &r)
	}
	if fault.DropBefore {
		return nil
	}
	resp := &api.ProduceResponse{}
	for _, t := range r.Topics {
		out := api.ProduceTopicResult{Name: t.Name}
		for _, p := range t.Partitions {
			out.Partitions = append(out.Partitions, s.appendEntry(t.Name, p, fault))
		}
		resp.Topics = append(resp.Topics, out)
	}
	if !fault.Discard {
		s.note(&r)
	}
	if fault.DropAfter {
		return nil
	}
	return resp
}

func (s *spuConn) note(r *api.ProduceRequest) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	p := Produced{SPU: s.id}
	for _, t := range r.Topics {
		for _, e := range t.Partitions {
			p.Sizes = append(p.Sizes, len(e.Records.Bytes))
			p.Records = append(p.Records, int(record.Batch(e.Records.Bytes).LastOffsetDelta())+1)
		}
	}
	s.c.produced = append(s.c.produced, p)
}

func (s *spuConn) appendEntry(topic string, e api.ProducePartition, fault Fault) api.ProduceResult {
	out := api.ProduceResult{Partition: e.Partition, Error: fault.Code}
	if fault.Code.ID != api.OK || fault.Discard {
		return out
	}
	s.c.change(func() {
		p := s.c.parts[api.ReplicaKey{Topic: topic, Partition: e.Partition}]
		switch {
		case p == nil:
			out.Error = api.ErrorCode{ID: api.TopicNotFound}
		case p.val.Spec.Leader != s.id:
			out.Error = api.ErrorCode{ID: api.NotLeaderForPartition}
		default:
			raw := record.Batch(append([]byte(nil), e.Records.Bytes...))
			if err := raw.Verify(); err != nil {
				out.Error = api.Errorf("%v", err)
				return
			}
			out.BaseOffset = p.append(raw)
		}
	})
	return out
}

func (s *spuConn) fetchOffsets(req *transport.Request) codec.Message {
	var r api.FetchOffsetsRequest
	if req.Decode(&r) != nil {
		return nil
	}
	var fault Fault
	if h := s.c.hook().Offsets; h != nil {
		fault = h(s.id)
	}
	if fault.DropBefore {
		return nil
	}
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	resp := &api.FetchOffsetsResponse{}
	for _, t := range r.Topics {
		out := api.OffsetsTopicResult{Name: t.Name}
		for _, id := range t.Partitions {
			o := api.PartitionOffsets{Partition: id, Error: fault.Code}
			p := s.c.parts[api.ReplicaKey{Topic: t.Name, Partition: id}]
			switch {
			case fault.Code.ID != api.OK:
			case p == nil || p.val.Spec.Leader != s.id:
				o.Error = api.ErrorCode{ID: api.PartitionNotLeader}
			default:
				o.StartOffset, o.LastStableOffset = p.start, p.end()
			}
			out.Partitions = append(out.Partitions, o)
		}
		resp.Topics = append(resp.Topics, out)
	}
	return resp
}

func (s *spuConn) stream(req *transport.Request) bool {
	st := &fakeStream{}
	if req.Decode(&st.req) != nil {
		return false
	}
	st.pos = st.req.FetchOffset
	s.mu.Lock()
	s.lastID++
	id := s.lastID
	s.streams[id] = st
	s.mu.Unlock()
	s.conn.Go(func(ctx context.Context) {
		for s.push(ctx, req, id, st) {
		}
	})
	return true
}

// push sends the next response of a stream, once there is one to send.
func (s *spuConn) push(ctx context.Context, req *transport.Request, id uint32, st *fakeStream) bool {
	resp, pos, ok := s.nextResponse(ctx, id, st)
	if !ok {
		return false
	}
	var fault Fault
	if h := s.c.hook().Fetch; h != nil {
		fault = h(s.id, &st.req, pos)
	}
	p := &resp.Partition
	switch {
	case fault.DropBefore:
		s.conn.Close()
		return false
	case fault.Code.ID != api.OK:
		p.Error, p.Records = fault.Code, api.RecordSet{}
	case fault.Trim > 0 && fault.Trim < len(p.Records.Bytes):
		p.Records.Bytes = p.Records.Bytes[:len(p.Records.Bytes)-fault.Trim]
	case fault.Cut:
		p.Records.Tail = missing
		_ = s.conn.WriteResponseWithFile(req.CorrelationID, req.Version, resp, tornSection{})
		return false // the torn section closed the connection
	}
	err := s.conn.WriteResponse(req.CorrelationID, req.Version, resp)
	if fault.Twice && err == nil {
		err = s.conn.WriteResponse(req.CorrelationID, req.Version, resp)
	}
	if fault.DropAfter {
		s.conn.Close()
	}
	return err == nil && p.Error.ID == api.OK
}

// missing is how many bytes of a cut response are announced and never sent.
const missing = 100

// tornSection promises bytes and has none.
type tornSection struct{}

func (tornSection) Size() int64                      { return missing }
func (tornSection) File() (*os.File, int64, bool)    { return nil, 0, false }
func (tornSection) WriteTo(io.Writer) (int64, error) { return 0, nil }

// nextResponse waits until the stream has something to send.
func (s *spuConn) nextResponse(ctx context.Context, id uint32, st *fakeStream) (_ *api.StreamFetchResponse, pos int64, ok bool) {
	c := s.c
	resp := &api.StreamFetchResponse{Topic: st.req.Topic, StreamID: id}
	resp.Partition.Partition = st.req.Partition
	key := api.ReplicaKey{Topic: st.req.Topic, Partition: st.req.Partition}
	c.mu.Lock()
	defer c.mu.Unlock()
	for ; !c.closed && ctx.Err() == nil; c.cond.Wait() {
		p := c.parts[key]
		switch {
		case p == nil:
			resp.Partition.Error.ID = api.TopicDeleted
			return resp, st.pos, true
		case p.val.Spec.Leader != s.id:
			resp.Partition.Error.ID = api.NotLeaderForPartition
			resp.StreamID = 0
			return resp, st.pos, true
		case st.waiting || st.pos == p.end():
			continue
		case st.pos < p.start:
			resp.Partition.Error = api.ErrorCode{ID: api.OffsetEvicted, Detail: &api.ErrorDetail{Offset: st.pos, NextAvailable: p.start}}
			return resp, st.pos, true
		case st.pos > p.end():
			resp.Partition.Error = api.Errorf("start offset: %d is greater than leo: %d", st.pos, p.end())
			return resp, st.pos, true
		}
		resp.Partition.HighWatermark = p.end()
		resp.Partition.Records.Bytes = c.read(p, st)
		st.waiting = true
		return resp, st.pos, true
	}
	return nil, 0, false
}

// read copies whole batches from the one that holds the position.
func (c *Cluster) read(p *partition, st *fakeStream) []byte {
	out := st.buf[:0]
	n := 0
	for _, b := range p.log {
		if b.NextOffset() <= st.pos {
			continue
		}
		if n > 0 && (len(out)+len(b) > int(st.req.MaxBytes) || n == c.MaxFetch) {
			break
		}
		out = append(out, b...)
		n++
	}
	st.buf = out
	return out
}

func (s *spuConn) updateOffsets(req *transport.Request) codec.Message {
	var r api.UpdateOffsetsRequest
	if req.Decode(&r) != nil {
		return nil
	}
	resp := &api.UpdateOffsetsResponse{}
	for _, o := range r.Offsets {
		out := api.StreamOffsetStatus{SessionID: o.SessionID}
		if st := s.find(o.SessionID); st == nil {
			out.Error.ID = api.FetchSessionNotFound
		} else {
			s.c.change(func() {
				st.pos, st.waiting = o.Offset, false
				s.c.acks++
			})
		}
		resp.Offsets = append(resp.Offsets, out)
	}
	return resp
}

func (s *spuConn) find(id uint32) *fakeStream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streams[id]
}

func (s *spuConn) storeOffset(req *transport.Request) codec.Message {
	var r api.UpdateConsumerOffsetRequest
	if req.Decode(&r) != nil {
		return nil
	}
	resp := &api.UpdateConsumerOffsetResponse{Offset: r.Offset}
	st := s.find(r.SessionID)
	if st == nil || st.req.ConsumerID == nil {
		resp.Error.ID = api.FetchSessionNotFound
		return resp
	}
	key := api.ReplicaKey{Topic: st.req.Topic, Partition: st.req.Partition}
	s.c.change(func() { s.c.offsets[*st.req.ConsumerID+"/"+key.String()] = r.Offset })
	return resp
}

func (s *spuConn) loadOffsets(req *transport.Request) codec.Message {
	var r api.FetchConsumerOffsetsRequest
	if req.Decode(&r) != nil || r.Filter == nil || r.Filter.Replica == nil || r.Filter.ConsumerID == nil {
		return nil
	}
	resp := &api.FetchConsumerOffsetsResponse{}
	if v := s.c.StoredOffset(*r.Filter.ConsumerID, r.Filter.Replica.Topic, r.Filter.Replica.Partition); v >= 0 {
		resp.Consumers = []api.ConsumerOffset{{ConsumerID: *r.Filter.ConsumerID, Replica: *r.Filter.Replica, Offset: v}}
	}
	return resp
}

func (s *spuConn) dropOffset(req *transport.Request) codec.Message {
	var r api.DeleteConsumerOffsetRequest
	if req.Decode(&r) != nil {
		return nil
	}
	s.c.change(func() { delete(s.c.offsets, r.ConsumerID+"/"+r.Replica.String()) })
	return &api.DeleteConsumerOffsetResponse{}
}
