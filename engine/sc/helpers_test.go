package sc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fluvio-go/fluvio/engine/sc/meta"
	"github.com/fluvio-go/fluvio/engine/sc/meta/memstore"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cluster is a controller under test with its listeners.
type cluster struct {
	*SC
	t               testing.TB
	store           meta.Store
	public, private *transport.MemListener
}

// startCluster starts a controller on store, or on a new memory store.
func startCluster(t testing.TB, store meta.Store, change func(*Config)) *cluster {
	t.Helper()
	if store == nil {
		s := memstore.New(memstore.Options{})
		t.Cleanup(func() { s.Close() })
		store = s
	}
	c := &cluster{t: t, store: store, public: transport.NewMemListener("public"), private: transport.NewMemListener("private")}
	cfg := Config{
		Store: store, Public: c.public, Private: c.private, PlatformVersion: "0.18.1",
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	if change != nil {
		change(&cfg)
	}
	sc, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.SC = sc
	if err := sc.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.stop)
	return c
}

func (c *cluster) stop() {
	if err := c.Close(context.Background()); err != nil {
		c.t.Error(err)
	}
}

// client is a raw client of the public API, at one version.
type client struct {
	*transport.Conn
	t       testing.TB
	version int16
}

func (c *cluster) client() *client { return c.clientAt(api.ScVersion) }

func (c *cluster) clientAt(version int16) *client {
	c.t.Helper()
	conn, err := transport.Dial(context.Background(), "public", transport.Options{Dialer: c.public.DialContext, RequestTimeout: -1})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.Close() })
	return &client{conn, c.t, version}
}

// call sends a request and decodes the answer; failing to do so fails the
// test.
func (c *client) call(key uint16, req, resp codec.Message) {
	c.t.Helper()
	if err := call(c.Conn, key, c.version, req, resp); err != nil {
		c.t.Fatalf("request %d: %v", key, err)
	}
}

// call is Conn.Call without its pooled channels, which must not wander
// between synctest bubbles.
func call(conn *transport.Conn, key uint16, version int16, req, resp codec.Message) error {
	s, err := conn.Stream(context.Background(), key, version, req)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Recv(context.Background(), resp)
}

// status sends an admin request and returns its status as text:
// "name: code: message".
func (c *client) status(key uint16, label api.Label, req codec.Message) string {
	c.t.Helper()
	var st api.Status
	if err := call(c.Conn, key, c.version, api.Typed{Label: label, Msg: req}, &st); err != nil {
		return err.Error()
	}
	return describe(&st)
}

func describe(st *api.Status) string {
	if st.Error.ID == api.OK && st.Message == nil {
		return st.Name + ": ok"
	}
	msg := "<no message>"
	if st.Message != nil {
		msg = *st.Message
	}
	return fmt.Sprintf("%s: %s: %s", st.Name, st.Error.ID.Name(), msg)
}

func (c *client) createTopic(name string, partitions uint32) string {
	c.t.Helper()
	return c.createSpec(name, api.TopicSpec{Replicas: api.Computed(partitions, 1), Compression: api.CompressionAny})
}

func (c *client) createSpec(name string, spec api.TopicSpec) string {
	c.t.Helper()
	return c.status(api.KeyCreate, api.LabelTopic, &api.CreateRequest[api.TopicSpec]{Name: name, Spec: spec})
}

func (c *client) deleteTopic(name string, force bool) string {
	c.t.Helper()
	return c.status(api.KeyDelete, api.LabelTopic, &api.DeleteRequest{Name: name, Force: force})
}

func listObjects[S, T any](c *client, label api.Label, req *api.ListRequest) []api.Object[S, T] {
	c.t.Helper()
	var resp api.ListResponse[S, T]
	c.call(api.KeyList, api.Typed{Label: label, Msg: req}, api.Typed{Label: label, Msg: &resp})
	return resp.Items
}

func (c *client) topics(system bool, filters ...string) []api.Topic {
	c.t.Helper()
	return listObjects[api.TopicSpec, api.TopicStatus](c, api.LabelTopic, &api.ListRequest{Filters: filters, System: system})
}

func (c *client) partitions(system bool) []api.Partition {
	c.t.Helper()
	return listObjects[api.PartitionSpec, api.PartitionStatus](c, api.LabelPartition, &api.ListRequest{System: system})
}

func (c *client) spus() []api.Spu {
	c.t.Helper()
	return listObjects[api.SpuSpec, api.SpuStatus](c, api.LabelSpu, &api.ListRequest{})
}

// watcher reads a watch.
type watcher[S, T any] struct {
	t      testing.TB
	stream *transport.Stream
	label  api.Label
}

func watch[S, T any](c *client, label api.Label) *watcher[S, T] {
	c.t.Helper()
	s, err := c.Stream(context.Background(), api.KeyWatch, c.version, api.Typed{Label: label, Msg: &api.WatchRequest{}})
	if err != nil {
		c.t.Fatal(err)
	}
	return &watcher[S, T]{c.t, s, label}
}

func (c *client) watchTopics() *watcher[api.TopicSpec, api.TopicStatus] {
	return watch[api.TopicSpec, api.TopicStatus](c, api.LabelTopic)
}

func (c *client) watchPartitions() *watcher[api.PartitionSpec, api.PartitionStatus] {
	return watch[api.PartitionSpec, api.PartitionStatus](c, api.LabelPartition)
}

func (w *watcher[S, T]) next() *api.WatchResponse[S, T] {
	w.t.Helper()
	var u api.WatchResponse[S, T]
	if err := w.stream.Recv(context.Background(), api.Typed{Label: w.label, Msg: &u}); err != nil {
		w.t.Fatal(err)
	}
	return &u
}

// until reads changes until one satisfies f, and returns it.
func (w *watcher[S, T]) until(f func(api.Change[S, T]) bool) api.Change[S, T] {
	w.t.Helper()
	for {
		u := w.next()
		if len(u.All) > 0 {
			w.t.Fatalf("%s: full update after the first", w.label)
		}
		if i := slices.IndexFunc(u.Changes, f); i >= 0 {
			return u.Changes[i]
		}
	}
}

// fakeSpu does what the controller expects of an SPU, and records it.
type fakeSpu struct {
	t    testing.TB
	id   int32
	conn *transport.Conn
	done chan struct{}
	hung chan struct{} // closed: send nothing

	mu       sync.Mutex
	changed  sync.Cond
	mute     bool // confirm no removals
	clean    bool // the start before ended in order
	wiped    bool // the logs were gone at the start
	silent   bool // report nothing unasked
	opened   map[api.ReplicaKey]bool
	losses   map[api.ReplicaKey]api.ReplicaReport // what is reported of them until the SC has taken note
	replicas map[api.ReplicaKey]api.ReplicaAssignment
	seen     []string // updates as text
	spus     []api.SpuSpec
}

func spuName(id int32) string { return fmt.Sprintf("custom-spu-%d", id) }

func customSpu(id int32) api.CustomSpuSpec {
	host := "localhost"
	return api.CustomSpuSpec{
		ID:      id,
		Public:  api.IngressPort{Port: uint16(id), Ingress: []api.Ingress{{Hostname: &host}}},
		Private: api.Endpoint{Port: uint16(id) + 1, Host: host},
	}
}

// register is the first step of an SPU alone.
func (c *cluster) register(id int32, boot uint64, clusterID string, clean bool) (*transport.Conn, *api.RegisterSpuResponse) {
	c.t.Helper()
	conn, err := transport.Dial(context.Background(), "private", transport.Options{Dialer: c.private.DialContext, RequestTimeout: -1})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.Close() })
	var resp api.RegisterSpuResponse
	err = call(conn, api.KeyRegisterSpu, api.ClusterVersion, &api.RegisterSpuRequest{SpuID: id, Boot: boot, ClusterID: clusterID, Clean: clean}, &resp)
	if err != nil {
		c.t.Fatal(err)
	}
	return conn, &resp
}

// startSpu registers an SPU with the cluster and connects it.
func (c *cluster) startSpu(id int32, boot uint64) *fakeSpu {
	c.t.Helper()
	if err := c.EnsureCustomSpu(context.Background(), customSpu(id), spuName(id)); err != nil {
		c.t.Fatal(err)
	}
	return c.connectSpu(id, boot)
}

func (c *cluster) connectSpu(id int32, boot uint64) *fakeSpu {
	c.t.Helper()
	conn, resp := c.register(id, boot, "", false)
	if err := resp.Error.Err(); err != nil {
		c.t.Fatalf("%v: %s", err, resp.Message)
	}
	return c.serveSpu(id, conn, nil)
}

// serveSpu has a fake SPU go on after it registered.
func (c *cluster) serveSpu(id int32, conn *transport.Conn, change func(*fakeSpu)) *fakeSpu {
	c.t.Helper()
	s := &fakeSpu{
		t: c.t, id: id, conn: conn, done: make(chan struct{}), hung: make(chan struct{}),
		replicas: make(map[api.ReplicaKey]api.ReplicaAssignment), opened: make(map[api.ReplicaKey]bool), losses: make(map[api.ReplicaKey]api.ReplicaReport),
	}
	if change != nil {
		change(s)
	}
	s.changed.L = &s.mu
	stream, err := conn.Stream(context.Background(), api.KeyWatchAssignments, api.ClusterVersion, &api.WatchAssignmentsRequest{})
	if err != nil {
		c.t.Fatal(err)
	}
	go s.run(stream)
	c.t.Cleanup(s.kill)
	return s
}

func (s *fakeSpu) run(stream *transport.Stream) {
	defer close(s.done)
	for {
		var a api.Assignments
		if err := stream.Recv(context.Background(), &a); err != nil {
			return
		}
		report := s.take(&a)
		select {
		case <-s.hung:
			continue
		default:
		}
		if err := s.send(report); err != nil {
			return
		}
	}
}

// take applies an update and returns what to report.
func (s *fakeSpu) take(a *api.Assignments) *api.ReportReplicasRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, describeUpdate(a))
	report := &api.ReportReplicasRequest{}
	if a.Full {
		s.replicas = make(map[api.ReplicaKey]api.ReplicaAssignment)
	}
	for _, ref := range a.Removed {
		if s.replicas[ref.Key].TopicID == ref.TopicID {
			delete(s.replicas, ref.Key)
		}
		if !s.mute {
			report.Removed = append(report.Removed, ref)
		}
	}
	for _, r := range a.Replicas {
		s.replicas[r.Key] = r
		s.open(&r)
		if !s.silent {
			report.Replicas = append(report.Replicas, s.withLoss(serving(&r, 0)))
		}
	}
	if a.Spus != nil {
		s.spus = a.Spus
	}
	s.changed.Broadcast()
	return report
}

// open notes what the log of a replica lost, and forgets it when the SC counts
// on nothing that it had.
func (s *fakeSpu) open(a *api.ReplicaAssignment) {
	counted := slices.Contains(a.ISR, s.id)
	if !s.opened[a.Key] && counted && a.PartitionEpoch > 1 {
		switch {
		case s.wiped:
			s.losses[a.Key] = api.ReplicaReport{LeaderEpoch: a.LeaderEpoch, Loss: api.LossAll, LossReason: "there is no log"}
		case !s.clean && len(a.Replicas) > 1 && a.Config.Durability.Resolve(len(a.Replicas)) != api.DurabilityAlways:
			s.losses[a.Key] = api.ReplicaReport{LeaderEpoch: a.LeaderEpoch, Loss: api.LossPossible}
		}
	}
	s.opened[a.Key] = true
	switch loss := s.losses[a.Key]; {
	case loss.Loss == api.LossDamage:
		if !counted && a.Leader != s.id && a.Leader != api.NoLeader {
			delete(s.losses, a.Key) // fetched anew
		}
	case !counted, a.Leader == s.id && a.LeaderEpoch > loss.LeaderEpoch:
		delete(s.losses, a.Key)
	}
}

// lose has the SPU find that the log of a replica lost something.
func (s *fakeSpu) lose(r *api.ReplicaReport, loss api.ReplicaLoss, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.losses[r.Key] = api.ReplicaReport{LeaderEpoch: r.LeaderEpoch, Loss: loss, LossReason: reason}
}

// withLoss adds to a report what the log of the replica lost.
func (s *fakeSpu) withLoss(r api.ReplicaReport) api.ReplicaReport {
	x := s.losses[r.Key]
	r.Loss, r.LossReason = x.Loss, x.LossReason
	return r
}

func serving(r *api.ReplicaAssignment, leo int64) api.ReplicaReport {
	return api.ReplicaReport{ReplicaRef: r.ReplicaRef, LeaderEpoch: r.LeaderEpoch, HW: leo, LEO: leo, Size: 100 * leo}
}

func describeUpdate(a *api.Assignments) string {
	var b strings.Builder
	if a.Full {
		b.WriteString("full ")
	}
	for _, r := range a.Removed {
		fmt.Fprintf(&b, "-%s ", r.Key)
	}
	for _, r := range a.Replicas {
		fmt.Fprintf(&b, "+%s@%d ", r.Key, r.LeaderEpoch)
		if len(r.Replicas) > 1 {
			fmt.Fprintf(&b, "leader=%d isr=%v ", r.Leader, r.ISR)
		}
	}
	if a.Spus != nil {
		fmt.Fprintf(&b, "spus=%d", len(a.Spus))
	}
	return strings.TrimSpace(b.String())
}

func (s *fakeSpu) send(req *api.ReportReplicasRequest) error {
	var resp api.ReportReplicasResponse
	return errors.Join(call(s.conn, api.KeyReportReplicas, api.ClusterVersion, req, &resp), resp.Error.Err())
}

// report sends reports, which must succeed.
func (s *fakeSpu) report(reports ...api.ReplicaReport) {
	s.t.Helper()
	if err := s.send(&api.ReportReplicasRequest{Replicas: reports}); err != nil {
		s.t.Fatal(err)
	}
}

// has waits until the SPU holds a replica and returns it.
func (s *fakeSpu) has(topic string, partition uint32) *api.ReplicaAssignment {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if r, ok := s.replicas[api.ReplicaKey{Topic: topic, Partition: partition}]; ok {
			return &r
		}
		s.changed.Wait()
	}
}

// lost waits until the SPU holds no replica of a topic.
func (s *fakeSpu) lost(topic string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if !slices.ContainsFunc(s.keys(), func(k api.ReplicaKey) bool { return k.Topic == topic }) {
			return
		}
		s.changed.Wait()
	}
}

func (s *fakeSpu) keys() []api.ReplicaKey {
	var out []api.ReplicaKey
	for k := range s.replicas {
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b api.ReplicaKey) int { return strings.Compare(a.String(), b.String()) })
	return out
}

func (s *fakeSpu) setMute(mute bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mute = mute
}

// kill ends the SPU's connection.
func (s *fakeSpu) kill() {
	s.conn.Close()
	<-s.done
}

func testTimeouts(c *Config) {
	c.Timeouts = Timeouts{Provision: 50 * time.Millisecond, Delete: 50 * time.Millisecond, Status: 5 * time.Millisecond}
}

func want(t testing.TB, what, got, expected string) {
	t.Helper()
	if got != expected {
		t.Errorf("%s:\n got %s\nwant %s", what, got, expected)
	}
}
