package sc

import (
	"context"
	"fmt"

	"github.com/fluvio-go/fluvio/engine/sc/meta"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// resync replaces the durable part of the state by what the store has, and
// returns the store's revision.
func (c *controller) resync(ctx context.Context) (uint64, error) {
	objects, revision, err := c.store.List(ctx)
	if err != nil {
		return 0, fmt.Errorf("read metadata: %w", err)
	}
	listed := make(map[objectID]struct{}, len(objects))
	for _, o := range objects {
		listed[objectID{o.Kind(), o.Name}] = struct{}{}
		c.apply(o)
	}
	c.forgetUnlisted(listed)
	c.stale = false
	c.listedAt, c.revision = revision, max(c.revision, revision)
	c.buried = make(map[objectID]uint64)
	return revision, nil
}

func (c *controller) forgetUnlisted(listed map[objectID]struct{}) {
	unlisted := func(kind meta.Kind, name string) bool {
		_, ok := listed[objectID{kind, name}]
		return !ok
	}
	for _, t := range c.topics {
		if unlisted(meta.KindTopic, t.name) {
			c.dropTopic(t)
			continue
		}
		for _, p := range t.parts {
			if p != nil && unlisted(meta.KindPartition, p.name()) {
				c.dropPartition(p)
			}
		}
	}
	for _, s := range c.spus {
		if unlisted(meta.KindSpu, s.name) {
			c.dropSpu(s)
		}
	}
}

// apply takes over an object as the store has it.
func (c *controller) apply(o meta.Object) {
	switch v := o.Value.(type) {
	case *meta.Spu:
		c.setSpu(o.Name, v).revision = o.Revision
	case *meta.Topic:
		c.setTopic(o.Name, v).revision = o.Revision
	case *meta.Partition:
		c.applyPartition(o.Name, o.Revision, v)
	}
}

// applyPartition takes over a partition, or deletes it if its topic is gone:
// a store without transactions may leave such behind.
func (c *controller) applyPartition(name string, revision uint64, v *meta.Partition) {
	key, err := api.ParseReplicaKey(name)
	t := c.topics[key.Topic]
	if err != nil || t == nil || t.val.ID != v.TopicID || key.Partition >= c.limits.partitions {
		c.log.Warn("partition without a topic", "partition", name)
		c.stage(meta.KindPartition, name, nil, &revision)
		return
	}
	c.setPartition(t, key.Partition, v).revision = revision
}

// follow applies what others wrote to the store. Our own writes come back
// here too and are known already.
func (c *controller) follow(events []meta.Event) {
	for _, e := range events {
		if e.Revision <= c.listedAt {
			continue
		}
		c.revision = max(c.revision, e.Revision)
		id := objectID{e.Kind, e.Name}
		if at, ok := c.buried[id]; ok && e.Revision <= at {
			if e.Revision == at {
				delete(c.buried, id)
			}
			continue
		}
		known := c.revisionOf(id)
		switch {
		case e.Revision <= known:
		case e.Value != nil:
			c.apply(meta.Object{Name: e.Name, Revision: e.Revision, Value: e.Value})
		case known != 0:
			c.forget(id)
		}
	}
}

// revisionOf is the revision that we know an object at, 0 if we know none.
func (c *controller) revisionOf(id objectID) uint64 {
	switch id.kind {
	case meta.KindTopic:
		if t := c.topics[id.name]; t != nil {
			return t.revision
		}
	case meta.KindPartition:
		if p := c.partition(id.name); p != nil {
			return p.revision
		}
	case meta.KindSpu:
		if s := c.spus[id.name]; s != nil {
			return s.revision
		}
	}
	return 0
}

// forget drops an object that somebody else deleted from the store.
func (c *controller) forget(id objectID) {
	switch id.kind {
	case meta.KindTopic:
		c.dropTopic(c.topics[id.name])
	case meta.KindPartition:
		p := c.partition(id.name)
		c.dropPartition(p)
		c.touch(p.topic) // which will want it back
	case meta.KindSpu:
		c.dropSpu(c.spus[id.name])
	}
}
