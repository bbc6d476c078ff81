package sc

import (
	"context"
	"slices"
	"testing"

	"github.com/fluvio-go/fluvio/engine/sc/meta/memstore"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// raw is a message that is already encoded, or is not one.
type raw []byte

func (r *raw) Code(c *codec.Coder) {
	b := []byte(*r)
	c.Raw(&b, len(b))
}

// Whatever an SPU sends after it registered, the controller lives on and no
// partition gets a leader or an in-sync set that is not among its replicas.
func FuzzPrivate(f *testing.F) {
	seed := func(key uint16, m codec.Message) {
		b, err := codec.Append(nil, api.ClusterVersion, m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(key, b)
	}
	store := memstore.New(memstore.Options{})
	defer store.Close()
	public, private := transport.NewMemListener("public"), transport.NewMemListener("private")
	s, err := New(Config{Store: store, Public: public, Private: private, PlatformVersion: "0.18.1", Rebalance: Rebalance{Off: true}})
	if err == nil {
		err = s.Start()
	}
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close(context.Background()) })
	c := &cluster{SC: s, t: f, store: store, public: public, private: private}
	follower := c.startSpu(5002, 1)
	first := c.startSpu(5001, 1)
	want(f, "create", c.client().createSpec("t", replicated(1, 5001, 5002)), "t: ok")
	a := first.has("t", 0)
	follower.has("t", 0)

	report := serving(a, 5)
	report.Loss, report.Reason, report.LossReason = api.LossAll, "why", "gone"
	seed(api.KeyReportReplicas, &api.ReportReplicasRequest{Replicas: []api.ReplicaReport{report}, Removed: []api.ReplicaRef{a.ReplicaRef}})
	seed(api.KeyAlterISR, &api.AlterISRRequest{Changes: []api.ISRChange{change(a, 5001), change(a, 5002, 5002), change(a)}})
	seed(api.KeyMoveLeaders, &api.MoveLeadersRequest{})
	seed(api.KeyWatchAssignments, &api.WatchAssignmentsRequest{})
	seed(api.KeyRegisterSpu, &api.RegisterSpuRequest{SpuID: 5002, Boot: 1})
	seed(api.KeyPeerHello, &api.PeerHelloRequest{})

	boot := uint64(1)
	f.Fuzz(func(t *testing.T, key uint16, body []byte) {
		boot++
		conn, resp := (&cluster{SC: s, t: t, private: private}).register(5001, boot/4, "", false)
		defer conn.Close()
		if err := resp.Error.Err(); err != nil {
			t.Fatal(err, resp.Message)
		}
		_ = call(conn, key, api.ClusterVersion, (*raw)(&body), new(raw)) // may well end the connection
		if err := s.ctl.do(t.Context(), func() { checkState(t, s.ctl) }); err != nil {
			t.Fatal(err)
		}
	})
}

func checkState(t *testing.T, c *controller) {
	for _, topic := range c.topics {
		for _, p := range topic.parts {
			v := p.val
			if len(v.ISR) == 0 || v.Leader != api.NoLeader && !slices.Contains(v.Replicas, v.Leader) ||
				slices.ContainsFunc(v.ISR, func(id int32) bool { return !slices.Contains(v.Replicas, id) }) {
				t.Errorf("%s: %+v", p.name(), v)
			}
		}
	}
}
