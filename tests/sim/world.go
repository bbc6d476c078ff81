//go:build sim

package sim

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/engine/sc/meta"
	"github.com/fluvio-go/fluvio/engine/sc/meta/memstore"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// options are what a seed decides before anything happens.
type options struct {
	partitions uint32
	durability api.Durability
	minInSync  uint32
	segment    uint32 // bytes
	replicaLag time.Duration
	faults     time.Duration // for how long things go wrong
	busy       bool          // producers do not rest
	isolation  api.Isolation // of producers
}

func optionsOf(seed uint64) options {
	rng := rand.New(rand.NewPCG(seed, 1))
	o := options{
		partitions: 1 + rng.Uint32N(2),
		minInSync:  1 + rng.Uint32N(2),
		segment:    []uint32{2048, 16 << 10, 1 << 20}[rng.IntN(3)],
		replicaLag: []time.Duration{2 * time.Second, 10 * time.Second}[rng.IntN(2)],
		faults:     20 * time.Second,
		busy:       rng.IntN(4) == 0,
		isolation:  api.ReadCommitted,
	}
	if rng.IntN(3) == 0 {
		o.durability = api.DurabilityAlways
	}
	if rng.IntN(3) == 0 {
		o.isolation = api.ReadUncommitted
	}
	return o
}

func (o options) String() string {
	return fmt.Sprintf("%d partitions, durability %v, min in-sync %d, segments of %d, lag %v, busy %v, isolation %v",
		o.partitions, o.durability, o.minInSync, o.segment, o.replicaLag, o.busy, o.isolation)
}

const topicName = "t"

// world is one cluster with its clients, under faults. It lives in one
// synctest bubble.
type world struct {
	t      testing.TB
	seed   uint64
	opts   options
	net    *network
	store  *memstore.Store
	sc     *scNode
	spus   []*spuNode
	ledger *ledger
	logger *slog.Logger

	rng   *rand.Rand // the director's
	begin time.Time

	mu    sync.Mutex // guards phases, notes and pending
	notes []string
	due   []event // what the director has yet to do
	turn  uint64  // numbers events

	ctx    context.Context // of the clients
	cancel context.CancelFunc
	users  sync.WaitGroup // clients
	tasks  sync.WaitGroup // nodes that are stopping

	sick int // disks that fail; the director's
}

// event is something that the director does at a time.
type event struct {
	at   time.Time
	turn uint64
	what string
	do   func()
}

// later has the director do something.
func (w *world) later(d time.Duration, what string, do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turn++
	w.due = append(w.due, event{time.Now().Add(d), w.turn, what, do})
}

// next takes the first event that is due by t.
func (w *world) next(t time.Time) (event, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.SortFunc(w.due, func(a, b event) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.turn, b.turn)) })
	if len(w.due) == 0 || w.due[0].at.After(t) {
		return event{}, false
	}
	e := w.due[0]
	w.due = w.due[1:]
	return e, true
}

// wait lets time pass until t, and does what is due meanwhile.
func (w *world) wait(t time.Time) {
	for {
		e, ok := w.next(t)
		if !ok {
			time.Sleep(time.Until(t))
			return
		}
		time.Sleep(time.Until(e.at))
		w.note("%s", e.what)
		e.do()
	}
}

// note adds a line to the story of the run, which is told when it fails.
func (w *world) note(format string, args ...any) {
	line := fmt.Sprintf("%9.4f ", time.Since(w.begin).Seconds()) + fmt.Sprintf(format, args...)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = append(w.notes, line)
	w.logger.Info("---- " + line)
}

func (w *world) story() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.notes, "\n")
}

// newWorld starts a cluster of three SPUs with one topic.
func newWorld(t testing.TB, seed uint64, opts options, logger *slog.Logger) *world {
	w := &world{
		t: t, seed: seed, opts: opts, net: newNetwork(seed), logger: logger,
		store: memstore.New(memstore.Options{}), ledger: newLedger(opts.partitions),
		rng: rand.New(rand.NewPCG(seed, 2)), begin: time.Now(),
	}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	w.sc = w.newSC()
	w.sc.start()
	for id := int32(1); id <= 3; id++ {
		n := w.newSPU(id)
		w.spus = append(w.spus, n)
		spec := api.CustomSpuSpec{ID: id, Private: api.Endpoint{Host: n.host, Port: 1}}
		if err := w.sc.sc.EnsureCustomSpu(w.ctx, spec, n.host); err != nil {
			t.Fatal(err)
		}
		n.start()
	}
	w.createTopic()
	return w
}

func (w *world) createTopic() {
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	cl, err := client.Dial(ctx, client.WithEndpoint("sc:1"), client.WithDialer(func(ctx context.Context, _, _ string) (net.Conn, error) {
		return w.net.dial(ctx, "admin", scHost, public)
	}))
	if err != nil {
		w.t.Fatal(err)
	}
	defer cl.Close()
	segment := w.opts.segment
	spec := api.TopicSpec{
		Replicas: api.Computed(w.opts.partitions, 3), Compression: api.CompressionAny,
		Storage: &api.TopicStorage{SegmentSize: &segment},
	}
	config := api.TopicConfig{Durability: w.opts.durability, MinInSync: w.opts.minInSync}
	if err := cl.Admin().CreateTopic(ctx, topicName, spec, client.CreateTopicOptions{Config: config}); err != nil {
		w.t.Fatal(err)
	}
}

// partition is what the SC has stored, which is the truth.
func (w *world) partition(n uint32) *meta.Partition {
	o, err := w.store.Get(context.Background(), meta.KindPartition, api.ReplicaKey{Topic: topicName, Partition: n}.String())
	if err != nil {
		w.t.Fatal(err)
	}
	return o.Value.(*meta.Partition)
}

// calm reports whether every SPU is up and in sync everywhere, so that one of
// them may lose records without harm.
func (w *world) calm() bool {
	if w.sick > 0 {
		return false
	}
	for _, n := range w.spus {
		if n.now() != up {
			return false
		}
	}
	for i := range w.opts.partitions {
		if p := w.partition(i); len(p.ISR) < len(p.Replicas) || p.Leader == api.NoLeader {
			return false
		}
	}
	return true
}

func (w *world) describe() string {
	var b strings.Builder
	for i := range w.opts.partitions {
		p := w.partition(i)
		fmt.Fprintf(&b, "partition %d: leader %d, epoch %d, partition epoch %d, ISR %v of %v\n",
			i, p.Leader, p.LeaderEpoch, p.PartitionEpoch, p.ISR, p.Replicas)
	}
	for _, n := range w.spus {
		fmt.Fprintf(&b, "%s is %v\n", n.host, [...]string{"down", "up", "stopping"}[n.now()])
	}
	return b.String()
}

// end stops everything. Nothing runs when it returns.
func (w *world) end() {
	w.cancel()
	w.users.Wait()
	for _, n := range w.spus {
		if n.now() == up {
			n.kill(false)
		}
	}
	w.tasks.Wait()
	if w.sc.now() == up {
		w.sc.kill(false)
	}
	w.tasks.Wait()
	_ = w.store.Close()
}
