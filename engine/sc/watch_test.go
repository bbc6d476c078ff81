package sc

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
)

type (
	topicChange     = api.Change[api.TopicSpec, api.TopicStatus]
	partitionChange = api.Change[api.PartitionSpec, api.PartitionStatus]
)

// Two watches of each type on one connection get the same.
func TestTwoWatches(t *testing.T) {
	c := startCluster(t, nil, nil)
	spu := c.startSpu(5001, 1)
	cl := c.client()
	want(t, "create", cl.createTopic("a", 1), "a: ok")
	for range 2 {
		topics, parts, spus := cl.watchTopics(), cl.watchPartitions(), watch[api.SpuSpec, api.SpuStatus](cl, api.LabelSpu)
		for what, n := range map[string]int{"topics": len(topics.next().All), "partitions": len(parts.next().All), "SPUs": len(spus.next().All) + 1} {
			if n != 2 {
				t.Errorf("%d %s", n, what)
			}
		}
	}
	spu.kill()
}

// What command lines wait for when they add partitions: a change, not a full
// update, whose map has grown.
func TestAddPartitionsIsAChange(t *testing.T) {
	c := startCluster(t, nil, nil)
	c.startSpu(5001, 1)
	cl := c.client()
	want(t, "create", cl.createTopic("a", 2), "a: ok")
	before := cl.topics(false)[0].Status.ReplicaMap
	w := cl.watchTopics()
	w.next()
	want(t, "add", cl.status(api.KeyUpdate, api.LabelTopic, &api.UpdateTopic{Name: "a", Count: 3}), "a: ok")
	after := w.until(func(ch topicChange) bool { return len(ch.Object.Status.ReplicaMap) == 5 }).Object.Status.ReplicaMap
	for p, replicas := range before {
		if !reflect.DeepEqual(after[p], replicas) {
			t.Errorf("partition %d moved from %v to %v", p, replicas, after[p])
		}
	}
}

// A create that waits on a connection does not hold up its watches, and ends
// with the connection.
func TestWatchIsNotDelayed(t *testing.T) {
	c := startCluster(t, nil, nil)
	cl := c.client()
	w := cl.watchTopics()
	w.next()
	done := make(chan string)
	go func() { done <- cl.createTopic("stuck", 1) }()
	w.until(func(ch topicChange) bool { return ch.Object.Name == "stuck" })
	other := c.client()
	want(t, "delete", other.deleteTopic("stuck", false), "stuck: ok")
	w.until(func(ch topicChange) bool { return ch.Object.Name == "stuck" && ch.Deleted })
	want(t, "create", <-done, "stuck: TopicDeleted: topic 'stuck' was deleted while it was being created")

	go func() { done <- cl.createTopic("left", 1) }()
	w.until(func(ch topicChange) bool { return ch.Object.Name == "left" })
	cl.Close()
	<-done
	for waiting := true; waiting; {
		if err := c.ctl.do(t.Context(), func() { waiting = len(c.ctl.topics["left"].waiters) > 0 }); err != nil {
			t.Fatal(err)
		}
	}
}

// Older clients get what they can decode.
func TestOldVersions(t *testing.T) {
	c := startCluster(t, nil, nil)
	spu := c.startSpu(5001, 1)
	want(t, "create", c.client().createTopic("a", 1), "a: ok")
	full := serving(spu.has("a", 0), 1)
	full.State = api.ReplicaOutOfStorage
	spu.report(full)
	for version := int16(15); version <= api.ScVersion; version++ {
		cl := c.clientAt(version)
		expected := api.PartitionOnline
		if version >= 19 {
			expected = api.PartitionOutOfStorage
		}
		if parts := cl.partitions(false); len(parts) != 1 || parts[0].Status.Resolution != expected {
			t.Errorf("version %d: %+v", version, parts)
		}
		if u := cl.watchTopics().next(); len(u.All) != 2 {
			t.Errorf("version %d: %+v", version, u)
		}
	}
}

// Watchers hear of moving offsets at a bounded rate, and in the end of the
// last one.
func TestStatusRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := startCluster(t, nil, nil)
		spu := c.startSpu(5001, 1)
		cl := c.client()
		want(t, "create", cl.createTopic("a", 1), "a: ok")
		w := cl.watchPartitions()
		w.next()
		const reports, every = 1000, 10 * time.Millisecond
		go func() {
			r := spu.has("a", 0)
			for i := range reports {
				spu.report(serving(r, int64(i+1)))
				time.Sleep(every)
			}
		}()
		updates := 0
		w.until(func(ch partitionChange) bool {
			updates++
			return ch.Object.Status.Leader.LEO == reports
		})
		if limit := int(reports*every/(400*time.Millisecond)) + 2; updates > limit || updates < 2 {
			t.Errorf("%d updates, want at most %d", updates, limit)
		}
	})
}

// feedModel follows a feed like a client does.
type feedModel struct {
	epoch int64
	have  map[string]string
}

func (m *feedModel) read(f *feed) {
	items, full, now, _ := f.since(m.epoch)
	if full {
		m.have = make(map[string]string)
	}
	for _, p := range items {
		if p.deleted {
			delete(m.have, p.name)
		} else {
			m.have[p.name] = p.msg.(*api.Topic).Status.Reason
		}
	}
	m.epoch = now
}

// Whatever the order of publishing and reading, each reader ends up with what
// was published last, also when it was so far behind that deletions were
// forgotten.
func TestFeedModel(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	f, truth := newFeed(), make(map[string]string)
	readers := make([]*feedModel, 5)
	for i := range readers {
		readers[i] = &feedModel{epoch: -1, have: make(map[string]string)}
	}
	for step := range 40_000 {
		name := fmt.Sprint("t", rnd.IntN(8000))
		if rnd.IntN(3) > 0 {
			delete(truth, name)
			f.publish([]*published{{name: name, deleted: true}})
		} else {
			truth[name] = fmt.Sprint(step)
			f.publish([]*published{{name: name, msg: &api.Topic{Name: name, Status: api.TopicStatus{Reason: truth[name]}}}})
		}
		if i := rnd.IntN(len(readers)); rnd.IntN(100+i*1000) == 0 { // reader 4 hardly ever looks
			readers[i].read(f)
			if !reflect.DeepEqual(readers[i].have, truth) {
				t.Fatalf("step %d: reader %d has %d objects, want %d", step, i, len(readers[i].have), len(truth))
			}
		}
	}
	if f.fence == 0 {
		t.Error("no deletion was ever forgotten")
	}
	if n := f.order.Len(); n > 2*(len(truth)+maxTombstones) {
		t.Errorf("the feed holds %d entries for %d objects", n, len(truth))
	}
	if list := f.list(); len(list) != len(truth) || !slices.IsSortedFunc(list, func(a, b *published) int {
		if a.name < b.name {
			return -1
		}
		return 1
	}) {
		t.Errorf("%d objects listed, want %d, sorted", len(list), len(truth))
	}
}
