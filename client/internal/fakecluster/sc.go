package fakecluster

import (
	"context"
	"slices"
	"strings"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// handleSC serves one connection of the SC.
func (c *Cluster) handleSC(conn *transport.ServerConn) {
	for {
		req, err := conn.ReadRequest()
		if err != nil {
			return
		}
		var resp codec.Message
		switch req.Key {
		case api.KeyApiVersions:
			resp = c.scVersions()
		case api.KeyWatch:
			c.watch(conn, req)
			continue
		case api.KeyList:
			resp = c.list(req)
		case api.KeyCreate:
			resp = c.create(req)
		case api.KeyExtCreateTopic:
			resp = c.extCreate(req)
		case api.KeyDelete:
			resp = c.delete(req)
		case api.KeyUpdate:
			resp = c.update(req)
		}
		if resp == nil || conn.WriteResponse(req.CorrelationID, req.Version, resp) != nil {
			return
		}
	}
}

func (c *Cluster) scVersions() codec.Message {
	r := &api.ApiVersionsResponse{PlatformVersion: c.Platform, APIs: api.ScAPIs()}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.noExt {
		r.APIs = slices.DeleteFunc(r.APIs, func(a api.ApiRange) bool { return uint16(a.Key) >= api.KeyExtCreateTopic })
	}
	return r
}

// watch pushes a type of object until the connection ends.
func (c *Cluster) watch(conn *transport.ServerConn, req *transport.Request) {
	var body api.TypeBuffer
	if req.Decode(&body) != nil {
		conn.Close()
		return
	}
	push := func(m codec.Message) bool {
		return conn.WriteResponse(req.CorrelationID, req.Version, api.Typed{Label: body.Label, Msg: m}) == nil
	}
	switch body.Label {
	case api.LabelSpu:
		c.follow(conn, func(f *follower) func() bool {
			return step(f, c.spus, func(k int32) string { return c.spus[k].val.Name }, func(o *object[api.Spu]) (int, api.Spu) { return o.rev, o.val }, push)
		})
	case api.LabelTopic:
		c.follow(conn, func(f *follower) func() bool {
			return step(f, c.topics, func(k string) string { return k }, func(o *object[api.Topic]) (int, api.Topic) { return o.rev, o.val }, push)
		})
	case api.LabelPartition:
		c.follow(conn, func(f *follower) func() bool {
			return step(f, c.parts, api.ReplicaKey.String, func(o *partition) (int, api.Partition) { return o.rev, o.val }, push)
		})
	default:
		conn.Close()
	}
}

// follower is what a watcher has been told.
type follower struct {
	rev   int
	names map[string]bool
	first bool
}

// follow runs round whenever something changed. round is called with the lock
// held; what it returns, without.
func (c *Cluster) follow(conn *transport.ServerConn, round func(*follower) func() bool) {
	conn.Go(func(ctx context.Context) {
		f := &follower{first: true, names: make(map[string]bool), rev: -1}
		for {
			c.mu.Lock()
			for f.rev == c.rev && !c.closed && ctx.Err() == nil {
				c.cond.Wait()
			}
			send := round(f)
			f.rev = c.rev
			stop := c.closed || ctx.Err() != nil
			c.mu.Unlock()
			if stop || !send() {
				return
			}
		}
	})
}

// step prepares the next update: everything at first, then what changed.
func step[K comparable, O, S, T any](f *follower, store map[K]O, name func(K) string,
	get func(O) (int, api.Object[S, T]), push func(codec.Message) bool) func() bool {
	u := &api.WatchResponse[S, T]{Epoch: 1}
	now := make(map[string]bool)
	for k, o := range store {
		rev, obj := get(o)
		now[name(k)] = true
		if f.first {
			u.All = append(u.All, obj)
		} else if rev > f.rev {
			u.Changes = append(u.Changes, api.Change[S, T]{Object: obj})
		}
	}
	for old := range f.names {
		if !now[old] {
			u.Changes = append(u.Changes, api.Change[S, T]{Deleted: true, Object: api.Object[S, T]{Name: old}})
		}
	}
	send := f.first || len(u.Changes) > 0
	f.first, f.names = false, now
	return func() bool { return !send || push(u) }
}

func (c *Cluster) list(req *transport.Request) codec.Message {
	var body api.TypeBuffer
	var q api.ListRequest
	if h := c.hook().List; h != nil {
		h()
	}
	if req.Decode(&body) != nil || body.Label != api.LabelTopic {
		return nil
	}
	if _, err := codec.Unmarshal(body.Payload, req.Version, &q); err != nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	resp := &api.ListResponse[api.TopicSpec, api.TopicStatus]{}
	for _, t := range c.topics {
		match := len(q.Filters) == 0
		for _, f := range q.Filters {
			match = match || strings.Contains(t.val.Name, f)
		}
		if match && t.val.Spec.System == q.System {
			resp.Items = append(resp.Items, t.val)
		}
	}
	return api.Typed{Label: api.LabelTopic, Msg: resp}
}

func (c *Cluster) create(req *transport.Request) codec.Message {
	var r api.CreateRequest[api.TopicSpec]
	if req.Decode(api.Typed{Label: api.LabelTopic, Msg: &r}) != nil {
		return nil
	}
	return c.newTopic(r.Name, r.Spec, r.DryRun)
}

func (c *Cluster) extCreate(req *transport.Request) codec.Message {
	var r api.ExtCreateTopicRequest
	if req.Decode(&r) != nil {
		return nil
	}
	return c.newTopic(r.Name, r.Spec, r.DryRun)
}

func (c *Cluster) newTopic(name string, spec api.TopicSpec, dry bool) codec.Message {
	status := api.StatusOK(name)
	c.change(func() {
		switch {
		case c.topics[name] != nil:
			status = api.StatusError(name, api.ErrorCode{ID: api.TopicAlreadyExists}, "topic '"+name+"' already defined")
		case !dry:
			c.createTopic(name, spec)
		}
	})
	return status
}

func (c *Cluster) delete(req *transport.Request) codec.Message {
	var r api.DeleteRequest
	if req.Decode(api.Typed{Label: api.LabelTopic, Msg: &r}) != nil {
		return nil
	}
	c.mu.Lock()
	known := c.topics[r.Name] != nil
	c.mu.Unlock()
	if !known {
		return api.StatusError(r.Name, api.ErrorCode{ID: api.TopicNotFound}, "")
	}
	c.DeleteTopic(r.Name)
	return api.StatusOK(r.Name)
}

func (c *Cluster) update(req *transport.Request) codec.Message {
	var r api.UpdateTopic
	if req.Decode(api.Typed{Label: api.LabelTopic, Msg: &r}) != nil {
		return nil
	}
	status := api.StatusOK(r.Name)
	c.change(func() {
		t := c.topics[r.Name]
		if t == nil {
			status = api.StatusError(r.Name, api.ErrorCode{ID: api.TopicNotFound}, "")
			return
		}
		old := t.val.Spec.Replicas.Computed.Partitions
		t.val.Spec.Replicas.Computed.Partitions += r.Count
		t.rev = c.rev
		c.addPartitions(r.Name, old, old+r.Count)
	})
	return status
}
