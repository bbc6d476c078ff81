package sc

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

func TestRegistration(t *testing.T) {
	c := startCluster(t, nil, nil)
	if err := c.EnsureCustomSpu(t.Context(), customSpu(5001), "a"); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		id      int32
		cluster string
		want    api.Code
	}{
		{5002, "", api.SpuRegistrationFailed},
		{5001, "another cluster", api.SpuRegistrationFailed},
		{5001, "", api.OK},
		{5001, c.store.ClusterID(), api.OK},
	} {
		conn, resp := c.register(tc.id, 1, tc.cluster, false)
		if resp.Error.ID != tc.want || resp.ClusterID != c.store.ClusterID() || (resp.Message == "") != (tc.want == api.OK) || resp.HeartbeatMS != 250 || resp.LeaseMS != 1500 {
			t.Errorf("%d, %q: %+v", tc.id, tc.cluster, resp)
		}
		if tc.want != api.OK {
			<-conn.Done()
		}
	}
}

// Whatever an SPU may not do ends its connection.
func TestUnexpectedRequests(t *testing.T) {
	c := startCluster(t, nil, nil)
	if err := c.EnsureCustomSpu(t.Context(), customSpu(5001), "a"); err != nil {
		t.Fatal(err)
	}
	dial := func() *transport.Conn {
		conn, err := transport.Dial(context.Background(), "private", transport.Options{Dialer: c.private.DialContext})
		if err != nil {
			t.Fatal(err)
		}
		return conn
	}
	first := dial()
	if err := call(first, api.KeyReportReplicas, 1, &api.ReportReplicasRequest{}, &api.ReportReplicasResponse{}); err == nil {
		t.Error("a report before registration was answered")
	}
	second, _ := c.register(5001, 1, "", false)
	for range 2 {
		if _, err := second.Stream(t.Context(), api.KeyWatchAssignments, 1, &api.WatchAssignmentsRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	<-second.Done()
	third, _ := c.register(5001, 1, "", false)
	if err := call(third, api.KeyCreate, 1, &api.WatchAssignmentsRequest{}, &api.Status{}); err == nil {
		t.Error("a create was answered")
	}
}

func TestNewConnectionReplacesOld(t *testing.T) {
	c := startCluster(t, nil, nil)
	old := c.startSpu(5001, 1)
	cl := c.client()
	want(t, "create", cl.createTopic("a", 1), "a: ok")
	now := c.connectSpu(5001, 1)
	<-old.done
	now.has("a", 0)
	want(t, "create", cl.createTopic("b", 1), "b: ok")
	if spus := cl.spus(); spus[0].Status.Resolution != api.SpuOnlineState {
		t.Errorf("%+v", spus)
	}
	if parts := cl.partitions(false); parts[0].Status.Resolution != api.PartitionOnline {
		t.Errorf("%+v", parts)
	}
}

func TestSilentSpuIsOffline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := startCluster(t, nil, nil)
		spu := c.startSpu(5001, 1)
		cl := c.client()
		want(t, "create", cl.createTopic("a", 1), "a: ok")
		for range 5 {
			time.Sleep(1200 * time.Millisecond)
			spu.report()
		}
		if parts := cl.partitions(false); parts[0].Status.Resolution != api.PartitionOnline {
			t.Errorf("with heartbeats: %+v", parts)
		}
		time.Sleep(1300 * time.Millisecond)
		synctest.Wait()
		if parts := cl.partitions(false); parts[0].Status.Resolution != api.PartitionLeaderOffline {
			t.Errorf("after silence: %+v", parts)
		}
		want(t, "SPU", cl.spus()[0].Status.Resolution.String(), "Offline")
		<-spu.done
	})
}

// Reports about what an SPU does not lead, or that are from another time, are
// looked past.
func TestForeignReports(t *testing.T) {
	c := startCluster(t, nil, nil)
	spu, other := c.startSpu(5001, 1), c.startSpu(5002, 1)
	cl := c.client()
	want(t, "create", cl.createSpec("a", assigned(api.PartitionMap{Replicas: []int32{5001}})), "a: ok")
	good := serving(spu.has("a", 0), 5)
	bad := func(change func(*api.ReplicaReport)) api.ReplicaReport {
		r := good
		r.LEO, r.State = 99, api.ReplicaFailed
		change(&r)
		return r
	}
	spu.report(good,
		bad(func(r *api.ReplicaReport) { r.LeaderEpoch++ }),
		bad(func(r *api.ReplicaReport) { r.TopicID[0]++ }),
		bad(func(r *api.ReplicaReport) { r.Key.Topic = "b" }),
		bad(func(r *api.ReplicaReport) { r.Key.Partition = math.MaxUint32 }),
		bad(func(r *api.ReplicaReport) { r.Key.Topic = "" }),
	)
	other.report(bad(func(*api.ReplicaReport) {}))
	want(t, "create", cl.createTopic("later", 1), "later: ok") // published after the reports
	if err := c.ctl.do(t.Context(), c.ctl.flushDrifted); err != nil {
		t.Fatal(err)
	}
	st := cl.partitions(false)[0].Status
	if st.Resolution != api.PartitionOnline || st.Leader != (api.ReplicaStatus{Spu: 5001, HW: 5, LEO: 5}) || st.Size != 500 {
		t.Errorf("%+v", st)
	}
}

// An SPU hears of addresses when they change.
func TestSpuAddresses(t *testing.T) {
	c := startCluster(t, nil, nil)
	spu := c.startSpu(5001, 1)
	spu.has(OffsetsTopic, 0)
	if err := c.EnsureCustomSpu(t.Context(), customSpu(5002), spuName(5002)); err != nil {
		t.Fatal(err)
	}
	spu.mu.Lock()
	defer spu.mu.Unlock()
	for len(spu.spus) != 2 {
		spu.changed.Wait()
	}
}
