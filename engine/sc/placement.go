package sc

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// node is an SPU as placement sees it.
type node struct {
	id                 int32
	rack               string
	online             bool
	leaders, followers int // partitions it has in these roles
}

// nodes are all registered SPUs by ascending id.
type nodes []node

func (n nodes) has(id int32) bool {
	_, ok := slices.BinarySearchFunc(n, id, func(n node, id int32) int { return cmp.Compare(n.id, id) })
	return ok
}

func (n nodes) online() nodes {
	return slices.DeleteFunc(slices.Clone(n), func(n node) bool { return !n.online })
}

// shortage says why replicas cannot be placed, or nothing if they can.
func (n nodes) shortage(factor int) string {
	online := len(n.online())
	switch {
	case online >= factor:
		return ""
	case len(n) == 0:
		return fmt.Sprintf("needs %s, none is registered", plural(factor, "online SPU"))
	}
	return fmt.Sprintf("needs %s, %d of %d registered are online", plural(factor, "online SPU"), online, len(n))
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// place assigns SPUs to the partitions that placed lacks and returns the
// whole map. A partition's leader goes to the online SPU with the fewest
// leaders, each further replica to the one with the fewest followers that
// does not hold the partition yet; ties go to the lowest id. If every online
// SPU has a rack, replicas of a partition avoid racks that have one already,
// as far as there are other racks.
//
// There must be enough SPUs (shortage). Partitions that are placed stay where
// they are.
func (n nodes) place(want *api.ComputedReplicas, placed map[uint32][]int32) map[uint32][]int32 {
	candidates := n.online()
	racks := !want.IgnoreRack && !slices.ContainsFunc(candidates, func(n node) bool { return n.rack == "" })
	out := make(map[uint32][]int32, want.Partitions)
	for p := range want.Partitions {
		if replicas, ok := placed[p]; ok {
			out[p] = replicas
			continue
		}
		out[p] = candidates.placeOne(int(want.ReplicationFactor), racks)
	}
	return out
}

// placeOne picks the SPUs of one partition and counts it as theirs.
func (n nodes) placeOne(factor int, racks bool) []int32 {
	replicas := make([]int32, 0, factor)
	used := make(map[string]bool)
	for range factor {
		leader := len(replicas) == 0
		best := -1
		for i := range n {
			if !slices.Contains(replicas, n[i].id) && (best < 0 || n[i].before(&n[best], leader, racks, used)) {
				best = i
			}
		}
		picked := &n[best]
		if leader {
			picked.leaders++
		} else {
			picked.followers++
		}
		used[picked.rack] = true
		replicas = append(replicas, picked.id)
	}
	return replicas
}

// before reports whether n is a better place than m, which has a lower id.
func (n *node) before(m *node, leader, racks bool, used map[string]bool) bool {
	if leader {
		return n.leaders < m.leaders
	}
	if racks && used[n.rack] != used[m.rack] {
		return used[m.rack]
	}
	return n.followers < m.followers
}

// nextStatus is the status that a topic should have, given what is declared,
// what it has, and the SPUs there are. A replica is never moved: it returns
// now's map with the missing partitions added, or as it is.
func nextStatus(spec *api.TopicSpec, now api.TopicStatus, all nodes, most limits) api.TopicStatus {
	next := api.TopicStatus{ReplicaMap: now.ReplicaMap, MirrorMap: now.MirrorMap}
	invalid := func(err error) api.TopicStatus {
		next.Resolution, next.Reason = api.TopicInvalidConfig, err.Error()
		return next
	}
	for _, err := range []error{checkSettings(spec), checkReplicas(&spec.Replicas), checkSupported(&spec.Replicas, most)} {
		if err != nil {
			return invalid(err)
		}
	}
	partitions, factor := size(&spec.Replicas)
	next.Resolution = api.TopicProvisioned
	if uint64(len(now.ReplicaMap)) >= partitions {
		return next
	}
	if spec.Replicas.Kind == api.ReplicasAssigned {
		if err := checkRegistered(spec.Replicas.Assigned, all); err != nil {
			return invalid(err)
		}
		next.ReplicaMap = make(map[uint32][]int32, partitions)
		for _, m := range spec.Replicas.Assigned {
			next.ReplicaMap[m.ID] = m.Replicas
		}
		return next
	}
	if reason := all.shortage(int(factor)); reason != "" {
		next.Resolution, next.Reason = api.TopicInsufficientResources, reason
		if len(all) == 0 {
			next.Resolution = api.TopicPending
		}
		return next
	}
	next.ReplicaMap = all.place(&spec.Replicas.Computed, now.ReplicaMap)
	return next
}

// checkRegistered refuses SPUs that nobody knows. They need not be online.
func checkRegistered(maps []api.PartitionMap, all nodes) error {
	for _, m := range maps {
		for _, id := range m.Replicas {
			if !all.has(id) {
				return fmt.Errorf("invalid spu id: %d", id)
			}
		}
	}
	return nil
}
