//go:build netns && linux

package netns

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// The tests in this file print figures; .ci/netns runs them when NETNS_RUN
// names them. They fail only where no figure can be had.

// setting is a number from the environment.
func setting(t *testing.T, name string, usual int) int {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return usual
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q, want a number from 1 on", name, s)
	}
	return n
}

// times are when something happened again and again.
type times struct {
	mu  sync.Mutex
	all []time.Time
}

func (s *times) note() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, time.Now())
}

func (s *times) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all)
}

// outage is the time from fault to the end of the longest silence after it.
// What comes before that silence was on its way already.
func (s *times) outage(fault time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, longest, end := fault, time.Duration(0), fault
	for _, at := range s.all {
		if at.Before(fault) {
			continue
		}
		if gap := at.Sub(last); gap > longest {
			longest, end = gap, at
		}
		last = at
	}
	return end.Sub(fault)
}

// summary is median and maximum.
func summary(ds []time.Duration) string {
	slices.Sort(ds)
	return fmt.Sprintf("median %v, maximum %v", ds[len(ds)/2].Round(time.Millisecond), ds[len(ds)-1].Round(time.Millisecond))
}

// TestFailoverTime measures how long a partition with three replicas is
// without a leader for a producer that sends record after record and for a
// consumer. FAILOVER_ROUNDS (30) is the number for each kind of fault.
func TestFailoverTime(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(c *cluster, leader *node)
		undo func(c *cluster, leader *node)
	}{
		{"kill -9", func(_ *cluster, n *node) { kill(n) }, func(_ *cluster, n *node) { n.start() }},
		{"silent cut", func(c *cluster, n *node) { c.isolate(n.host) }, func(c *cluster, _ *node) { c.mend() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 0))
			c := newCluster(t)
			c.createTopic(topic, 1, 3, api.TopicConfig{MinInSync: 2}, 0)
			var acks, reads times
			stop := traffic(t, c, &acks, &reads)
			defer stop()
			var produce, consume []time.Duration
			for range setting(t, "FAILOVER_ROUNDS", 30) {
				c.untilInSync(topic)
				goesOn(t, &acks, &reads)
				moment(rng, time.Second)
				leader := c.leader(topic, 0)
				fault := time.Now()
				tt.do(c, c.spu(leader))
				c.leader(topic, 0, leader)
				goesOn(t, &acks, &reads)
				produce = append(produce, acks.outage(fault))
				consume = append(consume, reads.outage(fault))
				tt.undo(c, c.spu(leader))
			}
			t.Logf("%d rounds: next acknowledgement after: %s", len(produce), summary(produce))
			t.Logf("%d rounds: consumer has the next record after: %s", len(consume), summary(consume))
		})
	}
}

// goesOn waits until both have had a good number of events more.
func goesOn(t *testing.T, all ...*times) {
	t.Helper()
	const enough = 100
	for _, s := range all {
		before := s.count()
		until(t, "traffic", func() bool { return s.count() >= before+enough })
	}
}

// traffic is one producer with one record under way, and one consumer.
func traffic(t *testing.T, c *cluster, acks, reads *times) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cl := c.dial()
	p, err := cl.Producer(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	co, err := cl.Consumer(ctx, topic, client.From(client.Beginning()))
	if err != nil {
		t.Fatal(err)
	}
	var tasks sync.WaitGroup
	tasks.Go(func() {
		for ctx.Err() == nil {
			if _, err := p.SendSync(ctx, client.Record{Value: []byte("x")}); err == nil {
				acks.note()
			} else if ctx.Err() == nil {
				t.Errorf("the producer was told: %v", err)
				return
			}
			time.Sleep(pace)
		}
	})
	tasks.Go(func() {
		for _, err := range co.Records(ctx) {
			if err == nil {
				reads.note()
			} else if ctx.Err() == nil {
				t.Errorf("the consumer ended: %v", err)
			}
		}
	})
	return func() {
		cancel()
		tasks.Wait()
		cl.Close()
	}
}

// fill produces that many bytes in records of 1,000 and returns how long it
// took until the last was acknowledged.
func fill(t *testing.T, c *cluster, name string, bytes int, opts ...client.ProducerOption) time.Duration {
	t.Helper()
	cl := c.dial()
	defer cl.Close()
	p, err := cl.Producer(t.Context(), name, append(opts, client.BatchSize(128<<10), client.Timeout(time.Minute))...)
	if err != nil {
		t.Fatal(err)
	}
	value := make([]byte, 1000)
	for i := range value {
		value[i] = byte(rand.Uint32())
	}
	var failed error
	began := time.Now()
	for range bytes / len(value) {
		p.SendFunc(t.Context(), client.Record{Value: value}, func(_ client.RecordMeta, err error) {
			if err != nil {
				failed = err // one partition, so one goroutine calls
			}
		})
	}
	err = p.Flush(t.Context())
	took := time.Since(began)
	if err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	return took
}

// TestRefillTime measures how long a follower whose disk was wiped takes to be
// in sync again. REFILL_MB (1000) is how much there is.
func TestRefillTime(t *testing.T) {
	mb := setting(t, "REFILL_MB", 1000)
	c := newCluster(t)
	c.createTopic(topic, 1, 3, api.TopicConfig{}, 0)
	fill(t, c, topic, mb*1e6)
	leader := c.leader(topic, 0)
	follower := c.followers(leader)[0]
	kill(follower)
	follower.wipe()
	until(t, "smaller in-sync set", func() bool {
		p := c.partitions(topic)
		return len(p) == 1 && p[0].Status.LRS == 1
	})
	began := time.Now()
	follower.start()
	c.untilInSync(topic)
	took := time.Since(began)
	t.Logf("%d MB in %.1f s from the start of the process: %.0f MB/s", mb, took.Seconds(), float64(mb)/took.Seconds())
}

// TestThroughput compares one replica with three, for a producer that waits
// for the commit, in THROUGHPUT_ROUNDS (5) interleaved runs of THROUGHPUT_MB
// (300).
func TestThroughput(t *testing.T) {
	mb := setting(t, "THROUGHPUT_MB", 300)
	c := newCluster(t)
	kinds := []struct {
		name     string
		replicas uint32
		config   api.TopicConfig
		rate     []float64 // MB/s
	}{
		{name: "1 replica, auto", replicas: 1},
		{name: "1 replica, interval", replicas: 1, config: api.TopicConfig{Durability: api.DurabilityInterval}},
		{name: "3 replicas, auto", replicas: 3, config: api.TopicConfig{MinInSync: 2}},
	}
	for round := range setting(t, "THROUGHPUT_ROUNDS", 5) {
		for i := range kinds {
			k := &kinds[i]
			name := fmt.Sprintf("run-%d-%d", round, i)
			c.createTopic(name, 1, k.replicas, k.config, 0)
			took := fill(t, c, name, mb*1e6, client.Acks(api.ReadCommitted))
			k.rate = append(k.rate, float64(mb)/took.Seconds())
			if err := c.admin.Admin().DeleteTopic(t.Context(), name, false); err != nil {
				t.Fatal(err)
			}
		}
	}
	median := func(i int) float64 {
		slices.Sort(kinds[i].rate)
		return kinds[i].rate[len(kinds[i].rate)/2]
	}
	for i, k := range kinds {
		t.Logf("%-20s %4.0f MB/s, median of %d; three replicas have %.2f of it",
			k.name, median(i), len(k.rate), median(2)/median(i))
	}
}
