package sc

import (
	"strings"
	"testing"

	"github.com/fluvio-go/fluvio/netproto/api"
)

func TestLimits(t *testing.T) {
	assigned := api.ReplicaSpec{Kind: api.ReplicasAssigned, Assigned: []api.PartitionMap{{Replicas: []int32{1, 2}}}}
	computed := func(partitions, replicas uint32) api.ReplicaSpec { return api.Computed(partitions, replicas) }
	for _, tt := range []struct {
		spec api.ReplicaSpec
		most limits
		want string // in the error; empty: allowed
	}{
		{computed(10, 3), limits{partitions: 10}, ""},
		{computed(11, 1), limits{partitions: 10}, "11 partitions are more than the maximum of 10"},
		{computed(1, 1), limits{10, 1}, ""},
		{computed(1, 2), limits{10, 1}, "replication factor 2 is more than the maximum of 1"},
		{assigned, limits{10, 1}, "replication factor 2 is more than the maximum of 1"},
		{assigned, limits{10, 2}, ""},
		{computed(1, 3), limits{10, 2}, "replication factor 3 is more than the maximum of 2"},
	} {
		err := checkSupported(&tt.spec, tt.most)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%+v within %+v: %v, want %q", tt.spec, tt.most, err, tt.want)
		}
	}
}
