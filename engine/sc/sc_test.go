package sc

import (
	"testing"

	"github.com/fluvio-go/fluvio/netproto/api"
)

func TestCreateListWatchDelete(t *testing.T) {
	c := startCluster(t, nil, nil)
	spu := c.startSpu(5001, 1)
	cl := c.client()
	topics, partitions := cl.watchTopics(), cl.watchPartitions()
	spu.has(OffsetsTopic, 0)
	if u := topics.next(); len(u.All) != 1 || u.All[0].Name != OffsetsTopic || len(u.Changes) != 0 {
		t.Fatalf("first update %+v", u)
	}
	partitions.next()

	want(t, "create", cl.createTopic("orders", 2), "orders: ok")
	got := cl.topics(false)
	if len(got) != 1 || got[0].Name != "orders" || got[0].Status.Resolution != api.TopicProvisioned || len(got[0].Status.ReplicaMap) != 2 {
		t.Fatalf("topics %+v", got)
	}
	parts := cl.partitions(false)
	if len(parts) != 2 || parts[0].Name != "orders-0" || parts[0].Spec.Leader != 5001 || parts[1].Status.Resolution != api.PartitionOnline {
		t.Fatalf("partitions %+v", parts)
	}
	topics.until(func(ch api.Change[api.TopicSpec, api.TopicStatus]) bool {
		return ch.Object.Name == "orders" && ch.Object.Status.Resolution == api.TopicProvisioned && len(ch.Object.Status.ReplicaMap) == 2
	})
	partitions.until(func(ch api.Change[api.PartitionSpec, api.PartitionStatus]) bool {
		return ch.Object.Name == "orders-1" && ch.Object.Status.Resolution == api.PartitionOnline
	})

	want(t, "create again", cl.createTopic("orders", 1), "orders: TopicAlreadyExists: Topic 'orders' already exists")
	want(t, "delete", cl.deleteTopic("orders", false), "orders: ok")
	if got := cl.topics(false); len(got) != 0 {
		t.Errorf("topics after delete %+v", got)
	}
	if got := cl.partitions(false); len(got) != 0 {
		t.Errorf("partitions after delete %+v", got)
	}
	topics.until(func(ch api.Change[api.TopicSpec, api.TopicStatus]) bool {
		return ch.Deleted && ch.Object.Name == "orders"
	})
	partitions.until(func(ch api.Change[api.PartitionSpec, api.PartitionStatus]) bool {
		return ch.Deleted && ch.Object.Name == "orders-1"
	})
	spu.lost("orders")
	want(t, "delete again", cl.deleteTopic("orders", false), "orders: TopicNotFound: not found")
}
