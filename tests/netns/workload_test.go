//go:build netns && linux

package netns

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/tests/crash"
)

const (
	topic      = "ledger"
	partitions = 3 // so that every SPU leads one
	// window is how many records a producer has under way at most.
	window = 32
	// pace leaves the two cores of a small machine time for the cluster.
	pace = time.Millisecond
	// drainPatience is longer than a producer tries.
	drainPatience = 6 * time.Minute
)

// workload is a topic under load from producers and consumers that go through
// all faults. Producers run in rounds; between them everything has an outcome
// and the log is held against the ledger.
type workload struct {
	t         *testing.T
	c         *cluster
	ledger    *crash.Ledger
	producers []*producer
	watchers  []*watcher

	mu     sync.Mutex
	acks   [partitions]int
	errors map[string]int // what producers were told, by how often
}

func newWorkload(t *testing.T, c *cluster, rng *rand.Rand) *workload {
	t.Helper()
	file, err := os.Create(filepath.Join(c.dir, "ledger.txt"))
	if err != nil {
		t.Fatal(err)
	}
	w := &workload{t: t, c: c, ledger: crash.NewLedger(file), errors: make(map[string]int)}
	const segment = 1 << 20
	c.createTopic(topic, partitions, 3, api.TopicConfig{MinInSync: 2}, segment)
	for id, opts := range [][]client.ProducerOption{
		{}, {},
		{client.Acks(api.ReadCommitted)},
		{client.Acks(api.ReadCommitted), client.Timeout(30 * time.Second)},
	} {
		w.producers = append(w.producers, newProducer(w, uint32(id), rng, opts))
	}
	ctx, stop := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	for _, isolation := range []api.Isolation{api.ReadCommitted, api.ReadUncommitted} {
		v := &watcher{w: w, isolation: isolation, seen: make(map[crash.Place]crash.Sum)}
		w.watchers = append(w.watchers, v)
		tasks.Go(func() { v.run(ctx) })
	}
	t.Cleanup(func() {
		stop()
		tasks.Wait()
		for _, p := range w.producers {
			p.cl.Close()
		}
		if err := errors.Join(w.ledger.Err(), file.Close()); err != nil {
			t.Error(err)
		}
	})
	return w
}

// producer sends records of increasing sequence. What fails it sends again
// before anything new.
type producer struct {
	w   *workload
	id  uint32
	rng *rand.Rand
	cl  *client.Client
	out *client.Producer
	seq uint64

	mu     sync.Mutex
	values map[uint64][]byte // not acknowledged
	failed []uint64
}

func newProducer(w *workload, id uint32, rng *rand.Rand, opts []client.ProducerOption) *producer {
	w.t.Helper()
	p := &producer{
		w: w, id: id, rng: rand.New(rand.NewPCG(rng.Uint64(), uint64(id))),
		cl: w.c.dial(), values: make(map[uint64][]byte),
	}
	var err error
	if p.out, err = p.cl.Producer(w.t.Context(), topic, opts...); err != nil {
		w.t.Fatal(err)
	}
	return p
}

// next is what to send: what failed, in order, or something new.
func (p *producer) next() (seq uint64, value []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.failed) > 0 {
		slices.Sort(p.failed)
		seq, p.failed = p.failed[0], p.failed[1:]
		return seq, p.values[seq]
	}
	p.seq++
	value = crash.NewValue(crash.Key{Producer: p.id, Seq: p.seq}, p.rng)
	p.values[p.seq] = value
	return p.seq, value
}

// run sends until stop ends and returns when everything has an outcome.
func (p *producer) run(stop context.Context) {
	slots := make(chan struct{}, window)
	for stop.Err() == nil {
		select {
		case slots <- struct{}{}:
		case <-stop.Done():
			continue
		}
		seq, value := p.next()
		k, sum, err := crash.ParseValue(value)
		if err != nil {
			panic(err) // we made it
		}
		p.w.ledger.Attempt(k, sum)
		// The key keeps a record that is sent again in its partition.
		key := fmt.Appendf(nil, "%d-%d", p.id, seq%97)
		p.out.SendFunc(context.Background(), client.Record{Key: key, Value: value}, func(m client.RecordMeta, err error) {
			defer func() { <-slots }()
			p.outcome(k, m, err)
		})
		time.Sleep(pace)
	}
	for range window {
		slots <- struct{}{}
	}
}

func (p *producer) outcome(k crash.Key, m client.RecordMeta, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.failed = append(p.failed, k.Seq)
		p.w.noteError(err)
		return
	}
	p.w.ledger.Ack(k, crash.Place{Partition: m.Partition, Offset: m.Offset})
	delete(p.values, k.Seq)
	p.w.mu.Lock()
	p.w.acks[m.Partition]++
	p.w.mu.Unlock()
}

func (w *workload) noteError(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.errors[err.Error()]++
}

// failures is what producers were told, in words.
func (w *workload) failures() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, text := range slices.Sorted(maps.Keys(w.errors)) {
		out = append(out, fmt.Sprintf("%d × %s", w.errors[text], text))
	}
	return strings.Join(out, "; ")
}

// load runs the producers while f does its worst.
func (w *workload) load(f func()) {
	w.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var tasks sync.WaitGroup
	for _, p := range w.producers {
		tasks.Go(func() { p.run(ctx) })
	}
	done := make(chan struct{})
	defer func() {
		stop()
		go func() { tasks.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(drainPatience):
			w.t.Errorf("records have no outcome after %v", drainPatience)
		}
	}()
	w.untilAcks(w.all()...)
	f()
}

func (w *workload) all() []int {
	var ids []int
	for id := range partitions {
		ids = append(ids, id)
	}
	return ids
}

// untilAcks waits until each of the partitions has acknowledged more than now.
func (w *workload) untilAcks(ids ...int) {
	w.t.Helper()
	w.mu.Lock()
	before := w.acks
	w.mu.Unlock()
	// One record may have been on its way for long; a window of them has not.
	const enough = window
	until(w.t, fmt.Sprintf("acknowledgements in partitions %v", ids), func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, id := range ids {
			if w.acks[id] < before[id]+enough {
				return false
			}
		}
		return true
	})
}

// watcher is a consumer that follows the topic from its beginning. One of
// uncommitted records may go back when a leader was lost; none leaves anything
// out.
type watcher struct {
	w         *workload
	isolation api.Isolation

	mu   sync.Mutex
	next [partitions]int64
	seen map[crash.Place]crash.Sum
	err  error
}

func (v *watcher) run(ctx context.Context) {
	if err := v.follow(ctx); err != nil && ctx.Err() == nil {
		v.mu.Lock()
		v.err = err
		v.mu.Unlock()
	}
}

func (v *watcher) follow(ctx context.Context) error {
	cl, err := client.Dial(ctx, client.WithEndpoint(hostSC.addr()+":"+scPublic))
	if err != nil {
		return err
	}
	defer cl.Close()
	co, err := cl.Consumer(ctx, topic, client.From(client.Beginning()), client.Isolation(v.isolation))
	if err != nil {
		return err
	}
	for rec, err := range co.Records(ctx) {
		if err != nil {
			return err
		}
		_, sum, err := crash.ParseValue(rec.Value)
		if err != nil {
			return fmt.Errorf("%s-%d, offset %d: %w", topic, rec.Partition, rec.Offset, err)
		}
		at := crash.Place{Partition: rec.Partition, Offset: rec.Offset}
		v.mu.Lock()
		want := v.next[rec.Partition]
		v.next[rec.Partition] = rec.Offset + 1
		v.seen[at] = sum
		v.mu.Unlock()
		if rec.Offset > want || rec.Offset < want && v.isolation == api.ReadCommitted {
			return fmt.Errorf("%s-%d: got offset %d, want %d", topic, rec.Partition, rec.Offset, want)
		}
		if v.isolation == api.ReadCommitted {
			v.w.ledger.Saw(at, sum)
		}
	}
	return nil
}

// untilSeen waits until the watcher is at the ends, and fails if it has ended.
func (v *watcher) untilSeen(ends [partitions]int64) {
	t := v.w.t
	t.Helper()
	until(t, fmt.Sprintf("%v consumer at the end", v.isolation), func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		if v.err != nil {
			t.Fatalf("%v consumer ended: %v", v.isolation, v.err)
		}
		for id, end := range ends {
			if v.next[id] > end {
				t.Fatalf("%v consumer saw records of %s-%d up to %d, which ends at %d", v.isolation, topic, id, v.next[id], end)
			}
		}
		return v.next == ends
	})
}

// verify reads all there is and holds it against what was acknowledged and
// seen. It is for a healed cluster without producers.
func (w *workload) verify(what string) crash.Report {
	w.t.Helper()
	w.c.untilInSync(topic)
	ctx, cancel := context.WithTimeout(w.t.Context(), 2*patience)
	defer cancel()
	checker := crash.NewChecker(w.ledger)
	checker.Resends = true
	ends, log := w.read(ctx)
	for _, v := range w.watchers {
		v.untilSeen(ends)
	}
	for _, r := range log {
		checker.Add(r.at, r.value)
	}
	report := checker.Finish()
	if report.Violations > 0 {
		w.t.Fatalf("%s: %d violations in %d records, %d acknowledged ones lost\n%s",
			what, report.Violations, report.Records, report.Lost, strings.Join(report.Problems, "\n"))
	}
	return report
}

type stored struct {
	at    crash.Place
	value []byte
}

// read returns the committed log.
func (w *workload) read(ctx context.Context) (ends [partitions]int64, log []stored) {
	w.t.Helper()
	cl := w.c.dial()
	defer cl.Close()
	for id := range uint32(partitions) {
		co, err := cl.Consumer(ctx, topic, client.Partitions(id), client.From(client.Beginning()),
			client.UntilCurrentEnd(), client.Isolation(api.ReadCommitted))
		if err != nil {
			w.t.Fatal(err)
		}
		for rec, err := range co.Records(ctx) {
			if err != nil {
				w.t.Fatalf("read partition %d: %v", id, err)
			}
			log = append(log, stored{crash.Place{Partition: id, Offset: rec.Offset}, slices.Clone(rec.Value)})
			ends[id] = rec.Offset + 1
		}
		if err := co.Close(); err != nil {
			w.t.Fatal(err)
		}
	}
	return ends, log
}

// compareFiles stops all SPUs and compares what they have on disk. Nobody has
// produced for a while and all are in sync, so every byte is committed.
func (w *workload) compareFiles() {
	t := w.t
	t.Helper()
	for _, n := range w.c.spus {
		n.stop()
	}
	for id := range partitions {
		var first []byte
		for i, n := range w.c.spus {
			log := logBytes(t, filepath.Join(n.dir, fmt.Sprintf("spu-logs-%d", i+1), fmt.Sprintf("%s-%d", topic, id)))
			switch {
			case len(log) == 0:
				t.Fatalf("%s has nothing of %s-%d", n.host.name, topic, id)
			case i == 0:
				first = log
			case !slices.Equal(first, log):
				at := 0
				for at < min(len(first), len(log)) && first[at] == log[at] {
					at++
				}
				t.Errorf("%s-%d: %s has %d bytes, %s %d; they differ from byte %d on",
					topic, id, w.c.spus[0].host.name, len(first), n.host.name, len(log), at)
			}
		}
	}
}

// logBytes is all segments of a replica, one after another.
func logBytes(t *testing.T, dir string) []byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names) // they are named after their first offset
	var all []byte
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data...)
	}
	return all
}
