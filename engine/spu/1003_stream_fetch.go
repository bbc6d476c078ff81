package spu

import (
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// StreamFetch (1003), versions 0 to 25: opens a stream and returns at once;
// stream.run pushes. The version of this request governs every response.
// Fields of versions up to 18 that upstream ignores are ignored.
//
// Where this SPU does not lead, the one answer has stream id 0 and no stream
// exists.
func (c *conn) streamFetch(r *transport.Request) error {
	var req api.StreamFetchRequest
	if err := r.Decode(&req); err != nil {
		return err
	}
	key := api.ReplicaKey{Topic: req.Topic, Partition: req.Partition}
	p := c.srv.replicas.get(key)
	if p == nil || p.leader() == nil {
		return c.refuseStream(r, key, 0, api.ErrorCode{ID: api.NotLeaderForPartition})
	}
	c.lastStream++
	if code := smartModuleCode(req.SmartModules); code.ID != api.OK {
		return c.refuseStream(r, key, c.lastStream, code)
	}
	s := newStream(c, p, c.lastStream, r, &req)
	if !c.openStream(s) {
		return c.refuseStream(r, key, s.id, api.Errorf("this connection has %d streams already", c.srv.cfg.MaxStreams))
	}
	if !p.attach(s) {
		c.closeStream(s)
		return c.refuseStream(r, key, 0, api.ErrorCode{ID: api.NotLeaderForPartition})
	}
	p.events().streamOpened(key, s.id)
	c.nc.Go(s.run)
	return nil
}

// refuseStream is the one response of a stream that never began.
func (c *conn) refuseStream(r *transport.Request, key api.ReplicaKey, id uint32, code api.ErrorCode) error {
	resp := api.StreamFetchResponse{
		Topic: key.Topic, StreamID: id,
		Partition: api.FetchedPartition{Partition: key.Partition, Error: code},
	}
	return c.nc.WriteResponse(r.CorrelationID, r.Version, &resp)
}

// openStream registers s unless the connection has its share.
func (c *conn) openStream(s *stream) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.streams) >= c.srv.cfg.MaxStreams {
		return false
	}
	if c.streams == nil {
		c.streams = make(map[uint32]*stream)
	}
	c.streams[s.id] = s
	return true
}

func (c *conn) closeStream(s *stream) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.streams, s.id)
}
