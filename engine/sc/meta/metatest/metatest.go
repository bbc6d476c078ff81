package metatest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/fluvio-go/fluvio/engine/sc/meta"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
)

// Topic returns a topic value in which every field is set.
func Topic(mark byte) *meta.Topic {
	segment, size, mirror := uint32(4096), uint64(1<<40), api.PartitionMirror{Side: api.MirrorHome}
	return &meta.Topic{
		ID: api.TopicID{mark},
		Spec: api.TopicSpec{
			Replicas:      api.Computed(uint32(mark), 1),
			CleanupPolicy: &api.CleanupPolicy{TimeInSeconds: 77},
			Storage:       &api.TopicStorage{SegmentSize: &segment, MaxPartitionSize: &size},
			Compression:   api.CompressionZstd,
			Deduplication: &api.Deduplication{Count: 3, Age: &codec.Duration{Secs: 5}, Uses: "a/b@1.0.0", With: map[string]string{"k": "v"}},
			System:        true,
		},
		Config: api.TopicConfig{Durability: api.DurabilityNever},
		Status: api.TopicStatus{
			Resolution: api.TopicProvisioned,
			ReplicaMap: map[uint32][]int32{0: {5001, 5002}, 1: {5002}},
			MirrorMap:  map[uint32]api.PartitionMirror{0: mirror},
			Reason:     "because",
		},
		Deleting: true,
	}
}

// Partition returns a partition value in which every field is set.
func Partition(mark byte) *meta.Partition {
	return &meta.Partition{
		TopicID: api.TopicID{mark}, Leader: 5001, LeaderEpoch: 3, PartitionEpoch: 4,
		Replicas: []int32{5001, 5002}, ISR: []int32{5001},
	}
}

// Spu returns an SPU value in which every field is set.
func Spu(id int32) *meta.Spu {
	host, rack := "localhost", "r1"
	return &meta.Spu{
		Spec: api.SpuSpec{
			ID: id, Type: api.SpuCustom,
			Public:      api.IngressPort{Port: 9010, Ingress: []api.Ingress{{Hostname: &host}}, Encryption: api.SSL},
			Private:     api.Endpoint{Port: 9011, Host: host},
			Rack:        &rack,
			PublicLocal: &api.Endpoint{Port: 9012, Host: host},
		},
		Boot: 1 << 60,
	}
}

// Run runs the suite. open makes a new empty store whose Watch remembers at
// least 8 and at most 64 changes; closing is its business.
func Run(t *testing.T, open func(t *testing.T) meta.Store) {
	for _, tc := range []struct {
		name string
		test func(*testing.T, meta.Store)
	}{
		{"empty", testEmpty},
		{"create, get, list", testCreate},
		{"conditions", testConditions},
		{"all or none", testAllOrNone},
		{"nonsense", testNonsense},
		{"batch", testBatch},
		{"watch", testWatch},
		{"watch waits", testWatchWaits},
		{"watch too old", testWatchTooOld},
		{"context", testContext},
		{"close", testClose},
	} {
		t.Run(tc.name, func(t *testing.T) { tc.test(t, open(t)) })
	}
}

func commit(t *testing.T, s meta.Store, changes ...meta.Change) uint64 {
	t.Helper()
	revs, err := s.Commit(context.Background(), changes)
	if err != nil {
		t.Fatal(err)
	}
	if len(revs) != len(changes) {
		t.Fatalf("%d changes got %d revisions", len(changes), len(revs))
	}
	return revs[len(revs)-1]
}

func list(t *testing.T, s meta.Store) ([]meta.Object, uint64) {
	t.Helper()
	objects, rev, err := s.List(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return objects, rev
}

func testEmpty(t *testing.T, s meta.Store) {
	if objects, _ := list(t, s); len(objects) != 0 {
		t.Errorf("new store has %v", objects)
	}
	if id := s.ClusterID(); len(id) != 32 {
		t.Errorf("cluster id is %q", id)
	}
	_, err := s.Get(t.Context(), meta.KindTopic, "a")
	if !errors.Is(err, meta.ErrNotFound) {
		t.Errorf("Get: %v", err)
	}
	if revs, err := s.Commit(t.Context(), nil); err != nil || len(revs) != 0 {
		t.Errorf("empty commit: %v, %v", revs, err)
	}
}

func testCreate(t *testing.T, s meta.Store) {
	_, before := list(t, s)
	rev := commit(t, s, meta.Create("b", Topic(2)), meta.Create("a", Topic(1)),
		meta.Create("a-0", Partition(1)), meta.Create("spu", Spu(5001)))
	if rev <= before {
		t.Errorf("revision %d after %d", rev, before)
	}
	objects, listed := list(t, s)
	if listed < rev {
		t.Errorf("list is at revision %d, commit at %d", listed, rev)
	}
	var got []string
	for _, o := range objects {
		got = append(got, fmt.Sprintf("%s/%s", o.Kind(), o.Name))
		if o.Revision <= before || o.Revision > listed {
			t.Errorf("%s is at revision %d", o.Name, o.Revision)
		}
	}
	if want := []string{"spu/spu", "topic/a", "topic/b", "partition/a-0"}; !reflect.DeepEqual(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
	for name, want := range map[string]meta.Value{"a": Topic(1), "a-0": Partition(1), "spu": Spu(5001)} {
		o, err := s.Get(t.Context(), want.Kind(), name)
		if err != nil || o.Name != name || !reflect.DeepEqual(o.Value, want) {
			t.Errorf("Get %s = %+v, %v; want %+v", name, o.Value, err, want)
		}
	}
	if _, err := s.Get(t.Context(), meta.KindPartition, "a"); !errors.Is(err, meta.ErrNotFound) {
		t.Errorf("kinds share names: %v", err)
	}
}

func testConditions(t *testing.T, s meta.Store) {
	first := commit(t, s, meta.Create("a", Topic(1)))
	second := commit(t, s, meta.Update("a", Topic(2), first))
	for _, tc := range []struct {
		what string
		c    meta.Change
		want meta.ConflictError
	}{
		{"create existing", meta.Create("a", Topic(3)), meta.ConflictError{Kind: meta.KindTopic, Name: "a", Revision: second}},
		{"update old", meta.Update("a", Topic(3), first), meta.ConflictError{Kind: meta.KindTopic, Name: "a", Want: first, Revision: second}},
		{"delete old", meta.Delete(meta.KindTopic, "a", first), meta.ConflictError{Kind: meta.KindTopic, Name: "a", Want: first, Revision: second}},
		{"update missing", meta.Update("b", Topic(3), second), meta.ConflictError{Kind: meta.KindTopic, Name: "b", Want: second}},
		{"delete missing", meta.Delete(meta.KindTopic, "b", second), meta.ConflictError{Kind: meta.KindTopic, Name: "b", Want: second}},
	} {
		_, err := s.Commit(t.Context(), []meta.Change{tc.c})
		var conflict *meta.ConflictError
		if !errors.As(err, &conflict) || *conflict != tc.want {
			t.Errorf("%s: %v, want %v", tc.what, err, &tc.want)
		}
	}
	if o, err := s.Get(t.Context(), meta.KindTopic, "a"); err != nil || !reflect.DeepEqual(o.Value, Topic(2)) || o.Revision != second {
		t.Errorf("after conflicts: %+v, %v", o, err)
	}
	commit(t, s, meta.Delete(meta.KindTopic, "a", second))
	third := commit(t, s, meta.Create("a", Topic(4)))
	if third <= second {
		t.Errorf("revision %d after %d", third, second)
	}
}

func testAllOrNone(t *testing.T, s meta.Store) {
	rev := commit(t, s, meta.Create("a", Topic(1)))
	_, err := s.Commit(t.Context(), []meta.Change{
		meta.Create("b", Topic(2)), meta.Update("a", Topic(3), rev), meta.Update("c", Topic(3), rev),
	})
	var conflict *meta.ConflictError
	if !errors.As(err, &conflict) {
		t.Fatalf("commit: %v", err)
	}
	objects, _ := list(t, s)
	if len(objects) != 1 || !reflect.DeepEqual(objects[0].Value, Topic(1)) {
		t.Errorf("a refused commit left %+v", objects)
	}
}

func testNonsense(t *testing.T, s meta.Store) {
	for what, changes := range map[string][]meta.Change{
		"no name":        {meta.Create("", Topic(1))},
		"unknown kind":   {{Kind: "galaxy", Name: "a", IfRevision: 1}},
		"wrong kind":     {{Kind: meta.KindSpu, Name: "a", Value: Topic(1)}},
		"delete nothing": {{Kind: meta.KindSpu, Name: "a"}},
		"twice":          {meta.Create("a", Topic(1)), meta.Create("a", Topic(1))},
	} {
		if _, err := s.Commit(t.Context(), changes); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if objects, _ := list(t, s); len(objects) != 0 {
		t.Errorf("refused commits left %v", objects)
	}
}

func testBatch(t *testing.T, s meta.Store) {
	const n = 1000
	changes := []meta.Change{meta.Create("big", Topic(1))}
	for i := range n {
		changes = append(changes, meta.Create(fmt.Sprintf("big-%d", i), Partition(1)))
	}
	commit(t, s, changes...)
	objects, _ := list(t, s)
	if len(objects) != n+1 {
		t.Fatalf("%d objects", len(objects))
	}
	changes = changes[:0]
	for _, o := range objects {
		changes = append(changes, meta.Delete(o.Kind(), o.Name, o.Revision))
	}
	commit(t, s, changes...)
	if objects, _ := list(t, s); len(objects) != 0 {
		t.Errorf("%d objects left", len(objects))
	}
}

func testWatch(t *testing.T, s meta.Store) {
	_, start := list(t, s)
	r1 := commit(t, s, meta.Create("a", Topic(1)), meta.Create("a-0", Partition(1)))
	r2 := commit(t, s, meta.Update("a", Topic(2), r1))
	r3 := commit(t, s, meta.Delete(meta.KindTopic, "a", r2))
	e1 := meta.Event{Kind: meta.KindTopic, Name: "a", Revision: r1, Value: Topic(1)}
	e2 := meta.Event{Kind: meta.KindPartition, Name: "a-0", Revision: r1, Value: Partition(1)}
	e3 := meta.Event{Kind: meta.KindTopic, Name: "a", Revision: r2, Value: Topic(2)}
	e4 := meta.Event{Kind: meta.KindTopic, Name: "a", Revision: r3}
	for _, tc := range []struct {
		after uint64
		want  []meta.Event
	}{
		{start, []meta.Event{e1, e2, e3, e4}},
		{r1, []meta.Event{e3, e4}},
		{r2, []meta.Event{e4}},
	} {
		events, next, err := s.Watch(t.Context(), tc.after)
		if err != nil || next < r3 || !reflect.DeepEqual(events, tc.want) {
			t.Errorf("Watch(%d) = %v, %d, %v; want %v", tc.after, events, next, err, tc.want)
		}
	}
}

func testWatchWaits(t *testing.T, s meta.Store) {
	_, start := list(t, s)
	got := make(chan error, 1)
	go func() {
		events, _, err := s.Watch(context.Background(), start)
		if err == nil && (len(events) != 1 || events[0].Name != "a") {
			err = fmt.Errorf("events %v", events)
		}
		got <- err
	}()
	commit(t, s, meta.Create("a", Topic(1)))
	if err := <-got; err != nil {
		t.Error(err)
	}
}

func testWatchTooOld(t *testing.T, s meta.Store) {
	_, start := list(t, s)
	rev := commit(t, s, meta.Create("a", Topic(1)))
	for range 200 {
		rev = commit(t, s, meta.Update("a", Topic(2), rev))
	}
	if _, _, err := s.Watch(t.Context(), start); !errors.Is(err, meta.ErrTooOld) {
		t.Errorf("watch from the beginning: %v", err)
	}
	if _, _, err := s.Watch(t.Context(), rev+100); !errors.Is(err, meta.ErrTooOld) {
		t.Errorf("watch from the future: %v", err)
	}
	next := commit(t, s, meta.Update("a", Topic(3), rev))
	events, _, err := s.Watch(t.Context(), rev)
	if err != nil || len(events) != 1 || events[0].Revision != next {
		t.Errorf("watch from now: %v, %v", events, err)
	}
}

func testContext(t *testing.T, s meta.Store) {
	_, start := list(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, _, err := s.Watch(ctx, start)
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("watch: %v", err)
	}
	if _, err := s.Commit(ctx, []meta.Change{meta.Create("a", Topic(1))}); !errors.Is(err, context.Canceled) {
		t.Errorf("commit: %v", err)
	}
}

func testClose(t *testing.T, s meta.Store) {
	_, start := list(t, s)
	done := make(chan error, 1)
	go func() {
		_, _, err := s.Watch(context.Background(), start)
		done <- err
	}()
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-done; !errors.Is(err, meta.ErrClosed) {
		t.Errorf("watch: %v", err)
	}
	_, _, listErr := s.List(t.Context())
	_, getErr := s.Get(t.Context(), meta.KindTopic, "a")
	_, commitErr := s.Commit(t.Context(), []meta.Change{meta.Create("a", Topic(1))})
	for what, err := range map[string]error{"list": listErr, "get": getErr, "commit": commitErr} {
		if !errors.Is(err, meta.ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
