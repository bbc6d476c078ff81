//go:build crash

package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/tests/harness"
)

const (
	producers = 4
	// window is how many records a producer has under way at most; with the
	// batches of one request it is a group commit of some tens of records.
	window = 64
)

// producer sends records of increasing sequence through any number of rounds.
// What has no acknowledgement at the end of a round is sent again, first, in
// the next one.
type producer struct {
	id     uint32
	rng    *rand.Rand
	seq    uint64
	values map[uint64][]byte // unacknowledged
	mu     sync.Mutex        // guards values
}

// workload is a topic under load.
type workload struct {
	cluster   *harness.Cluster
	topic     string
	ledger    *Ledger
	producers []*producer

	acks chan struct{} // one per acknowledgement, dropped when full
}

func newWorkload(c *harness.Cluster, topic string, l *Ledger, rng *rand.Rand) *workload {
	w := &workload{cluster: c, topic: topic, ledger: l, acks: make(chan struct{}, 1)}
	for id := range uint32(producers) {
		w.producers = append(w.producers, &producer{
			id:     id,
			rng:    rand.New(rand.NewPCG(rng.Uint64(), uint64(id))),
			values: make(map[uint64][]byte),
		})
	}
	return w
}

// run keeps all producers and one consumer going until stop ends. Errors are
// what a crash causes; that nothing came through at all is for the caller to
// notice by the acks.
func (w *workload) run(stop context.Context) {
	var wg sync.WaitGroup
	for _, p := range w.producers {
		wg.Go(func() { w.produce(stop, p) })
	}
	wg.Go(func() { w.watch(stop) })
	wg.Wait()
}

// produce returns when stop has ended and every record has an outcome.
func (w *workload) produce(stop context.Context, p *producer) {
	cl, err := client.Dial(stop, client.WithEndpoint(w.cluster.SCAddr))
	if err != nil {
		return
	}
	defer cl.Close()
	out, err := cl.Producer(stop, w.topic)
	if err != nil {
		return
	}
	slots := make(chan struct{}, window)
	send := func(seq uint64, value []byte) {
		k, sum, err := ParseValue(value)
		if err != nil {
			panic(err) // we made it
		}
		select {
		case slots <- struct{}{}:
		case <-stop.Done():
			return
		}
		w.ledger.Attempt(k, sum)
		// The key keeps a record that is sent again in its partition.
		key := fmt.Appendf(nil, "%d-%d", p.id, seq%97)
		out.SendFunc(stop, client.Record{Key: key, Value: value}, func(m client.RecordMeta, err error) {
			<-slots
			if err == nil {
				w.acknowledged(p, k, m)
			}
		})
	}
	for _, seq := range w.ledger.Unacked(p.id) {
		p.mu.Lock()
		value := p.values[seq]
		p.mu.Unlock()
		send(seq, value)
	}
	for stop.Err() == nil {
		p.seq++
		value := NewValue(Key{p.id, p.seq}, p.rng)
		p.mu.Lock()
		p.values[p.seq] = value
		p.mu.Unlock()
		send(p.seq, value)
	}
}

func (w *workload) acknowledged(p *producer, k Key, m client.RecordMeta) {
	w.ledger.Ack(k, Place{m.Partition, m.Offset})
	p.mu.Lock()
	delete(p.values, k.Seq)
	p.mu.Unlock()
	select {
	case w.acks <- struct{}{}:
	default:
	}
}

// watch follows the topic and notes the committed records it is given.
func (w *workload) watch(stop context.Context) {
	cl, err := client.Dial(stop, client.WithEndpoint(w.cluster.SCAddr))
	if err != nil {
		return
	}
	defer cl.Close()
	c, err := cl.Consumer(stop, w.topic, client.From(client.FromEnd(1000)), client.Isolation(api.ReadCommitted))
	if err != nil {
		return
	}
	for rec, err := range c.Records(stop) {
		if err != nil {
			return
		}
		if _, sum, err := ParseValue(rec.Value); !errors.Is(err, errShort) {
			w.ledger.Saw(Place{rec.Partition, rec.Offset}, sum)
		}
	}
}

// check reads the whole topic and compares.
func (w *workload) check(ctx context.Context, partitions uint32) (Report, error) {
	cl := w.cluster.Dial(ctx)
	defer cl.Close()
	checker := NewChecker(w.ledger)
	for id := range partitions {
		c, err := cl.Consumer(ctx, w.topic, client.Partitions(id),
			client.From(client.Beginning()), client.UntilCurrentEnd(), client.Isolation(api.ReadCommitted))
		if err != nil {
			return Report{}, fmt.Errorf("partition %d: %w", id, err)
		}
		for rec, err := range c.Records(ctx) {
			if err != nil {
				return Report{}, fmt.Errorf("partition %d: %w", id, err)
			}
			checker.Add(Place{rec.Partition, rec.Offset}, rec.Value)
		}
		if err := c.Close(); err != nil {
			return Report{}, err
		}
	}
	return checker.Finish(), nil
}
