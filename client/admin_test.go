package client

import (
	"errors"
	"slices"
	"testing"

	"github.com/fluvio-go/fluvio/netproto/api"
)

func TestTopicsThroughAdmin(t *testing.T) {
	e := start(t, 1)
	adm := e.cl.Admin()
	spec := api.TopicSpec{Replicas: api.Computed(2, 1), Compression: api.CompressionAny}
	if err := adm.CreateTopic(e.ctx, "dry", spec, CreateTopicOptions{DryRun: true}); err != nil {
		t.Fatal(err)
	}
	if err := adm.CreateTopic(e.ctx, "a", spec, CreateTopicOptions{}); err != nil {
		t.Fatal(err)
	}
	err := adm.CreateTopic(e.ctx, "a", spec, CreateTopicOptions{})
	var ce *Error
	if !errors.As(err, &ce) || !errors.Is(err, api.TopicAlreadyExists) || ce.Topic != "a" || ce.Message != "topic 'a' already defined" {
		t.Errorf("second create: %#v", err)
	}
	topics, err := adm.Topics(e.ctx, ListOptions{})
	if err != nil || len(topics) != 1 || topics[0].Name != "a" {
		t.Errorf("topics: %v %v", topics, err)
	}
	// A producer made right after create needs no wait of its own.
	if _, err := e.cl.Producer(e.ctx, "a"); err != nil {
		t.Error(err)
	}
	if err := adm.DeleteTopic(e.ctx, "a", false); err != nil {
		t.Error(err)
	}
	if err := adm.DeleteTopic(e.ctx, "a", false); !errors.Is(err, ErrTopicNotFound) {
		t.Errorf("second delete: %v", err)
	}
}

func TestDurabilityNeedsOurServer(t *testing.T) {
	e := start(t, 1)
	spec := api.TopicSpec{Replicas: api.Computed(1, 1)}
	opts := CreateTopicOptions{Config: api.TopicConfig{Durability: api.DurabilityNever}}
	if err := e.cl.Admin().CreateTopic(e.ctx, "ours", spec, opts); err != nil {
		t.Error(err)
	}
	e.fc.HideExt()
	e.fc.Disconnect(0)
	var err error
	for !errors.Is(err, ErrUnsupported) && e.ctx.Err() == nil { // the old connection may still be found open
		err = e.cl.Admin().CreateTopic(e.ctx, "theirs", spec, opts)
	}
	if !errors.Is(err, ErrUnsupported) {
		t.Errorf("error is %v", err)
	}
	if err := e.cl.Admin().CreateTopic(e.ctx, "theirs", spec, CreateTopicOptions{}); errors.Is(err, ErrUnsupported) {
		t.Errorf("without settings: %v", err)
	}
}

func TestWatchTopics(t *testing.T) {
	e := start(t, 1)
	e.topic("a", 1)
	step := 0
	for u, err := range e.cl.Admin().WatchTopics(e.ctx) {
		if err != nil {
			t.Fatal(err)
		}
		switch step {
		case 0:
			if !u.Full || len(u.All) != 1 || u.All[0].Name != "a" {
				t.Fatalf("first update is %+v", u)
			}
			e.topic("b", 1)
		case 1:
			if u.Full || len(u.Changes) != 1 || u.Changes[0].Object.Name != "b" || u.Changes[0].Deleted {
				t.Fatalf("second update is %+v", u)
			}
			e.fc.DeleteTopic("a")
		case 2:
			if len(u.Changes) != 1 || !u.Changes[0].Deleted || u.Changes[0].Object.Name != "a" {
				t.Fatalf("third update is %+v", u)
			}
			e.fc.Disconnect(0)
		case 3:
			if !u.Full || len(u.All) != 1 || u.All[0].Name != "b" {
				t.Fatalf("update after the break is %+v", u)
			}
		}
		if step++; step == 4 {
			break
		}
	}
}

func TestMetadataFollowsFullUpdates(t *testing.T) {
	m := newMetadata(&config{}, nil)
	topic := func(name string, n uint32) api.Topic {
		return api.Topic{Name: name, Spec: api.TopicSpec{Replicas: api.Computed(n, 1)}}
	}
	part := func(name string, leader int32, res api.PartitionResolution) api.Partition {
		return api.Partition{Name: name, Spec: api.PartitionSpec{Leader: leader}, Status: api.PartitionStatus{Resolution: res}}
	}
	type partitions = api.WatchResponse[api.PartitionSpec, api.PartitionStatus]
	type topics = api.WatchResponse[api.TopicSpec, api.TopicStatus]
	m.applyTopics(&topics{All: []api.Topic{topic("a-b", 2), topic("c", 1)}})
	m.applyPartitions(&partitions{All: []api.Partition{
		part("a-b-0", 1, api.PartitionOnline), part("a-b-1", 2, api.PartitionOffline), part("c-0", 1, api.PartitionOnline),
		part("nonsense", 1, api.PartitionOnline), part("c-7", 1, api.PartitionOnline),
	}})
	v := m.topic("a-b")
	if v.leader(0) != 1 || v.leader(1) != 2 || v.leader(2) != noLeader || !slices.Equal(v.online, []uint32{0}) {
		t.Fatalf("view is %+v", v)
	}
	gen := m.gen.Load()
	again := part("a-b-0", 1, api.PartitionOnline)
	again.Status.Leader.LEO = 99
	m.applyPartitions(&partitions{Changes: []api.Change[api.PartitionSpec, api.PartitionStatus]{{Object: again}}})
	if m.gen.Load() != gen || m.topic("a-b") != v {
		t.Error("an offset report made a new view")
	}
	m.applyPartitions(&partitions{})
	if m.topic("c") == nil {
		t.Error("an empty update cleared the store")
	}
	m.applyPartitions(&partitions{All: []api.Partition{part("a-b-0", 3, api.PartitionOnline)}})
	if m.topic("c") != nil || m.topic("a-b").leader(0) != 3 || m.topic("a-b").leader(1) != noLeader {
		t.Errorf("after a full update: %+v, %+v", m.topic("c"), m.topic("a-b"))
	}
	m.applyTopics(&topics{Changes: []api.Change[api.TopicSpec, api.TopicStatus]{{Deleted: true, Object: api.Topic{Name: "a-b"}}}})
	if m.topic("a-b") != nil {
		t.Error("deleted topic is still there")
	}
}
