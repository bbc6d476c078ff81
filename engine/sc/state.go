package sc

import (
	"reflect"
	"time"

	"github.com/fluvio-go/fluvio/engine/sc/meta"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// topic is the controller's view of one topic. val is replaced, never
// changed, since the store and the feeds share it.
type topic struct {
	name     string
	revision uint64 // of val in the store; 0 until it is committed
	val      *meta.Topic
	parts    []*partition // by number; nil until the partition exists
	online   int          // partitions that are online

	waiters  map[*waiter]struct{} // creates that wait until all are online
	mourners []chan error         // deletes that wait until the topic is gone
	deletion *deletion            // once SPUs were told

	shownVal    *meta.Topic // what the feed has; nil: nothing
	shownReason string
}

// partition is the controller's view of one partition.
type partition struct {
	topic    *topic
	id       uint32
	revision uint64
	val      *meta.Partition

	resolution api.PartitionResolution
	reported   bool      // the leader's report is from the current leader epoch
	replicas   []replica // as val.Replicas
	gone       []int32   // of val.Replicas, as the SPUs know it
	position   uint64    // grows when an offset, size or standing of any replica moves
	fullSince  time.Time // while the leader is out of storage

	shownTopic *meta.Topic // what the feed has; nil: nothing
	shownVal   *meta.Partition
	shownRes   api.PartitionResolution
	shownAt    uint64
}

// durability is when records of the partition are synced.
func (p *partition) durability() api.Durability {
	return p.topic.val.Config.Durability.Resolve(len(p.val.Replicas))
}

func (p *partition) key() api.ReplicaKey { return api.ReplicaKey{Topic: p.topic.name, Partition: p.id} }
func (p *partition) name() string        { return p.key().String() }
func (p *partition) ref() api.ReplicaRef {
	return api.ReplicaRef{Key: p.key(), TopicID: p.val.TopicID}
}

// spu is the controller's view of one registered SPU.
type spu struct {
	name     string
	revision uint64
	val      *meta.Spu
	session  *session  // nil while offline
	since    time.Time // when session began
	left     bool      // the last session ended with a goodbye

	shown       *meta.Spu
	shownStatus api.SpuStatus
}

func (s *spu) id() int32 { return s.val.Spec.ID }

// hosting is which partitions are on an SPU, whether it is registered or not.
type hosting struct {
	all   map[*partition]struct{}
	leads map[*partition]struct{}
}

func (c *controller) hosting(id int32) *hosting {
	h := c.hosted[id]
	if h == nil {
		h = &hosting{make(map[*partition]struct{}), make(map[*partition]struct{})}
		c.hosted[id] = h
	}
	return h
}

// touch has a topic reconciled and published in this cycle.
func (c *controller) touch(t *topic) { c.touched[t] = struct{}{} }

// setTopic creates or replaces a topic in memory.
func (c *controller) setTopic(name string, v *meta.Topic) *topic {
	t := c.topics[name]
	if t != nil && t.val.ID != v.ID {
		// Deleted and created again while we were not looking.
		c.dropTopic(t)
		t = nil
	}
	if t == nil {
		t = &topic{name: name}
		c.topics[name] = t
	}
	t.val = v
	c.touch(t)
	for _, p := range t.parts {
		if p != nil {
			c.moved[p] = struct{}{}
		}
	}
	return t
}

// putTopic replaces a topic in memory and in the store.
func (c *controller) putTopic(name string, v *meta.Topic) *topic {
	t := c.setTopic(name, v)
	c.stage(meta.KindTopic, name, v, &t.revision)
	return t
}

// dropTopic removes a topic and its partitions from memory.
func (c *controller) dropTopic(t *topic) {
	for _, p := range t.parts {
		if p != nil {
			c.dropPartition(p)
		}
	}
	delete(c.topics, t.name)
	delete(c.touched, t)
	c.gone.topics = append(c.gone.topics, t.name)
	if t.deletion != nil {
		t.deletion.timer.Stop()
	}
	c.endWaiters(t)
	for _, gone := range t.mourners {
		c.after = append(c.after, func(err error) { gone <- err })
	}
}

// setPartition creates or replaces a partition in memory.
func (c *controller) setPartition(t *topic, id uint32, v *meta.Partition) *partition {
	for uint32(len(t.parts)) <= id {
		t.parts = append(t.parts, nil)
	}
	p := t.parts[id]
	if p == nil {
		p = &partition{topic: t, id: id}
		t.parts[id] = p
	} else {
		c.unhost(p)
		p.reported = p.reported && p.val.LeaderEpoch == v.LeaderEpoch && p.val.TopicID == v.TopicID
	}
	p.val = v
	p.setReplicas()
	for _, spu := range v.Replicas {
		c.hosting(spu).all[p] = struct{}{}
	}
	if v.Leader != api.NoLeader {
		c.hosting(v.Leader).leads[p] = struct{}{}
	}
	c.noteStorage(p)
	c.noteDisplaced(p)
	c.resolve(p)
	c.assigned[p] = struct{}{}
	c.moved[p] = struct{}{}
	c.unsettle(p)
	return p
}

// putPartition replaces a partition in memory and in the store.
func (c *controller) putPartition(t *topic, id uint32, v *meta.Partition) {
	p := c.setPartition(t, id, v)
	c.stage(meta.KindPartition, p.name(), v, &p.revision)
}

func (c *controller) unhost(p *partition) {
	for _, id := range append([]int32{p.val.Leader}, p.val.Replicas...) {
		h := c.hosting(id)
		delete(h.all, p)
		delete(h.leads, p)
		if len(h.all) == 0 {
			delete(c.hosted, id)
		}
	}
}

// dropPartition removes a partition from memory.
func (c *controller) dropPartition(p *partition) {
	c.unhost(p)
	if p.resolution == api.PartitionOnline {
		p.topic.online--
	}
	p.topic.parts[p.id] = nil
	delete(c.moved, p)
	delete(c.drifted, p)
	delete(c.assigned, p)
	delete(c.unsettled, p)
	delete(c.displaced, p)
	delete(c.full, p)
	c.gone.partitions = append(c.gone.partitions, p.name())
}

// partition finds a partition by its name.
func (c *controller) partition(name string) *partition {
	key, err := api.ParseReplicaKey(name)
	if err != nil {
		return nil
	}
	return c.replica(key)
}

func (c *controller) replica(key api.ReplicaKey) *partition {
	t := c.topics[key.Topic]
	if t == nil || key.Partition >= uint32(len(t.parts)) {
		return nil
	}
	return t.parts[key.Partition]
}

// setSpu creates or replaces an SPU in memory.
func (c *controller) setSpu(name string, v *meta.Spu) *spu {
	s := c.spus[name]
	changed := s == nil || !reflect.DeepEqual(s.val.Spec, v.Spec)
	if s == nil {
		s = &spu{name: name}
		c.spus[name] = s
	} else if s.id() != v.Spec.ID {
		c.setOffline(s)
		delete(c.byID, s.id())
	}
	s.val = v
	c.byID[s.id()] = s
	c.spuMoved[s] = struct{}{}
	if changed {
		c.spusChanged(s.id())
	}
	return s
}

// putSpu replaces an SPU in memory and in the store.
func (c *controller) putSpu(name string, v *meta.Spu) *spu {
	s := c.setSpu(name, v)
	c.stage(meta.KindSpu, name, v, &s.revision)
	return s
}

// dropSpu removes an SPU from memory. Its partitions stay assigned to it.
func (c *controller) dropSpu(s *spu) {
	c.setOffline(s)
	delete(c.spus, s.name)
	delete(c.byID, s.id())
	delete(c.spuMoved, s)
	c.gone.spus = append(c.gone.spus, s.name)
	c.spusChanged(s.id())
}

// spusChanged has everybody hear of an SPU that is new, different or gone.
func (c *controller) spusChanged(id int32) {
	c.newAddrs = true
	c.touchUnplaced()
	c.unsettleHosted(id)
}
