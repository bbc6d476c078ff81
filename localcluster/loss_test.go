package localcluster

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// copies is a cluster with a topic that has a replica on each of three SPUs,
// and records that all of them have.
type copies struct {
	t    *testing.T
	dir  string
	c    *Cluster
	cl   *client.Client
	sent int
}

const copiedTopic = "orders"

func newCopies(t *testing.T) *copies {
	t.Helper()
	x := &copies{t: t, dir: t.TempDir()}
	x.c = open(t, Options{DataDir: x.dir, SPUs: 3})
	x.cl = dial(t, x.c)
	spec := api.TopicSpec{Replicas: api.Computed(1, 3), Compression: api.CompressionAny}
	if err := x.cl.Admin().CreateTopic(testContext(t), copiedTopic, spec, client.CreateTopicOptions{}); err != nil {
		t.Fatal(err)
	}
	x.commit(100)
	// Something has changed since it was created, as in any partition that is
	// not brand-new: before that an empty log is what everybody has.
	n := x.node(x.partition().Spec.Leader)
	x.restart(n, n.Kill, func() {})
	return x
}

// commit sends records that every replica in sync has to have.
func (x *copies) commit(n int) {
	x.t.Helper()
	ctx := testContext(x.t)
	p, err := x.cl.Producer(ctx, copiedTopic, client.Acks(api.ReadCommitted))
	if err != nil {
		x.t.Fatal(err)
	}
	var last client.Future
	for range n {
		last = p.Send(ctx, client.Record{Value: fmt.Appendf(nil, "record %d", x.sent)})
		x.sent++
	}
	if err := p.Flush(ctx); err != nil {
		x.t.Fatal(err)
	}
	if _, err := last.Wait(ctx); err != nil {
		x.t.Fatal(err)
	}
	if err := p.Close(ctx); err != nil {
		x.t.Fatal(err)
	}
}

func (x *copies) node(id int32) *Node {
	x.t.Helper()
	for _, n := range x.c.Nodes() {
		if n.ID == id {
			return n
		}
	}
	x.t.Fatalf("no SPU %d", id)
	return nil
}

func (x *copies) stop(n *Node) {
	x.t.Helper()
	if err := n.Stop(testContext(x.t)); err != nil {
		x.t.Fatal(err)
	}
}

func (x *copies) start(n *Node) {
	x.t.Helper()
	if err := n.Start(); err != nil {
		x.t.Fatal(err)
	}
}

// wipe removes the data of a stopped SPU.
func (x *copies) wipe(n *Node) {
	x.t.Helper()
	if err := os.RemoveAll(filepath.Join(x.dir, fmt.Sprintf("spu-logs-%d", n.ID))); err != nil {
		x.t.Fatal(err)
	}
}

// restart stops and starts an SPU with something done in between, and waits
// until all replicas are in sync again.
func (x *copies) restart(n *Node, stop, between func()) {
	x.t.Helper()
	stop()
	between()
	x.start(n)
	x.awaitWhole()
}

func (x *copies) partition() *api.Partition {
	x.t.Helper()
	parts, err := x.cl.Admin().Partitions(testContext(x.t), client.ListOptions{})
	if err != nil {
		x.t.Fatal(err)
	}
	for i := range parts {
		if parts[i].Name == copiedTopic+"-0" {
			return &parts[i]
		}
	}
	x.t.Fatal("the partition is gone")
	return nil
}

// reason is what the status of the topic says.
func (x *copies) reason() string {
	x.t.Helper()
	topics, err := x.cl.Admin().Topics(testContext(x.t), client.ListOptions{Filters: []string{copiedTopic}})
	if err != nil || len(topics) != 1 {
		x.t.Fatal(topics, err)
	}
	return topics[0].Status.Reason
}

func (x *copies) await(what string, cond func() bool) {
	x.t.Helper()
	ctx := testContext(x.t)
	for !cond() {
		if ctx.Err() != nil {
			x.t.Fatalf("%s did not happen: %+v, %q", what, x.partition(), x.reason())
		}
		time.Sleep(time.Millisecond) // polling a condition, bounded by ctx
	}
}

// awaitWhole waits until every replica has everything and is in sync.
func (x *copies) awaitWhole() {
	x.t.Helper()
	x.await("replication", func() bool {
		p := x.partition()
		ok := p.Status.Resolution == api.PartitionOnline && p.Status.LRS == 2 && p.Status.Leader.LEO == int64(x.sent)
		for _, r := range p.Status.Replicas {
			ok = ok && r.LEO == int64(x.sent)
		}
		return ok && x.reason() == ""
	})
}

func (x *copies) awaitSPU(id int32, want api.SpuResolution) {
	x.t.Helper()
	x.await(fmt.Sprintf("SPU %d being %s", id, want), func() bool {
		spus, err := x.cl.Admin().Spus(testContext(x.t), client.ListOptions{})
		if err != nil {
			x.t.Fatal(err)
		}
		return slices.ContainsFunc(spus, func(s api.Spu) bool { return s.Spec.ID == id && s.Status.Resolution == want })
	})
}

// heard waits until the SC knows what an SPU says about its replicas: it does
// when another one that is made now is served.
func (x *copies) heard(n *Node) {
	x.t.Helper()
	spec := api.TopicSpec{Compression: api.CompressionAny, Replicas: api.ReplicaSpec{
		Kind: api.ReplicasAssigned, Assigned: []api.PartitionMap{{Replicas: []int32{n.ID}}},
	}}
	if err := x.cl.Admin().CreateTopic(testContext(x.t), "heard", spec, client.CreateTopicOptions{}); err != nil {
		x.t.Fatal(err)
	}
}

func (x *copies) check() {
	x.t.Helper()
	checkAll(x.t, consume(x.t, x.cl, copiedTopic), x.sent)
}

// An SPU that comes back without its data takes it from the others, whether it
// led or not.
func TestWipedSPURefills(t *testing.T) {
	x := newCopies(t)
	for _, leads := range []bool{true, false} {
		p := x.partition()
		id := p.Spec.Leader
		if !leads {
			id = p.Status.Replicas[0].Spu
		}
		n := x.node(id)
		x.restart(n, func() { x.stop(n) }, func() { x.wipe(n) })
		x.check()
		x.commit(10)
		x.awaitWhole()
	}
	x.check()
}

// While the replicas that have the records are down, an SPU that lost them does
// not lead with an empty log: the partition waits and says why.
func TestWipedSPUDoesNotLead(t *testing.T) {
	x := newCopies(t)
	nodes := x.c.Nodes()
	for _, n := range nodes {
		x.stop(n)
	}
	x.wipe(nodes[0])
	x.start(nodes[0])
	want := fmt.Sprintf("leader SPU %d is offline, no other replica can take over", nodes[2].ID)
	x.await("the reason", func() bool { return strings.Contains(x.reason(), want) })
	if p := x.partition(); p.Status.Resolution != api.PartitionLeaderOffline {
		t.Errorf("partition is %s", p.Status.Resolution)
	}
	// Nor after another start, which finds a log: an empty one.
	x.stop(nodes[0])
	x.awaitSPU(nodes[0].ID, api.SpuOfflineState)
	x.start(nodes[0])
	x.awaitSPU(nodes[0].ID, api.SpuOnlineState)
	x.heard(nodes[0])
	if p, why := x.partition(), x.reason(); p.Status.Resolution != api.PartitionLeaderOffline || !strings.Contains(why, want) {
		t.Errorf("partition is %s: %s", p.Status.Resolution, why)
	}
	// The one that was the last in sync may have records that no other has.
	x.start(nodes[2])
	x.await("a leader", func() bool { return x.partition().Status.Resolution == api.PartitionOnline })
	if p := x.partition(); p.Spec.Leader != nodes[2].ID {
		t.Errorf("SPU %d leads", p.Spec.Leader)
	}
	x.check()
	x.start(nodes[1])
	x.awaitWhole()
	x.commit(10)
	x.awaitWhole()
	x.check()
}

// All of them killed at once come back with everything.
func TestAllKilledAtOnce(t *testing.T) {
	x := newCopies(t)
	nodes := x.c.Nodes()
	for _, n := range nodes {
		n.Kill()
	}
	for _, n := range nodes {
		x.start(n)
	}
	x.awaitWhole()
	x.check()
	x.commit(10)
	x.awaitWhole()
	x.check()
}
