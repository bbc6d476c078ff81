package spu

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

const testCluster = "cluster-1"

// fakeSC is the SC's side of the link: it admits everybody, hands out what the
// test assigns, and remembers reports.
type fakeSC struct {
	t      testing.TB
	ln     *transport.MemListener
	server *transport.Listener
	done   chan struct{}

	mu        sync.Mutex
	cluster   string
	heartbeat int32
	revision  uint64
	assigned  map[api.ReplicaRef]api.ReplicaAssignment
	watchers  map[chan *api.Assignments]struct{}
	reports   map[api.ReplicaRef]api.ReplicaReport
	removed   map[api.ReplicaRef]bool
	registers []api.RegisterSpuRequest
	heard     int                                            // reports, heartbeats included
	changed   chan struct{}                                  // closed and replaced when anything is heard
	refuse    api.ErrorCode                                  // answer to registrations
	forget    bool                                           // answer reports with SpuNotFound, once
	deaf      bool                                           // do not answer reports
	stuck     bool                                           // move no leaderships
	goodbyes  []int32                                        // who asked for that
	spus      []api.SpuSpec                                  // told to everybody
	by        map[int32]map[api.ReplicaRef]api.ReplicaReport // reports by SPU
	alter     alterMode
	altered   []api.ISRChange // asked for, answered or not
	heed      bool            // take replicas that lost something out of the in-sync set
}

func newFakeSC(t testing.TB) *fakeSC {
	sc := &fakeSC{
		t: t, cluster: testCluster, heartbeat: 50,
		assigned: make(map[api.ReplicaRef]api.ReplicaAssignment),
		watchers: make(map[chan *api.Assignments]struct{}),
		reports:  make(map[api.ReplicaRef]api.ReplicaReport),
		removed:  make(map[api.ReplicaRef]bool),
		changed:  make(chan struct{}),
		by:       make(map[int32]map[api.ReplicaRef]api.ReplicaReport),
	}
	sc.up()
	t.Cleanup(sc.down)
	return sc
}

// up begins to listen, as at the start or after down.
func (sc *fakeSC) up() {
	ln := transport.NewMemListener("sc")
	sc.mu.Lock()
	sc.ln = ln
	sc.mu.Unlock()
	sc.server = transport.NewListener(ln, transport.ListenerOptions{})
	sc.done = make(chan struct{})
	go func() {
		defer close(sc.done)
		_ = sc.server.Serve(context.Background(), sc.serve)
	}()
}

func (sc *fakeSC) down() {
	sc.server.Close()
	<-sc.done
}

func (sc *fakeSC) dial(ctx context.Context) (net.Conn, error) {
	sc.mu.Lock()
	ln := sc.ln
	sc.mu.Unlock()
	return ln.Dial(ctx)
}

func (sc *fakeSC) serve(ctx context.Context, c *transport.ServerConn) {
	spu := int32(-1)
	for {
		r, err := c.ReadRequest()
		if err != nil {
			return
		}
		switch r.Key {
		case api.KeyRegisterSpu:
			var req api.RegisterSpuRequest
			if err := r.Decode(&req); err != nil {
				sc.t.Errorf("register: %v", err)
				return
			}
			sc.mu.Lock()
			sc.registers = append(sc.registers, req)
			spu = req.SpuID
			resp := &api.RegisterSpuResponse{Error: sc.refuse, ClusterID: sc.cluster, HeartbeatMS: sc.heartbeat}
			sc.news()
			sc.mu.Unlock()
			_ = c.WriteResponse(r.CorrelationID, r.Version, resp)
		case api.KeyWatchAssignments:
			sc.watch(c, r.CorrelationID, r.Version)
		case api.KeyReportReplicas:
			var req api.ReportReplicasRequest
			if err := r.Decode(&req); err != nil {
				sc.t.Errorf("report: %v", err)
				return
			}
			if resp := sc.take(spu, &req); resp != nil {
				_ = c.WriteResponse(r.CorrelationID, r.Version, resp)
			}
		case api.KeyAlterISR:
			var req api.AlterISRRequest
			if err := r.Decode(&req); err != nil {
				sc.t.Errorf("alter ISR: %v", err)
				return
			}
			if resp := sc.alterISR(&req); resp != nil {
				_ = c.WriteResponse(r.CorrelationID, r.Version, resp)
			}
		case api.KeyMoveLeaders:
			_ = c.WriteResponse(r.CorrelationID, r.Version, sc.moveLeaders(spu))
		default:
			sc.t.Errorf("the SC got key %d", r.Key)
			return
		}
	}
}

func (sc *fakeSC) watch(c *transport.ServerConn, id int32, version int16) {
	updates := make(chan *api.Assignments, 100)
	sc.mu.Lock()
	updates <- sc.full()
	sc.watchers[updates] = struct{}{}
	sc.mu.Unlock()
	c.Go(func(ctx context.Context) {
		defer func() {
			sc.mu.Lock()
			delete(sc.watchers, updates)
			sc.mu.Unlock()
		}()
		for {
			select {
			case a := <-updates:
				if c.WriteResponse(id, version, a) != nil {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	})
}

// full is the complete list. sc.mu is held.
func (sc *fakeSC) full() *api.Assignments {
	a := &api.Assignments{Full: true, Revision: sc.revision, Spus: sc.spus}
	for _, r := range sc.assigned {
		a.Replicas = append(a.Replicas, r)
	}
	return a
}

func (sc *fakeSC) take(spu int32, req *api.ReportReplicasRequest) *api.ReportReplicasResponse {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.heard++
	if sc.by[spu] == nil {
		sc.by[spu] = make(map[api.ReplicaRef]api.ReplicaReport)
	}
	for _, r := range req.Replicas {
		sc.reports[r.ReplicaRef] = r
		sc.by[spu][r.ReplicaRef] = r
		sc.heedReport(spu, &r)
	}
	for _, r := range req.Removed {
		sc.removed[r] = true
	}
	sc.news()
	if sc.deaf {
		return nil
	}
	resp := &api.ReportReplicasResponse{}
	if sc.forget {
		sc.forget = false
		resp.Error.ID = api.SpuNotFound
	}
	return resp
}

func (sc *fakeSC) news() {
	close(sc.changed)
	sc.changed = make(chan struct{})
}

// await waits until cond, which is called with sc.mu held, is true.
func (sc *fakeSC) await(what string, cond func() bool) {
	sc.t.Helper()
	deadline := time.After(testPatience)
	for {
		sc.mu.Lock()
		ok, changed := cond(), sc.changed
		sc.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			sc.t.Fatalf("gave up waiting for: %s", what)
		}
	}
}

// send gives every SPU an update. sc.mu is held.
func (sc *fakeSC) send(a *api.Assignments) uint64 {
	sc.revision++
	a.Revision = sc.revision
	for w := range sc.watchers {
		w <- a
	}
	return sc.revision
}

// assign adds or changes replicas and returns the revision that does so.
func (sc *fakeSC) assign(as ...api.ReplicaAssignment) uint64 {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	for _, a := range as {
		sc.assigned[a.ReplicaRef] = a
	}
	return sc.send(&api.Assignments{Replicas: as})
}

// drop removes replicas.
func (sc *fakeSC) drop(refs ...api.ReplicaRef) uint64 {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	for _, ref := range refs {
		delete(sc.assigned, ref)
	}
	return sc.send(&api.Assignments{Removed: slices.Clone(refs)})
}

// alterMode is what the SC does about changes of in-sync sets.
type alterMode uint8

const (
	alterAccept alterMode = iota
	alterIgnore           // no answer
	alterRefuse
	alterLose // stores the change, tells nobody, and gives no answer
)

func (sc *fakeSC) alterISR(req *api.AlterISRRequest) *api.AlterISRResponse {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.altered = append(sc.altered, req.Changes...)
	sc.news()
	if sc.alter == alterIgnore {
		return nil
	}
	resp := &api.AlterISRResponse{}
	for _, c := range req.Changes {
		a := sc.assigned[c.ReplicaRef]
		ok := sc.alter != alterRefuse && !sc.addsLost(&a, c.ISR) && c.PartitionEpoch == a.PartitionEpoch && c.LeaderEpoch == a.LeaderEpoch
		if ok {
			a.ISR = c.ISR
			a.PartitionEpoch++
			sc.assigned[c.ReplicaRef] = a
			if sc.alter != alterLose {
				sc.send(&api.Assignments{Replicas: []api.ReplicaAssignment{a}})
			}
		}
		resp.Results = append(resp.Results, api.ISRResult{Accepted: ok, LeaderEpoch: a.LeaderEpoch, PartitionEpoch: a.PartitionEpoch, ISR: a.ISR})
	}
	if sc.alter == alterLose {
		return nil
	}
	return resp
}

func (sc *fakeSC) moveLeaders(spu int32) *api.MoveLeadersResponse {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	sc.goodbyes = append(sc.goodbyes, spu)
	resp := &api.MoveLeadersResponse{}
	for _, a := range sc.assigned {
		if a.Leader != spu || len(a.Replicas) < 2 {
			continue
		}
		i := slices.IndexFunc(a.ISR, func(id int32) bool { return id != spu })
		if i < 0 || sc.stuck {
			resp.Remaining++
			continue
		}
		sc.elect(&a, a.ISR[i])
	}
	return resp
}

// elect makes another SPU lead. sc.mu is held.
func (sc *fakeSC) elect(a *api.ReplicaAssignment, leader int32) {
	a.Leader = leader
	a.LeaderEpoch++
	a.PartitionEpoch++
	sc.assigned[a.ReplicaRef] = *a
	sc.send(&api.Assignments{Replicas: []api.ReplicaAssignment{*a}})
}

// heedReport does what the SC does about a replica that lost something or
// cannot do its work: another one leads, and what is lost is not counted on.
// sc.mu is held.
func (sc *fakeSC) heedReport(spu int32, r *api.ReplicaReport) {
	a, ok := sc.assigned[r.ReplicaRef]
	others := slices.DeleteFunc(slices.Clone(a.ISR), func(id int32) bool { return id == spu })
	leads := a.Leader == spu
	switch {
	case !sc.heed || !ok || len(others) == 0 || leads && r.LeaderEpoch != a.LeaderEpoch:
		return
	case r.Loss != api.LossNone && slices.Contains(a.ISR, spu):
		a.ISR = others
	case leads && r.State == api.ReplicaFailed:
	default:
		return
	}
	if leads {
		sc.elect(&a, others[0])
		return
	}
	a.PartitionEpoch++
	sc.assigned[r.ReplicaRef] = a
	sc.send(&api.Assignments{Replicas: []api.ReplicaAssignment{a}})
}

// addsLost reports whether a set adds a replica that has yet to hear that
// nobody counts on what it lost. sc.mu is held.
func (sc *fakeSC) addsLost(a *api.ReplicaAssignment, isr []int32) bool {
	return sc.heed && slices.ContainsFunc(isr, func(id int32) bool {
		return !slices.Contains(a.ISR, id) && sc.by[id][a.ReplicaRef].Loss != api.LossNone
	})
}
