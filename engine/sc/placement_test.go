package sc

import (
	"reflect"
	"testing"

	"github.com/fluvio-go/fluvio/netproto/api"
)

func on(id int32, leaders, followers int) node {
	return node{id: id, online: true, leaders: leaders, followers: followers}
}

func rack(n node, name string) node { n.rack = name; return n }

func TestPlace(t *testing.T) {
	type replicas = map[uint32][]int32
	for _, tc := range []struct {
		name   string
		nodes  nodes
		want   api.ComputedReplicas
		placed replicas
		expect replicas
	}{
		{"round robin", nodes{on(0, 0, 0), on(1, 0, 0)}, api.ComputedReplicas{Partitions: 4, ReplicationFactor: 1}, nil,
			replicas{0: {0}, 1: {1}, 2: {0}, 3: {1}}},
		{"fewest leaders", nodes{on(0, 2, 0), on(1, 0, 0)}, api.ComputedReplicas{Partitions: 3, ReplicationFactor: 1}, nil,
			replicas{0: {1}, 1: {1}, 2: {0}}},
		{"online only", nodes{{id: 0}, on(1, 5, 5)}, api.ComputedReplicas{Partitions: 2, ReplicationFactor: 1}, nil,
			replicas{0: {1}, 1: {1}}},
		{"placed ones stay", nodes{on(0, 1, 0), on(1, 0, 0)}, api.ComputedReplicas{Partitions: 3, ReplicationFactor: 1}, replicas{0: {0}},
			replicas{0: {0}, 1: {1}, 2: {0}}},
		{"followers", nodes{on(0, 0, 0), on(1, 0, 0), on(2, 0, 0)}, api.ComputedReplicas{Partitions: 3, ReplicationFactor: 2}, nil,
			replicas{0: {0, 1}, 1: {1, 0}, 2: {2, 0}}},
		{"fewest followers", nodes{on(0, 0, 0), on(1, 0, 3), on(2, 0, 0)}, api.ComputedReplicas{Partitions: 1, ReplicationFactor: 2}, nil,
			replicas{0: {0, 2}}},
		{"racks", nodes{rack(on(0, 0, 0), "a"), rack(on(1, 0, 0), "a"), rack(on(2, 0, 9), "b")}, api.ComputedReplicas{Partitions: 1, ReplicationFactor: 3}, nil,
			replicas{0: {0, 2, 1}}},
		{"racks ignored", nodes{rack(on(0, 0, 0), "a"), rack(on(1, 0, 0), "a"), rack(on(2, 0, 9), "b")}, api.ComputedReplicas{Partitions: 1, ReplicationFactor: 2, IgnoreRack: true}, nil,
			replicas{0: {0, 1}}},
		{"a rack is missing", nodes{rack(on(0, 0, 0), "a"), on(1, 0, 0), rack(on(2, 0, 9), "b")}, api.ComputedReplicas{Partitions: 1, ReplicationFactor: 2}, nil,
			replicas{0: {0, 1}}},
	} {
		before := append(nodes(nil), tc.nodes...)
		if got := tc.nodes.place(&tc.want, tc.placed); !reflect.DeepEqual(got, tc.expect) {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.expect)
		}
		if !reflect.DeepEqual(tc.nodes, before) {
			t.Errorf("%s: the input was changed", tc.name)
		}
	}
}

func TestNextStatus(t *testing.T) {
	off := node{id: 7}
	maps := map[uint32][]int32{0: {5}}
	for _, tc := range []struct {
		name   string
		spec   api.TopicSpec
		now    map[uint32][]int32
		nodes  nodes
		want   api.TopicResolution
		reason string
		placed int
	}{
		{"no SPU at all", computed(2, 1), nil, nil, api.TopicPending, "needs 1 online SPU, none is registered", 0},
		{"none online", computed(2, 1), nil, nodes{off, {id: 8}}, api.TopicInsufficientResources, "needs 1 online SPU, 0 of 2 registered are online", 0},
		{"placed", computed(2, 1), nil, nodes{on(5, 0, 0), off}, api.TopicProvisioned, "", 2},
		{"one more, none online", computed(2, 1), maps, nodes{off}, api.TopicInsufficientResources, "needs 1 online SPU, 0 of 1 registered are online", 1},
		{"stays when SPUs go", computed(1, 1), maps, nil, api.TopicProvisioned, "", 1},
		{"assigned", assigned(api.PartitionMap{Replicas: []int32{7}}), nil, nodes{off}, api.TopicProvisioned, "", 1},
		{"assigned to nobody", assigned(api.PartitionMap{Replicas: []int32{9}}), nil, nodes{off}, api.TopicInvalidConfig, "invalid spu id: 9", 0},
		{"no partitions", computed(0, 1), nil, nil, api.TopicInvalidConfig, "partition must be greater than 0", 0},
		{"too many", computed(11, 1), nil, nil, api.TopicInvalidConfig, "11 partitions are more than the maximum of 10", 0},
	} {
		got := nextStatus(&tc.spec, api.TopicStatus{ReplicaMap: tc.now}, tc.nodes, limits{partitions: 10})
		if got.Resolution != tc.want || got.Reason != tc.reason || len(got.ReplicaMap) != tc.placed {
			t.Errorf("%s: %v %q %v", tc.name, got.Resolution, got.Reason, got.ReplicaMap)
		}
	}
	if got := (nodes{off, {id: 8}}).shortage(3); got != "needs 3 online SPUs, 0 of 2 registered are online" {
		t.Error(got)
	}
}
