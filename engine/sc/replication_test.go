package sc

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fluvio-go/fluvio/engine/sc/meta"
	"github.com/fluvio-go/fluvio/engine/sc/meta/memstore"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// watchedStore hands every commit to a test, and can be broken.
type watchedStore struct {
	meta.Store
	broken  atomic.Bool
	commits atomic.Int64
	see     func([]meta.Change)
}

func (s *watchedStore) Commit(ctx context.Context, changes []meta.Change) ([]uint64, error) {
	if s.broken.Load() {
		return nil, errors.New("store is broken")
	}
	s.commits.Add(1)
	got, err := s.Store.Commit(ctx, changes)
	if err == nil && s.see != nil {
		s.see(changes)
	}
	return got, err
}

func (s *watchedStore) List(ctx context.Context) ([]meta.Object, uint64, error) {
	if s.broken.Load() {
		return nil, 0, errors.New("store is broken")
	}
	return s.Store.List(ctx)
}

func newWatchedStore(t testing.TB) *watchedStore {
	s := &watchedStore{Store: memstore.New(memstore.Options{ClusterID: "c"})}
	t.Cleanup(func() { s.Close() })
	return s
}

func replicated(partitions int, spus ...int32) api.TopicSpec {
	var maps []api.PartitionMap
	for i := range partitions {
		maps = append(maps, api.PartitionMap{ID: uint32(i), Replicas: spus})
	}
	return assigned(maps...)
}

func (s *fakeSpu) alter(changes ...api.ISRChange) []api.ISRResult {
	s.t.Helper()
	var resp api.AlterISRResponse
	if err := call(s.conn, api.KeyAlterISR, api.ClusterVersion, &api.AlterISRRequest{Changes: changes}, &resp); err != nil {
		s.t.Fatal(err)
	}
	return resp.Results
}

func change(a *api.ReplicaAssignment, isr ...int32) api.ISRChange {
	return api.ISRChange{ReplicaRef: a.ReplicaRef, LeaderEpoch: a.LeaderEpoch, PartitionEpoch: a.PartitionEpoch, ISR: isr}
}

// Changes of many partitions in one request are one commit, each answered in
// its place; what cannot be stored is not claimed.
func TestAlterISRBatch(t *testing.T) {
	store := newWatchedStore(t)
	c := startCluster(t, store, nil)
	leader, _ := c.startSpu(5001, 1), c.startSpu(5002, 1)
	want(t, "create", c.client().createSpec("t", replicated(50, 5001, 5002)), "t: ok")
	var changes []api.ISRChange
	for i := range 50 {
		changes = append(changes, change(leader.has("t", uint32(i)), 5001))
	}
	changes[7].PartitionEpoch++

	store.broken.Store(true)
	for i, r := range leader.alter(changes...) {
		if r.Accepted || r.LeaderEpoch != 0 || r.ISR != nil {
			t.Errorf("change %d with a broken store: %+v", i, r)
		}
	}
	store.broken.Store(false)

	before := store.commits.Load()
	for i, r := range leader.alter(changes...) {
		expect := api.ISRResult{Accepted: true, LeaderEpoch: 1, PartitionEpoch: 2, ISR: []int32{5001}}
		if i == 7 {
			expect = api.ISRResult{LeaderEpoch: 1, PartitionEpoch: 1, ISR: []int32{5001, 5002}}
		}
		if fmt.Sprint(r) != fmt.Sprint(expect) {
			t.Errorf("change %d: %+v, want %+v", i, r, expect)
		}
	}
	if n := store.commits.Load() - before; n != 1 {
		t.Errorf("%d commits", n)
	}
}

// What happens while the metadata cannot be read or written is made up for
// when it can.
func TestFailoverAfterStoreFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newWatchedStore(t)
		c := startCluster(t, store, nil)
		leader, other := c.startSpu(5001, 1), c.startSpu(5002, 1)
		go beat(other)
		cl := c.client()
		want(t, "create", cl.createSpec("t", replicated(1, 5001, 5002)), "t: ok")
		synctest.Wait() // for the follower's report
		store.broken.Store(true)
		want(t, "create", cl.createTopic("u", 1), "u: TopicNotProvisioned: error: store is broken")
		leader.kill()
		time.Sleep(5 * time.Second)
		store.broken.Store(false)
		time.Sleep(3 * time.Second) // what is sent to the dead SPU now begins a lease
		synctest.Wait()
		if p := cl.partitions(false)[0]; p.Spec.Leader != 5002 || p.Status.Resolution != api.PartitionOnline {
			t.Errorf("%+v: %s", p, cl.topics(false)[0].Status.Reason)
		}
		other.kill()
		cl.Close()
	})
}

// Of leaders that ask at the same time with the same epochs one wins.
func TestAlterISRRace(t *testing.T) {
	c := startCluster(t, nil, nil)
	leader := c.startSpu(5001, 1)
	c.startSpu(5002, 1)
	c.startSpu(5003, 1)
	want(t, "create", c.client().createSpec("t", replicated(1, 5001, 5002, 5003)), "t: ok")
	a := leader.has("t", 0)
	var accepted atomic.Int64
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			isr := []int32{5001, 5002 + int32(i%2)}
			if leader.alter(change(a, isr...))[0].Accepted {
				accepted.Add(1)
			}
		})
	}
	all.Wait()
	if n := accepted.Load(); n != 1 {
		t.Errorf("%d changes with the same epochs were accepted", n)
	}
}

// A session that was replaced has no say any more.
func TestOldSessionIsRefused(t *testing.T) {
	c := startCluster(t, nil, nil)
	c.startSpu(5001, 1)
	c.startSpu(5002, 1)
	want(t, "create", c.client().createSpec("t", replicated(1, 5001, 5002)), "t: ok")
	err := c.ctl.do(t.Context(), func() {
		p := c.ctl.replica(api.ReplicaKey{Topic: "t"})
		old := newSession(5001, 1, "old")
		a := p.assignment()
		if r := c.ctl.alterISR(old, ptr(change(&a, 5001))); r.Accepted {
			t.Errorf("accepted: %+v", r)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// chaos plays with a cluster at random and checks, at every commit, that no
// leadership breaks the rules.
type chaos struct {
	t     *testing.T
	rnd   *rand.Rand
	c     *cluster
	store *watchedStore
	spus  map[int32]*fakeSpu
	boots map[int32]uint64
	left  map[int32]bool // said goodbye before its connection ended

	mu    sync.Mutex
	now   map[string]*meta.Partition
	heard map[int32]time.Time // when an SPU was last answered
	dead  map[int32]bool      // its process ended, and the controller knows that it did
}

var chaosSpus = []int32{5001, 5002, 5003}

const chaosLease = 1500 * time.Millisecond

// see checks what was stored. The controller's goroutine calls it.
func (x *chaos) see(changes []meta.Change) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, ch := range changes {
		next, ok := ch.Value.(*meta.Partition)
		if !ok {
			continue
		}
		was := x.now[ch.Name]
		x.now[ch.Name] = next
		for _, id := range next.ISR {
			if !slices.Contains(next.Replicas, id) {
				x.t.Errorf("%s: in-sync set %v is not among %v", ch.Name, next.ISR, next.Replicas)
			}
		}
		if len(next.ISR) == 0 || next.Leader != api.NoLeader && !slices.Contains(next.ISR, next.Leader) {
			x.t.Errorf("%s: leader %d, in sync %v", ch.Name, next.Leader, next.ISR)
		}
		if was != nil {
			x.compare(ch.Name, was, next)
		}
	}
}

func (x *chaos) compare(name string, was, next *meta.Partition) {
	if next.PartitionEpoch <= was.PartitionEpoch || next.LeaderEpoch < was.LeaderEpoch {
		x.t.Errorf("%s: epochs %d/%d after %d/%d", name, next.LeaderEpoch, next.PartitionEpoch, was.LeaderEpoch, was.PartitionEpoch)
	}
	if next.Leader == was.Leader {
		return
	}
	if next.LeaderEpoch == was.LeaderEpoch {
		x.t.Errorf("%s: leader %d became %d in one epoch", name, was.Leader, next.Leader)
	}
	if next.Leader != api.NoLeader && !slices.Contains(was.ISR, next.Leader) {
		x.t.Errorf("%s: leader %d was not in sync: %v", name, next.Leader, was.ISR)
	}
	// The old leader must not be able to act: it hears of the change, its
	// process is over, or its lease is.
	if was.Leader != api.NoLeader && x.spus[was.Leader] == nil && !x.dead[was.Leader] {
		if d := time.Since(x.heard[was.Leader]); d < chaosLease {
			x.t.Errorf("%s: leader %d replaced by %d only %v after it was heard", name, was.Leader, next.Leader, d)
		}
	}
}

// start connects an SPU, as another start of its process unless it is "again"
// the one from before.
func (x *chaos) start(id int32, again bool) {
	if !again {
		x.boots[id]++
	}
	clean := x.left[id]
	x.left[id] = false
	conn, resp := x.c.register(id, x.boots[id], "", clean)
	if resp.Error.ID != api.OK {
		x.t.Fatal(resp.Message)
	}
	spu := x.c.serveSpu(id, conn, func(f *fakeSpu) { f.clean = clean || again })
	x.mu.Lock()
	x.spus[id] = spu
	x.heard[id] = time.Now()
	delete(x.dead, id)
	x.mu.Unlock()
	go func() {
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if spu.send(&api.ReportReplicasRequest{}) == nil {
					x.mu.Lock()
					if x.spus[id] == spu {
						x.heard[id] = time.Now()
					}
					x.mu.Unlock()
				}
			case <-spu.done:
				return
			}
		}
	}()
}

// cut ends an SPU's connection, and its process too if it comes back with
// another boot.
func (x *chaos) cut(id int32) {
	spu := x.spus[id]
	x.mu.Lock()
	delete(x.spus, id)
	x.mu.Unlock()
	spu.kill()
}

func (x *chaos) step() {
	id := chaosSpus[x.rnd.IntN(len(chaosSpus))]
	spu := x.spus[id]
	switch op := x.rnd.IntN(10); {
	case spu == nil && op < 4: // the same process
		x.start(id, true)
	case spu == nil && op < 6: // another one
		x.mu.Lock()
		x.dead[id] = true // from the moment it registers, which is next
		x.mu.Unlock()
		x.start(id, false)
	case spu == nil:
		time.Sleep(time.Duration(x.rnd.IntN(1500)) * time.Millisecond)
	case op < 2:
		x.cut(id)
	case op < 3:
		var resp api.MoveLeadersResponse
		if err := call(spu.conn, api.KeyMoveLeaders, api.ClusterVersion, &api.MoveLeadersRequest{}, &resp); err != nil {
			x.t.Fatal(err)
		}
		x.left[id] = true
		x.cut(id)
	case op < 8:
		x.alter(spu)
	default:
		time.Sleep(time.Duration(x.rnd.IntN(800)) * time.Millisecond)
	}
}

// alter has an SPU ask for a random set, whether it leads or not.
func (x *chaos) alter(spu *fakeSpu) {
	isr := slices.DeleteFunc(slices.Clone(chaosSpus), func(id int32) bool { return id != spu.id && x.rnd.IntN(3) == 0 })
	spu.alter(change(spu.has("t", uint32(x.rnd.IntN(4))), isr...))
}

func TestChaos(t *testing.T) {
	for seed := range uint64(12) {
		synctest.Test(t, func(t *testing.T) {
			t.Logf("seed %d", seed)
			x := &chaos{
				t: t, rnd: rand.New(rand.NewPCG(seed, 0)), store: newWatchedStore(t),
				spus: make(map[int32]*fakeSpu), boots: make(map[int32]uint64), left: make(map[int32]bool), now: make(map[string]*meta.Partition),
				heard: make(map[int32]time.Time), dead: make(map[int32]bool),
			}
			x.store.see = x.see
			x.c = startCluster(t, x.store, quiet)
			for _, id := range chaosSpus {
				if err := x.c.EnsureCustomSpu(t.Context(), customSpu(id), spuName(id)); err != nil {
					t.Fatal(err)
				}
				x.start(id, false)
			}
			cl := x.c.client()
			want(t, "create", cl.createSpec("t", replicated(4, chaosSpus...)), "t: ok")
			for range 200 {
				x.step()
				synctest.Wait()
			}
			// With everybody back every partition has a leader again.
			for _, id := range chaosSpus {
				if x.spus[id] == nil {
					x.start(id, true)
				}
			}
			time.Sleep(5 * time.Second)
			synctest.Wait()
			for _, p := range cl.partitions(false) {
				if p.Status.Resolution != api.PartitionOnline {
					t.Errorf("%s is %s", p.Name, p.Status.Resolution)
				}
			}
			for _, spu := range x.spus {
				spu.kill()
			}
			cl.Close()
		})
	}
}
