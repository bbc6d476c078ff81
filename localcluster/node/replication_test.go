package node

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/engine/spu"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// trio is an SC and three SPUs, with public ports on the loopback interface
// and everything else in memory.
type trio struct {
	t    *testing.T
	sc   *SC
	cl   *client.Client
	spus map[int32]*SPU

	mu      sync.Mutex
	peers   map[int32]*transport.MemListener
	shrinks int // in-sync sets that leaders asked for
}

func startTrio(t *testing.T) *trio {
	t.Helper()
	dir := t.TempDir()
	public, err := Listen("SC", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	private := transport.NewMemListener("sc")
	sc, err := StartSC(SCConfig{Dir: filepath.Join(dir, "metadata"), Public: public, Private: private})
	if err != nil {
		t.Fatal(err)
	}
	c := &trio{t: t, sc: sc, spus: make(map[int32]*SPU), peers: make(map[int32]*transport.MemListener)}
	t.Cleanup(func() {
		for _, s := range c.spus {
			s.Kill()
		}
		if err := sc.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	for id := int32(1); id <= 3; id++ {
		c.start(dir, id, private)
	}
	c.cl = dial(t, public.Addr().String())
	for id := range c.spus {
		waitOnline(t, c.cl, id)
	}
	return c
}

func (c *trio) start(dir string, id int32, sc *transport.MemListener) {
	c.t.Helper()
	public, err := Listen("SPU", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	host, port := endpoint(c.t, public.Addr().String())
	private := transport.NewMemListener(ServiceSPU(id))
	c.mu.Lock()
	c.peers[id] = private
	c.mu.Unlock()
	err = c.sc.EnsureCustomSpu(testContext(c.t), api.CustomSpuSpec{
		ID: id, Public: api.IngressPort{Port: port, Ingress: []api.Ingress{{Hostname: &host}}},
		Private: api.Endpoint{Host: "memory", Port: uint16(id)},
	}, fmt.Sprint("custom-spu-", id))
	if err != nil {
		c.t.Fatal(err)
	}
	c.spus[id], err = StartSPU(SPUConfig{
		ID: id, Dir: dir, Public: public, Private: private, DialSC: sc.Dial,
		DialPeer: func(ctx context.Context, spec api.SpuSpec) (net.Conn, error) {
			c.mu.Lock()
			ln := c.peers[spec.ID]
			c.mu.Unlock()
			return ln.Dial(ctx)
		},
		Events: spu.Events{ISR: func(_ api.ReplicaKey, isr []int32) {
			if len(isr) < 3 {
				c.mu.Lock()
				c.shrinks++
				c.mu.Unlock()
			}
		}},
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// leader waits until a topic's one partition is online with as many in-sync
// followers, and returns who leads it.
func (c *trio) leader(topic string, lrs uint32) int32 {
	c.t.Helper()
	ctx := testContext(c.t)
	for {
		parts, err := c.cl.Admin().Partitions(ctx, client.ListOptions{})
		if err != nil {
			c.t.Fatal(err)
		}
		for _, p := range parts {
			if p.Name == topic+"-0" && p.Status.Resolution == api.PartitionOnline && p.Status.LRS == lrs {
				return p.Spec.Leader
			}
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			c.t.Fatalf("partition of %s: %+v", topic, parts)
		}
	}
}

func (c *trio) create(topic string) {
	c.t.Helper()
	spec := api.TopicSpec{Replicas: api.Computed(1, 3), Compression: api.CompressionAny}
	if err := c.cl.Admin().CreateTopic(testContext(c.t), topic, spec, client.CreateTopicOptions{}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *trio) producer(topic string) *client.Producer {
	c.t.Helper()
	p, err := c.cl.Producer(testContext(c.t), topic)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { p.Close(context.Background()) })
	return p
}

// Followers that die hold back nobody until their leader gives them up by itself:
// the SC takes them out of the set, or tells the leader. The default producer of a default topic notices a
// pause and nothing else.
func TestDeadFollowersHoldNothingBack(t *testing.T) {
	c := startTrio(t)
	c.create("orders")
	leader := c.leader("orders", 2)
	p := c.producer("orders")
	send(t, p, "all have it")
	left := uint32(2)
	for id := int32(1); id <= 3; id++ {
		if id == leader {
			continue
		}
		c.spus[id].Kill()
		start := time.Now()
		send(t, p, fmt.Sprint("without SPU ", id)) // in a set that was made smaller
		t.Logf("SPU %d died: acknowledged after %v", id, time.Since(start))
		left--
		if now := c.leader("orders", left); now != leader {
			t.Errorf("SPU %d leads", now)
		}
	}
}

// A follower that stops in order is not even waited for.
func TestStoppedFollowerSaysGoodbye(t *testing.T) {
	c := startTrio(t)
	c.create("orders")
	leader := c.leader("orders", 2)
	p := c.producer("orders")
	send(t, p, "all have it")
	follower := leader%3 + 1
	if err := c.spus[follower].Close(testContext(t)); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	send(t, p, "two have it")
	t.Logf("acknowledged after %v", time.Since(start))
	if now := c.leader("orders", 1); now != leader {
		t.Errorf("SPU %d leads", now)
	}
	if n := c.sc.Counters(); n.ISRRemovals == 0 {
		t.Errorf("%+v", n)
	}
}

// What a default producer was told is there when its leader is not any more.
func TestLeaderDies(t *testing.T) {
	c := startTrio(t)
	c.create("orders")
	leader := c.leader("orders", 2)
	p := c.producer("orders")
	for i := range 50 {
		send(t, p, fmt.Sprint(i))
	}
	c.spus[leader].Kill()
	start := time.Now()
	send(t, p, "the next")
	t.Logf("acknowledged after %v", time.Since(start))
	if now := c.leader("orders", 1); now == leader {
		t.Errorf("SPU %d leads", now)
	}
	ctx := testContext(t)
	cons, err := c.cl.Consumer(ctx, "orders", client.From(client.Beginning()), client.Isolation(api.ReadCommitted))
	if err != nil {
		t.Fatal(err)
	}
	defer cons.Close()
	seen := make(map[string]int)
	for rec, err := range cons.Records(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if seen[string(rec.Value)]++; string(rec.Value) == "the next" {
			break
		}
	}
	for i := range 50 {
		if n := seen[fmt.Sprint(i)]; n != 1 {
			t.Errorf("record %d is there %d times", i, n)
		}
	}
}
