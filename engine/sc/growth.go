package sc

import (
	"cmp"
	"maps"
	"slices"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// growOffsets gives the offsets topic the copies that it could not have when
// it was placed: a cluster that began with one SPU must not lose the positions
// of all consumers with that one for good. New copies are not in sync at
// first; the leader, which begins a new term to learn of them, adds them when
// they have everything. Nothing is ever taken away.
func (c *controller) growOffsets(t *topic, all nodes) {
	spec := &t.val.Spec.Replicas
	if t.name != OffsetsTopic || c.limits.replicas == 1 || spec.Kind != api.ReplicasComputed ||
		t.val.Status.Resolution != api.TopicProvisioned {
		return
	}
	want := min(len(all.online()), maxOffsetsReplicas)
	grown := make(map[uint32][]int32)
	for _, p := range t.parts {
		// One that nobody serves has nothing to copy.
		if p != nil && len(p.val.Replicas) < want && c.stands(p, c.sound(p)) && c.ready(p.leader()) {
			grown[p.id] = all.extend(p.val.Replicas, want)
		}
	}
	if len(grown) == 0 {
		return
	}
	v := *t.val
	v.Status.ReplicaMap = maps.Clone(v.Status.ReplicaMap)
	maps.Copy(v.Status.ReplicaMap, grown)
	v.Spec.Replicas.Computed.ReplicationFactor = max(spec.Computed.ReplicationFactor, uint32(want))
	c.putTopic(t.name, &v)
	for id, replicas := range grown {
		p := t.parts[id]
		pv := *p.val
		pv.Replicas = replicas
		pv.LeaderEpoch++
		pv.PartitionEpoch++
		c.log.Info("partition gets more copies", "partition", p.name(), "replicas", replicas, "before", p.val.Replicas)
		c.putPartition(t, id, &pv)
	}
}

// extend adds online SPUs to replicas until there are n: those with the fewest
// followers, on racks that have none yet as far as there are some.
func (n nodes) extend(replicas []int32, count int) []int32 {
	out := slices.Clone(replicas)
	used := make(map[string]bool)
	for _, o := range n {
		if slices.Contains(replicas, o.id) {
			used[o.rack] = true
		}
	}
	free := slices.DeleteFunc(n.online(), func(o node) bool { return slices.Contains(replicas, o.id) })
	for len(out) < count && len(free) > 0 {
		best := slices.MinFunc(free, func(a, b node) int {
			if used[a.rack] != used[b.rack] {
				if used[a.rack] {
					return 1
				}
				return -1
			}
			return cmp.Or(cmp.Compare(a.followers, b.followers), cmp.Compare(a.id, b.id))
		})
		used[best.rack] = true
		out = append(out, best.id)
		free = slices.DeleteFunc(free, func(o node) bool { return o.id == best.id })
	}
	return out
}
