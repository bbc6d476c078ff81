package view_test

import (
	"bytes"
	"testing"

	"github.com/fluvio-go/fluvio/cmd/cmdtest"
	"github.com/fluvio-go/fluvio/cmd/view"
	"github.com/fluvio-go/fluvio/internal/output"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
)

func ptr[T any](v T) *T { return &v }

func fullTopic() api.Topic {
	return api.Topic{
		Name: "t1",
		Spec: api.TopicSpec{
			Replicas:      api.Computed(1, 1),
			CleanupPolicy: &api.CleanupPolicy{TimeInSeconds: 120},
			Storage:       &api.TopicStorage{SegmentSize: ptr(uint32(1024))},
			Compression:   api.CompressionAny,
			Deduplication: &api.Deduplication{
				Count: 5, Age: &codec.Duration{Secs: 5}, Uses: "name", With: map[string]string{"k": "v", "a": "b"},
			},
		},
		Status: api.TopicStatus{
			Resolution: api.TopicProvisioned,
			ReplicaMap: map[uint32][]int32{0: {5001}, 10: {5001}, 2: {5002}},
		},
	}
}

func mirrorTopics() []api.Topic {
	home := api.MirrorConfig{Side: api.MirrorHome, Source: true, Partitions: []api.HomePartition{
		{RemoteCluster: "r1", RemoteReplica: "t1-0", Source: true}, {RemoteCluster: "r2", RemoteReplica: "t1-0"},
	}}
	remote := api.MirrorConfig{HomeCluster: "home", Target: true, HomeSpus: []api.HomeSpu{{ID: 5001, Key: "k", Endpoint: "h:1"}}}
	spec := func(r api.ReplicaSpec) api.TopicSpec {
		return api.TopicSpec{Replicas: r, Compression: api.CompressionLz4}
	}
	return []api.Topic{
		{Name: "home", Spec: spec(api.ReplicaSpec{Kind: api.ReplicasMirror, Mirror: home})},
		{Name: "remote", Spec: spec(api.ReplicaSpec{Kind: api.ReplicasMirror, Mirror: remote}), Status: api.TopicStatus{
			Resolution: api.TopicInsufficientResources,
			MirrorMap:  map[uint32]api.PartitionMirror{0: {Side: api.MirrorHome, Home: api.HomePartition{RemoteCluster: "r1"}}},
			Reason:     "need more SPU",
		}},
	}
}

func TestTopicShapes(t *testing.T) {
	ignoring := fullTopic()
	ignoring.Name, ignoring.Spec.Deduplication, ignoring.Spec.Storage = "racks", nil, nil
	ignoring.Spec.CleanupPolicy, ignoring.Spec.Replicas.Computed.IgnoreRack = nil, true
	assigned := api.Topic{Name: "assigned", Spec: api.TopicSpec{System: true, Replicas: api.ReplicaSpec{
		Kind: api.ReplicasAssigned,
		Assigned: []api.PartitionMap{
			{ID: 0, Replicas: []int32{5001, 5002}},
			{ID: 1, Mirror: &api.PartitionMirror{HomeCluster: "h", HomeSpuKey: "k", HomeSpuID: 1, HomeSpuEndpoint: "e"}},
		},
	}}}
	var views []view.Topic
	for _, topic := range append([]api.Topic{fullTopic(), ignoring, assigned}, mirrorTopics()...) {
		views = append(views, view.OfTopic(&topic, nil))
	}
	golden(t, "topics", views)
}

func TestTopicWithConfig(t *testing.T) {
	topic := fullTopic()
	golden(t, "topic_config", []view.Topic{view.OfTopic(&topic, &api.TopicConfig{Durability: api.DurabilityAlways})})
}

func TestPartitionShapes(t *testing.T) {
	partitions := []api.Partition{
		{
			Name: "t1-0",
			Spec: api.PartitionSpec{Leader: 5001, Replicas: []int32{5001}, Compression: api.CompressionAny},
			Status: api.PartitionStatus{
				Resolution: api.PartitionOnline, Leader: api.ReplicaStatus{Spu: 5001, HW: 2, LEO: 2}, Size: 200,
				Replicas: []api.ReplicaStatus{{Spu: 5002, HW: 2, LEO: 2}},
			},
		},
		{
			Name:   "t1-1",
			Spec:   api.PartitionSpec{CleanupPolicy: &api.CleanupPolicy{TimeInSeconds: 9}, Storage: &api.TopicStorage{}, Mirror: &api.PartitionMirror{Side: api.MirrorHome}},
			Status: api.PartitionStatus{Leader: api.UnknownReplica, Size: api.SizeNotSupported, BeingDeleted: true},
		},
	}
	var views []view.Partition
	for i := range partitions {
		views = append(views, view.OfPartition(&partitions[i]))
	}
	golden(t, "partitions", views)
}

func TestSpuShapes(t *testing.T) {
	spus := []api.Spu{
		{Name: "custom-spu-5001", Spec: api.SpuSpec{
			ID: 5001, Type: api.SpuCustom,
			Public:  api.IngressPort{Port: 9010, Ingress: []api.Ingress{{Hostname: ptr("localhost")}}},
			Private: api.Endpoint{Port: 9011, Host: "localhost"},
		}},
		{Name: "main-0", Spec: api.SpuSpec{
			Public:      api.IngressPort{Port: 9005, Encryption: api.SSL},
			Rack:        ptr("a"),
			PublicLocal: &api.Endpoint{Port: 1, Host: "10.0.0.1"},
		}, Status: api.SpuStatus{Resolution: api.SpuInitState}},
	}
	var views []view.Spu
	for i := range spus {
		views = append(views, view.OfSpu(&spus[i]))
	}
	golden(t, "spus", views)
}

// golden compares both structured forms of v.
func golden(t *testing.T, name string, v any) {
	t.Helper()
	for _, format := range []output.Format{output.JSON, output.YAML} {
		var b bytes.Buffer
		if err := output.Write(&b, format, v); err != nil {
			t.Fatal(err)
		}
		cmdtest.Golden(t, name+"_"+string(format), b.String())
	}
}
