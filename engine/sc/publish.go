package sc

import (
	"cmp"
	"maps"
	"slices"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// publish tells everybody what the cycle changed. It is stored by now.
func (c *controller) publish() {
	c.tellSpus()
	c.publishSpus()
	c.publishTopics()
	c.publishPartitions()
	for t := range c.touched {
		if t.ready() {
			for w := range t.waiters {
				w.end(true)
			}
		}
	}
}

// tellSpus sends SPUs what concerns them.
func (c *controller) tellSpus() {
	if c.newAddrs {
		specs := c.spuSpecs()
		for _, s := range c.spus {
			if s.session != nil {
				s.session.setSpus(c.revision, specs)
			}
		}
	}
	for t := range c.touched {
		if t.val.Deleting && t.deletion == nil {
			c.beginDeletion(t)
		}
	}
	batches := make(map[int32][]api.ReplicaAssignment) // by SPU
	for p := range c.assigned {
		if p.topic.val.Deleting {
			continue
		}
		a := p.assignment()
		for _, id := range p.val.Replicas {
			if s := c.byID[id]; s != nil && s.session != nil {
				batches[id] = append(batches[id], a)
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(batches)) {
		c.byID[id].session.assign(c.revision, batches[id])
	}
}

func gone(names []string, versions []*published) []*published {
	for _, name := range names {
		versions = append(versions, &published{name: name, deleted: true})
	}
	return versions
}

func (c *controller) publishSpus() {
	versions := gone(c.gone.spus, nil)
	for s := range c.spuMoved {
		if st := s.status(); s.shown != s.val || s.shownStatus != st {
			s.shown, s.shownStatus = s.val, st
			versions = append(versions, &published{name: s.name, msg: &api.Spu{Name: s.name, Spec: s.val.Spec, Status: st}})
		}
	}
	sortChanged(versions[len(c.gone.spus):])
	c.spuFeed.publish(versions)
}

func (c *controller) publishTopics() {
	versions := gone(c.gone.topics, nil)
	for _, t := range c.sortedTouched() {
		reason := c.reason(t)
		if t.shownVal == t.val && t.shownReason == reason {
			continue
		}
		t.shownVal, t.shownReason = t.val, reason
		st := t.val.Status
		st.Reason = reason
		versions = append(versions, &published{name: t.name, msg: &api.Topic{Name: t.name, Spec: t.val.Spec, Status: st}})
	}
	c.topicFeed.publish(versions)
}

func (c *controller) publishPartitions() {
	versions := gone(c.gone.partitions, nil)
	for p := range c.moved {
		if p.shownTopic == p.topic.val && p.shownVal == p.val && p.shownRes == p.resolution && p.shownAt == p.position {
			continue
		}
		p.shownTopic, p.shownVal, p.shownRes, p.shownAt = p.topic.val, p.val, p.resolution, p.position
		versions = append(versions, &published{name: p.name(), msg: &api.Partition{Name: p.name(), Spec: p.spec(), Status: c.status(p)}})
	}
	sortChanged(versions[len(c.gone.partitions):])
	c.partitionFeed.publish(versions)
}

// sortChanged makes what watchers see repeatable.
func sortChanged(v []*published) {
	slices.SortFunc(v, func(a, b *published) int { return cmp.Compare(a.name, b.name) })
}
