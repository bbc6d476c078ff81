package sc

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/fluvio-go/fluvio/engine/sc/meta"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// OffsetsTopic is the system topic that SPUs keep consumer offsets in. It is
// always there: clients that look up an unknown topic on a cluster without
// any partition wait for a minute.
const OffsetsTopic = "consumer-offset"

func offsetsTopicSpec() api.TopicSpec {
	segment, size := uint32(512_000_000), uint64(2_048_000_000)
	return api.TopicSpec{
		Replicas:      api.Computed(1, 1),
		CleanupPolicy: &api.CleanupPolicy{TimeInSeconds: 7 * 24 * 3600},
		Storage:       &api.TopicStorage{SegmentSize: &segment, MaxPartitionSize: &size},
		Compression:   api.CompressionAny,
		System:        true,
	}
}

// ensureSystemTopics declares the system topics that are missing.
func (c *controller) ensureSystemTopics() {
	if c.topics[OffsetsTopic] == nil {
		c.declare(OffsetsTopic, offsetsTopicSpec(), api.TopicConfig{})
	}
}

// declare creates a topic that does not exist. Reconciling does the rest.
func (c *controller) declare(name string, spec api.TopicSpec, config api.TopicConfig) *topic {
	v := &meta.Topic{Spec: spec, Config: config}
	rand.Read(v.ID[:]) // cannot fail
	c.log.Info("topic declared", "topic", name, "topic_id", v.ID.String())
	return c.putTopic(name, v)
}

// touchUnplaced has topics reconciled that lack SPUs.
func (c *controller) touchUnplaced() {
	for _, t := range c.topics {
		if r := t.val.Status.Resolution; r != api.TopicProvisioned && r != api.TopicDeleting {
			c.touch(t)
		}
	}
}

// nodes are the SPUs that replicas can be placed on.
func (c *controller) nodes() nodes {
	out := make(nodes, 0, len(c.spus))
	for _, s := range c.spus {
		n := node{id: s.id(), online: s.session != nil && !s.session.leaving}
		if s.val.Spec.Rack != nil {
			n.rack = *s.val.Spec.Rack
		}
		if h := c.hosted[n.id]; h != nil {
			n.leaders, n.followers = len(h.leads), len(h.all)-len(h.leads)
		}
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b node) int { return cmp.Compare(a.id, b.id) })
	return out
}

// reconcileTopic brings a topic one step closer to what is declared.
func (c *controller) reconcileTopic(t *topic) {
	if t.val.Deleting {
		c.reconcileDeletion(t)
		return
	}
	spec, nodes := t.val.Spec, c.nodes()
	if t.name == OffsetsTopic && len(t.val.Status.ReplicaMap) == 0 {
		spec.Replicas.Computed.ReplicationFactor = c.offsetsReplicas(nodes)
	}
	next := nextStatus(&spec, t.val.Status, nodes, c.limits)
	if now := &t.val.Status; next.Resolution != now.Resolution || next.Reason != now.Reason || len(next.ReplicaMap) != len(now.ReplicaMap) {
		v := *t.val
		v.Status = next
		if len(next.ReplicaMap) > 0 {
			v.Spec = spec
		}
		c.putTopic(t.name, &v)
		c.log.Info("topic", "topic", t.name, "resolution", next.Resolution.String(), "reason", next.Reason)
	}
	c.ensurePartitions(t)
	c.growOffsets(t, nodes)
}

// maxOffsetsReplicas is how many copies of consumer offsets there are at most.
const maxOffsetsReplicas = 3

// offsetsReplicas is how many replicas the offsets topic needs. It gets as many
// as there are SPUs online when it is placed; a cluster whose SPUs are still
// arriving waits for them a little.
func (c *controller) offsetsReplicas(nodes nodes) uint32 {
	online, registered := len(nodes.online()), len(nodes)
	if c.limits.replicas == 1 {
		return 1
	}
	if online == 0 || c.offsetsDue {
		return uint32(min(max(online, 1), maxOffsetsReplicas))
	}
	if online < registered && c.offsetsTimer == nil {
		c.offsetsTimer = time.AfterFunc(c.timeouts.Registration, func() {
			c.doSurely(func() {
				c.offsetsDue = true
				c.touchUnplaced()
			})
		})
	}
	return uint32(min(registered, maxOffsetsReplicas))
}

// ensurePartitions creates the partitions that the replica map has and the
// store lacks. The first replica that is online leads, and those that are
// online are in sync: nobody has anything yet. If none is, all are, and the
// partition's epoch is 0 until the first comes.
func (c *controller) ensurePartitions(t *topic) {
	for id := range uint32(len(t.val.Status.ReplicaMap)) {
		replicas := t.val.Status.ReplicaMap[id]
		if len(replicas) == 0 || id < uint32(len(t.parts)) && t.parts[id] != nil {
			continue
		}
		v := &meta.Partition{
			TopicID: t.val.ID, Leader: replicas[0], LeaderEpoch: 1,
			Replicas: replicas, ISR: replicas,
		}
		online := slices.DeleteFunc(slices.Clone(replicas), func(id int32) bool { return !c.staying(id) })
		if len(online) > 0 {
			v.Leader, v.PartitionEpoch, v.ISR = online[0], 1, online
		}
		c.putPartition(t, id, v)
	}
}

// staying reports whether an SPU is online and does not mean to leave.
func (c *controller) staying(id int32) bool {
	s := c.byID[id]
	return s != nil && s.session != nil && !s.session.leaving
}

// waiter is a create that waits until its topic is online.
type waiter struct {
	topic *topic
	done  chan bool // true: online; false: deleted meanwhile
}

func (c *controller) wait(t *topic) *waiter {
	w := &waiter{t, make(chan bool, 1)}
	if t.waiters == nil {
		t.waiters = make(map[*waiter]struct{})
	}
	t.waiters[w] = struct{}{}
	return w
}

func (w *waiter) end(online bool) {
	if _, waits := w.topic.waiters[w]; waits {
		delete(w.topic.waiters, w)
		w.done <- online
	}
}

// endWaiters tells creates, once it is durable, that their topic is going.
func (c *controller) endWaiters(t *topic) {
	for w := range t.waiters {
		c.after = append(c.after, func(err error) {
			if err == nil {
				w.end(false)
			}
		})
	}
}

// ready reports whether a topic has all its partitions, all online.
func (t *topic) ready() bool {
	want, _ := size(&t.val.Spec.Replicas)
	return t.val.Status.Resolution == api.TopicProvisioned && uint64(t.online) == want && uint64(len(t.parts)) == want
}

// deletion is the second half of a topic's end: SPUs were told, and those
// that are online should confirm.
type deletion struct {
	waiting map[confirmation]struct{}
	timer   *time.Timer
	over    bool // the time is up
}

type confirmation struct {
	spu       int32
	partition uint32
}

// markDeleting is the first half: from here on the topic does not come back.
func (c *controller) markDeleting(t *topic) {
	if t.val.Deleting {
		return
	}
	v := *t.val
	v.Deleting = true
	v.Status.Resolution, v.Status.Reason = api.TopicDeleting, ""
	c.putTopic(t.name, &v)
	c.endWaiters(t)
	c.log.Info("topic is being deleted", "topic", t.name, "topic_id", v.ID.String())
}

// beginDeletion tells the SPUs, once it is durable that the topic goes. An
// SPU that is offline learns it from the full list that it gets when it
// comes: what is not in there it drops, by topic id.
func (c *controller) beginDeletion(t *topic) {
	d := &deletion{waiting: make(map[confirmation]struct{})}
	batches := make(map[*session][]api.ReplicaRef)
	for _, p := range t.parts {
		if p == nil {
			continue
		}
		for _, id := range p.val.Replicas {
			if s := c.byID[id]; s != nil && s.session != nil {
				batches[s.session] = append(batches[s.session], p.ref())
			}
		}
	}
	for n, refs := range batches {
		if !n.remove(c.revision, refs) {
			continue
		}
		for _, ref := range refs {
			d.waiting[confirmation{n.spu, ref.Key.Partition}] = struct{}{}
		}
	}
	d.timer = time.AfterFunc(c.timeouts.Delete, func() {
		_ = c.do(context.Background(), func() {
			d.over = true
			c.touchIfCurrent(t)
		})
	})
	t.deletion = d
	if len(d.waiting) == 0 {
		c.revisit = append(c.revisit, t)
		c.again = true
	}
}

// reconcileDeletion finishes the deletion when nothing is left to wait for.
func (c *controller) reconcileDeletion(t *topic) {
	d := t.deletion
	if d == nil || len(d.waiting) > 0 && !d.over {
		return
	}
	for spu, n := range d.missing() {
		c.log.Warn("SPU did not confirm in time that a topic's data is gone", "topic", t.name, "spu", spu, "partitions", n)
	}
	for _, p := range t.parts {
		if p != nil {
			c.stage(meta.KindPartition, p.name(), nil, &p.revision)
		}
	}
	c.stage(meta.KindTopic, t.name, nil, &t.revision)
	c.dropTopic(t)
	c.again = c.again || t.val.Spec.System // which comes back
	c.log.Info("topic deleted", "topic", t.name, "topic_id", t.val.ID.String())
}

func (d *deletion) missing() map[int32]int {
	out := make(map[int32]int)
	for w := range d.waiting {
		out[w.spu]++
	}
	return out
}

// confirmRemoved notes that an SPU dropped its replica of a topic.
func (c *controller) confirmRemoved(spu int32, ref api.ReplicaRef) {
	t := c.topics[ref.Key.Topic]
	if t == nil || t.val.ID != ref.TopicID || t.deletion == nil {
		return
	}
	delete(t.deletion.waiting, confirmation{spu, ref.Key.Partition})
	c.touch(t)
}

// stopWaitingFor ends the wait for an SPU that went away.
func (c *controller) stopWaitingFor(spu int32) {
	h := c.hosted[spu]
	if h == nil {
		return
	}
	for p := range h.all {
		if d := p.topic.deletion; d != nil {
			delete(d.waiting, confirmation{spu, p.id})
			c.touch(p.topic)
		}
	}
}

// touchIfCurrent touches a topic unless it is gone.
func (c *controller) touchIfCurrent(t *topic) {
	if c.topics[t.name] == t {
		c.touch(t)
	}
}

// reason is what a client should know about a topic: why it is not
// provisioned, or what keeps its partitions from serving.
func (c *controller) reason(t *topic) string {
	st := &t.val.Status
	if st.Reason != "" || st.Resolution != api.TopicProvisioned {
		return st.Reason
	}
	first, n := "", 0
	for _, p := range t.parts {
		if p == nil || !c.troubled(p) {
			continue
		}
		if n++; n == 1 {
			first = fmt.Sprintf("partition %d: %s", p.id, c.trouble(p))
		}
	}
	if n > 1 {
		return fmt.Sprintf("%s (and %d more)", first, n-1)
	}
	return first
}
