package sc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/fluvio-go/fluvio/engine/sc/meta"
	"github.com/fluvio-go/fluvio/engine/sc/meta/boltstore"
	"github.com/fluvio-go/fluvio/engine/sc/meta/memstore"
	"github.com/fluvio-go/fluvio/netproto/api"
)

func openBolt(t testing.TB, path string) *boltstore.Store {
	t.Helper()
	s, err := boltstore.Open(path, boltstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// A copy of the metadata file taken at any moment opens to a cluster that
// works: topics are whole, and one that was being created or deleted ends up
// one way or the other.
func TestCrashAtAnyCommit(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "metadata.db")
	store := openBolt(t, path)
	c := startCluster(t, &copyingStore{Store: store, path: path, dir: dir}, nil)
	c.startSpu(5001, 1)
	cl := c.client()
	want(t, "create", cl.createTopic("a", 3), "a: ok")
	want(t, "create", cl.createTopic("b", 2), "b: ok")
	want(t, "add", cl.status(api.KeyUpdate, api.LabelTopic, &api.UpdateTopic{Name: "a", Count: 2}), "a: ok")
	want(t, "delete", cl.deleteTopic("b", false), "b: ok")
	want(t, "delete", cl.deleteTopic(OffsetsTopic, true), "consumer-offset: ok")
	c.stop()
	store.Close()

	copies, err := filepath.Glob(filepath.Join(dir, "copy-*"))
	if err != nil || len(copies) < 8 {
		t.Fatalf("%d copies, %v", len(copies), err)
	}
	for _, file := range copies {
		c := startCluster(t, openBolt(t, file), nil)
		c.startSpu(5001, 2).has(OffsetsTopic, 0)
		cl := c.client()
		if err := c.ctl.do(t.Context(), func() {}); err != nil {
			t.Fatal(err)
		}
		for _, o := range cl.topics(false) {
			if o.Status.Resolution != api.TopicProvisioned || len(o.Status.ReplicaMap) != int(o.Spec.Replicas.Computed.Partitions) {
				t.Errorf("%s: %+v", file, o)
			}
		}
		want(t, file, cl.createTopic("new", 1), "new: ok")
		c.stop()
	}
}

// copyingStore keeps the file as it is after each commit.
type copyingStore struct {
	*boltstore.Store
	path, dir string
	n         int
}

func (s *copyingStore) Commit(ctx context.Context, changes []meta.Change) ([]uint64, error) {
	revs, err := s.Store.Commit(ctx, changes)
	b, readErr := os.ReadFile(s.path)
	s.n++
	writeErr := os.WriteFile(filepath.Join(s.dir, fmt.Sprintf("copy-%03d", s.n)), b, 0o600)
	return revs, errors.Join(err, readErr, writeErr)
}

// When a commit fails nothing of it is seen, callers hear of it, and the
// controller goes on.
func TestFailedCommit(t *testing.T) {
	var broken atomic.Bool
	disk := errors.New("disk is gone")
	store := memstore.New(memstore.Options{Persist: func(uint64, []meta.Change) error {
		if broken.Load() {
			return disk
		}
		return nil
	}})
	defer store.Close()
	c := startCluster(t, store, nil)
	c.startSpu(5001, 1)
	cl := c.client()
	want(t, "create", cl.createTopic("a", 1), "a: ok")
	broken.Store(true)
	want(t, "create", cl.createTopic("b", 1), "b: TopicNotProvisioned: error: disk is gone")
	want(t, "delete", cl.deleteTopic("a", false), "a: TopicError: delete topic 'a': disk is gone")
	want(t, "add", cl.status(api.KeyUpdate, api.LabelTopic, &api.UpdateTopic{Name: "a", Count: 1}), "a: TopicError: error: disk is gone")
	if err := c.EnsureCustomSpu(t.Context(), customSpu(7), "b"); !errors.Is(err, disk) {
		t.Error(err)
	}
	if got := cl.topics(false); len(got) != 1 || got[0].Status.Resolution != api.TopicProvisioned || len(got[0].Status.ReplicaMap) != 1 {
		t.Errorf("topics %+v", got)
	}
	broken.Store(false)
	want(t, "create", cl.createTopic("b", 2), "b: ok")
	want(t, "delete", cl.deleteTopic("a", false), "a: ok")
	if err := c.EnsureCustomSpu(t.Context(), customSpu(7), "b"); err != nil {
		t.Error(err)
	}
}

// What somebody else writes to the store is acted on like a request.
func TestStoreIsFollowed(t *testing.T) {
	store := memstore.New(memstore.Options{})
	defer store.Close()
	c := startCluster(t, store, nil)
	spu := c.startSpu(5001, 1)
	cl := c.client()
	topics, parts := cl.watchTopics(), cl.watchPartitions()
	topics.next()
	parts.next()
	commit := func(changes ...meta.Change) {
		t.Helper()
		if _, err := store.Commit(t.Context(), changes); err != nil {
			t.Fatal(err)
		}
	}
	get := func(kind meta.Kind, name string) meta.Object {
		t.Helper()
		o, err := store.Get(t.Context(), kind, name)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}

	commit(meta.Create("declared", &meta.Topic{ID: api.TopicID{1}, Spec: computed(2, 1)}))
	topics.until(func(ch topicChange) bool {
		return ch.Object.Name == "declared" && ch.Object.Status.Resolution == api.TopicProvisioned
	})
	spu.has("declared", 1)

	bad := computed(1, 0)
	commit(meta.Create("bad", &meta.Topic{ID: api.TopicID{2}, Spec: bad}))
	ch := topics.until(func(ch topicChange) bool {
		return ch.Object.Name == "bad" && ch.Object.Status.Resolution == api.TopicInvalidConfig
	})
	want(t, "reason", ch.Object.Status.Reason, "replication factor must be greater than 0")

	// A partition that disappears is put back; one without a topic is removed.
	p := get(meta.KindPartition, "declared-1")
	commit(meta.Delete(meta.KindPartition, "declared-1", p.Revision), meta.Create("stray-0", p.Value))
	parts.until(func(ch partitionChange) bool { return ch.Object.Name == "declared-1" && !ch.Deleted })
	want(t, "create", cl.createTopic("sync", 1), "sync: ok")
	if _, err := store.Get(t.Context(), meta.KindPartition, "stray-0"); !errors.Is(err, meta.ErrNotFound) {
		t.Errorf("stray partition: %v", err)
	}

	o := get(meta.KindTopic, "declared")
	v := *o.Value.(*meta.Topic)
	v.Deleting = true
	commit(meta.Update("declared", &v, o.Revision))
	topics.until(func(ch topicChange) bool { return ch.Object.Name == "declared" && ch.Deleted })
	spu.lost("declared")

	commit(meta.Delete(meta.KindSpu, spuName(5001), get(meta.KindSpu, spuName(5001)).Revision))
	<-spu.done
}
