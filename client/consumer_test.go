package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/client/internal/fakecluster"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/record"
)

// quick is a reconnect policy that does not wait.
var quick = Reconnect(ReconnectPolicy{MaxAttempts: 100, Initial: time.Millisecond, Max: time.Millisecond, Factor: 1})

// fill appends n numbered records in batches of per.
func (e *env) fill(topic string, partition uint32, n, per int) {
	for i := 0; i < n; i += per {
		e.fc.Append(topic, partition, record.None, numbers(i, min(n, i+per))...)
	}
}

func all(t *testing.T, e *env, c *Consumer) []string {
	t.Helper()
	var out []string
	for rec, err := range c.Records(e.ctx) {
		if err != nil {
			t.Fatalf("after %d records: %v", len(out), err)
		}
		out = append(out, string(rec.Value))
	}
	return out
}

func TestStartPositions(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	e.fill("t", 0, 20, 10)
	e.fc.Evict("t", 0, 10)
	for _, tc := range []struct {
		from Offset
		want int // first number
	}{
		{Beginning(), 10}, {FromBeginning(3), 13}, {FromBeginning(100), 20},
		{End(), 20}, {FromEnd(1), 19}, {FromEnd(100), 10}, {At(15), 15},
	} {
		got := all(t, e, e.consumer("t", From(tc.from), UntilCurrentEnd()))
		if !slices.Equal(got, numbers(tc.want, 20)) {
			t.Errorf("%+v: read %v, want from %d", tc.from, got, tc.want)
		}
	}
}

func TestOffsetsResolveLikeOfficialClients(t *testing.T) {
	for _, tc := range []struct {
		o                     Offset
		first, stable, stored int64
		want                  int64
	}{
		{Beginning(), 5, 10, -1, 5}, {Beginning(), 5, 10, 8, 8}, {FromBeginning(1), 5, 10, 8, 9},
		{End(), 5, 10, 8, 8}, {FromEnd(2), 5, 10, 8, 6}, {FromEnd(9), 5, 10, 8, 5},
		{At(100), 5, 10, 8, 100}, {At(0), 5, 10, 8, 0}, {FromBeginning(1<<63 - 1), 5, 10, -1, 10},
		{Beginning(), 5, 10, 12, 10}, {End(), 0, 0, -1, 0},
	} {
		if got := tc.o.resolve(tc.first, tc.stable, tc.stored); got != tc.want {
			t.Errorf("%+v in [%d, %d] stored %d: %d, want %d", tc.o, tc.first, tc.stable, tc.stored, got, tc.want)
		}
	}
}

func TestUntilEndOfEmptyTopic(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 3)
	if got := all(t, e, e.consumer("t", From(Beginning()), UntilCurrentEnd())); len(got) != 0 {
		t.Errorf("read %v", got)
	}
}

func TestUntilEndDoesNotLoseTheTailOfAPartialBatch(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	e.fc.MaxFetch = 1
	e.fill("t", 0, 12, 10)
	if got := all(t, e, e.consumer("t", From(At(5)), UntilCurrentEnd())); !slices.Equal(got, numbers(5, 12)) {
		t.Errorf("read %v, want 5 to 11", got)
	}
}

func TestEndIsSettledWhenConsumerReturns(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	e.fill("t", 0, 5, 5)
	c := e.consumer("t")
	e.fc.Append("t", 0, record.None, "new")
	if got := e.take(c, 1); got[0] != "new" {
		t.Errorf("read %v", got)
	}
}

func TestRecordFields(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	p := e.producer("t")
	if _, err := p.SendSync(e.ctx, value("a"), Record{Key: []byte{}, Value: nil}, Record{Key: []byte("k"), Value: []byte("v")}); err != nil {
		t.Fatal(err)
	}
	var got []*Record
	for rec, err := range e.consumer("t", From(Beginning()), UntilCurrentEnd()).Records(e.ctx) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, rec.Clone())
	}
	if len(got) != 3 || got[0].Key != nil || got[1].Key == nil || len(got[1].Key) != 0 || string(got[2].Key) != "k" {
		t.Fatalf("keys are wrong: %+v", got)
	}
	for i, r := range got {
		if r.Offset != int64(i) || r.Topic != "t" || r.Partition != 0 || time.Since(r.Time()) > time.Hour {
			t.Errorf("record %d is %+v", i, r)
		}
	}
}

// TestConsumeThroughFaults reads a log while the stream breaks in every way,
// and expects each record once, in order.
func TestConsumeThroughFaults(t *testing.T) {
	notLeader := fakecluster.Fault{Code: api.ErrorCode{ID: api.NotLeaderForPartition}}
	faults := map[string]fakecluster.Fault{
		"connection lost before": {DropBefore: true},
		"connection lost after":  {DropAfter: true},
		"cut inside a response":  {Cut: true},
		"not leader":             notLeader,
		"response sent twice":    {Twice: true},
		"last batch cut":         {Trim: 3},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			e := start(t, 1)
			e.topic("t", 1)
			e.fc.MaxFetch = 3
			e.fill("t", 0, 200, 7)
			var call atomic.Int32
			e.fc.SetHooks(fakecluster.Hooks{Fetch: func(int32, *api.StreamFetchRequest, int64) fakecluster.Fault {
				if call.Add(1)%2 == 1 {
					return fault
				}
				return fakecluster.Fault{}
			}})
			got := all(t, e, e.consumer("t", From(Beginning()), UntilCurrentEnd(), quick))
			if !slices.Equal(got, numbers(0, 200)) {
				t.Errorf("read %d records: %v", len(got), got)
			}
		})
	}
}

func TestReconnectAfterLeaderMoved(t *testing.T) {
	e := start(t, 2)
	e.topic("t", 1)
	e.fill("t", 0, 10, 5)
	c := e.consumer("t", From(Beginning()), quick)
	got := e.take(c, 10)
	e.fc.Move("t", 0, 5002, true)
	e.fc.Append("t", 0, record.None, numbers(10, 20)...)
	got = append(got, e.take(c, 10)...)
	if !slices.Equal(got, numbers(0, 20)) {
		t.Errorf("read %v", got)
	}
}

// TestReadRecordsThatAreGone: a leader showed records that no other replica
// had. Its successor gives their offsets to others, which must be read.
func TestReadRecordsThatAreGone(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	e.fill("t", 0, 10, 1)
	c := e.consumer("t", From(Beginning()), quick)
	e.take(c, 10)
	e.fc.SetHooks(fakecluster.Hooks{Fetch: func(_ int32, r *api.StreamFetchRequest, _ int64) fakecluster.Fault {
		if r.FetchOffset == 10 {
			return fakecluster.Fault{Code: api.Errorf("start offset: 10 is greater than leo: 8")}
		}
		return fakecluster.Fault{}
	}})
	e.fc.Disconnect(5001)
	e.fc.Append("t", 0, record.None, "10")
	if got := e.take(c, 3); !slices.Equal(got, numbers(8, 11)) {
		t.Errorf("read %v", got)
	}
	// A start that nobody ever gave us is still refused.
	e.fc.SetHooks(fakecluster.Hooks{Fetch: func(int32, *api.StreamFetchRequest, int64) fakecluster.Fault {
		return fakecluster.Fault{Code: api.Errorf("start offset: 12 is greater than leo: 10")}
	}})
	fresh := e.consumer("t", From(Beginning()), quick)
	for _, err := range fresh.Records(e.ctx) {
		if err == nil || !strings.Contains(err.Error(), "greater than leo") {
			t.Errorf("error is %v", err)
		}
	}
}

func TestSurvivesLossOfTheSC(t *testing.T) {
	e := start(t, 2)
	e.topic("t", 1)
	c := e.consumer("t", From(Beginning()), quick)
	e.fc.Disconnect(0)
	e.fill("t", 0, 10, 5)
	if got := e.take(c, 10); !slices.Equal(got, numbers(0, 10)) {
		t.Errorf("read %v", got)
	}
	// The watches come back and show what is new.
	e.fc.CreateTopic("later", 1, api.CompressionAny)
	if _, err := e.cl.Producer(e.ctx, "later"); err != nil {
		t.Error(err)
	}
}

func TestEvictedRecordsAreSkipped(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	e.fill("t", 0, 30, 10)
	e.fc.Evict("t", 0, 20)
	if got := all(t, e, e.consumer("t", From(At(3)), UntilCurrentEnd(), quick)); !slices.Equal(got, numbers(20, 30)) {
		t.Errorf("read %v, want from 20", got)
	}
	policy := DefaultReconnect()
	policy.FailOnEvicted = true
	c := e.consumer("t", From(At(3)), Reconnect(policy))
	for _, err := range c.Records(e.ctx) {
		var code api.ErrorCode
		if !errors.As(err, &code) || code.ID != api.OffsetEvicted || code.Detail.NextAvailable != 20 {
			t.Errorf("error is %v", err)
		}
	}
}

func TestFinalErrorsEndTheLoop(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	e.fill("t", 0, 3, 3)
	runtime := api.ErrorCode{ID: api.SmartModuleNotFound, Detail: &api.ErrorDetail{Text: "nope"}}
	e.fc.SetHooks(fakecluster.Hooks{Fetch: func(int32, *api.StreamFetchRequest, int64) fakecluster.Fault {
		return fakecluster.Fault{Code: runtime}
	}})
	c := e.consumer("t", From(Beginning()), SmartModules(api.SmartModuleInvocation{Predefined: "nope", Kind: api.KindGeneric}))
	for range 2 { // the error stays
		n := 0
		for rec, err := range c.Records(e.ctx) {
			n++
			if rec != nil || !errors.Is(err, api.SmartModuleNotFound) || err.Error() != "SmartModule nope was not found" {
				t.Errorf("record %v, error %v", rec, err)
			}
		}
		if n != 1 {
			t.Errorf("loop ran %d times, want once", n)
		}
	}
}

func TestTopicDeletedWhileConsuming(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	c := e.consumer("t", quick)
	e.fc.DeleteTopic("t")
	for _, err := range c.Records(e.ctx) {
		if !errors.Is(err, api.TopicDeleted) && !errors.Is(err, ErrTopicNotFound) {
			t.Errorf("error is %v", err)
		}
	}
}

func TestReconnectGivesUp(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	e.fill("t", 0, 3, 3)
	e.fc.SetHooks(fakecluster.Hooks{Fetch: func(int32, *api.StreamFetchRequest, int64) fakecluster.Fault {
		return fakecluster.Fault{DropBefore: true}
	}})
	c := e.consumer("t", From(Beginning()), Reconnect(ReconnectPolicy{MaxAttempts: 3, Factor: 1}))
	for _, err := range c.Records(e.ctx) {
		if !errors.Is(err, api.MaxRetryReached) || !strings.HasPrefix(err.Error(), "t-0: max retry attempts reached") {
			t.Errorf("error is %v", err)
		}
	}
}

func TestMergeKeepsOrderPerPartition(t *testing.T) {
	e := start(t, 3)
	e.topic("t", 6)
	for id := range uint32(6) {
		e.fill("t", id, 100, 1+int(id)*3)
	}
	next := make(map[uint32]int64)
	for rec, err := range e.consumer("t", From(Beginning()), UntilCurrentEnd()).Records(e.ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Offset != next[rec.Partition] || string(rec.Value) != fmt.Sprint(rec.Offset) {
			t.Fatalf("partition %d: offset %d value %s, want %d", rec.Partition, rec.Offset, rec.Value, next[rec.Partition])
		}
		next[rec.Partition]++
	}
	for id := range uint32(6) {
		if next[id] != 100 {
			t.Errorf("partition %d: %d records", id, next[id])
		}
	}
}

func TestChosenPartitions(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 3)
	for id := range uint32(3) {
		e.fc.Append("t", id, record.None, fmt.Sprint(id))
	}
	if got := all(t, e, e.consumer("t", From(Beginning()), UntilCurrentEnd(), Partitions(1))); !slices.Equal(got, []string{"1"}) {
		t.Errorf("read %v", got)
	}
	if _, err := e.cl.Consumer(e.ctx, "t", Partitions(3)); !errors.Is(err, ErrPartitionNotFound) {
		t.Errorf("partition 3 of 3: %v", err)
	}
	if _, err := e.cl.Consumer(e.ctx, "t", Partitions(1, 1)); !errors.Is(err, ErrConfig) {
		t.Errorf("partition named twice: %v", err)
	}
}

// TestSlowConsumerHoldsTheServerBack: without a loop the server may be asked
// for maxOutstanding responses and not for one more.
func TestSlowConsumerHoldsTheServerBack(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	e.fc.MaxFetch = 1
	e.fill("t", 0, 100, 1)
	c := e.consumer("t", From(Beginning()))
	s := c.streams[0]
	for n := 0; n < maxOutstanding; {
		if e.ctx.Err() != nil {
			t.Fatal("prefetch never filled")
		}
		s.mu.Lock()
		n = s.outstanding
		s.mu.Unlock()
	}
	if got := e.fc.Acks(); got != maxOutstanding-1 {
		t.Errorf("%d acknowledgements, want %d", got, maxOutstanding-1)
	}
	if got := e.take(c, 100); !slices.Equal(got, numbers(0, 100)) {
		t.Errorf("read %v", got)
	}
}

func TestLeavingAndReenteringTheLoop(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	e.fill("t", 0, 50, 7)
	c := e.consumer("t", From(Beginning()))
	var got []string
	for len(got) < 50 {
		got = append(got, e.take(c, min(3, 50-len(got)))...)
	}
	if !slices.Equal(got, numbers(0, 50)) {
		t.Errorf("read %v", got)
	}
}

func TestContextEndsTheLoopOnly(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	c := e.consumer("t", From(Beginning()))
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	for rec, err := range c.Records(ctx) {
		if rec != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("record %v, error %v", rec, err)
		}
	}
	e.fill("t", 0, 2, 2)
	if got := e.take(c, 2); !slices.Equal(got, numbers(0, 2)) {
		t.Errorf("read %v", got)
	}
}

func TestBatchesAreRaw(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	e.fc.Append("t", 0, record.Lz4, numbers(0, 10)...)
	e.fc.Append("t", 0, record.None, numbers(10, 20)...)
	var got []string
	var codecs []record.Codec
	for b, err := range e.consumer("t", From(At(4)), UntilCurrentEnd()).Batches(e.ctx) {
		if err != nil {
			t.Fatal(err)
		}
		codecs = append(codecs, b.Raw().Codec())
		for rec, err := range b.Records() {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(rec.Value))
		}
	}
	if !slices.Equal(got, numbers(4, 20)) || !slices.Equal(codecs, []record.Codec{record.Lz4, record.None}) {
		t.Errorf("read %v in %v", got, codecs)
	}
}

func TestDamagedBatchIsReported(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	e.fc.Append("t", 0, record.None, "fine")
	e.fc.Append("t", 0, record.None, "damaged")
	e.fc.Damage("t", 0, 1)
	c := e.consumer("t", From(Beginning()))
	if got := e.take(c, 1); got[0] != "fine" {
		t.Fatalf("read %v", got)
	}
	for _, err := range c.Records(e.ctx) {
		if !errors.Is(err, record.ErrCorrupt) || Retryable(err) {
			t.Errorf("error is %v", err)
		}
	}
}

// TestCutBatchLargerThanTheLimit: a real server cuts a batch to the limit and
// would go on doing so.
func TestCutBatchLargerThanTheLimit(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	e.fc.Append("t", 0, record.None, strings.Repeat("x", 5000))
	e.fc.SetHooks(fakecluster.Hooks{Fetch: func(_ int32, req *api.StreamFetchRequest, _ int64) fakecluster.Fault {
		if req.MaxBytes < 5000 {
			return fakecluster.Fault{Trim: 4000}
		}
		return fakecluster.Fault{}
	}})
	got := e.take(e.consumer("t", From(Beginning()), MaxBytes(1000), quick), 1)
	if len(got[0]) != 5000 {
		t.Errorf("read %d bytes", len(got[0]))
	}
}

func TestGroupResumesAfterTheLastConsumedRecord(t *testing.T) {
	e := start(t, 1)
	e.fc.CreateTopic(api.ConsumerOffsetTopic, 1, api.CompressionAny)
	e.topic("t", 1)
	e.fill("t", 0, 10, 4)
	c := e.consumer("t", From(Beginning()), Group("g", time.Hour))
	e.take(c, 3)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got := e.fc.StoredOffset("g", "t", 0); got != 2 {
		t.Errorf("stored %d, want 2", got)
	}
	c = e.consumer("t", From(Beginning()), Group("g", 0))
	if got := e.take(c, 2); !slices.Equal(got, numbers(3, 5)) {
		t.Errorf("resumed with %v, want 3 and 4", got)
	}
	if err := c.Commit(e.ctx); err != nil {
		t.Fatal(err)
	}
	if got := e.fc.StoredOffset("g", "t", 0); got != 4 {
		t.Errorf("stored %d, want 4", got)
	}
	if err := e.cl.DeleteConsumerOffset(e.ctx, "g", "t", 0); err != nil {
		t.Fatal(err)
	}
	if got := e.fc.StoredOffset("g", "t", 0); got != -1 {
		t.Errorf("stored %d after delete", got)
	}
}

// TestRandomFaults mixes all faults, moves and disconnections at random while
// records are produced and consumed.
func TestRandomFaults(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	var rngLock = make(chan struct{}, 1)
	roll := func(n int) int {
		rngLock <- struct{}{}
		defer func() { <-rngLock }()
		return rng.IntN(n)
	}
	e := start(t, 3)
	e.topic("t", 3)
	e.fc.MaxFetch = 2
	e.fc.SetHooks(fakecluster.Hooks{
		Produce: func(int32, *api.ProduceRequest) fakecluster.Fault {
			return []fakecluster.Fault{{DropBefore: true}, {Code: api.ErrorCode{ID: api.NotLeaderForPartition}}, {}, {}, {}, {}}[roll(6)]
		},
		Fetch: func(int32, *api.StreamFetchRequest, int64) fakecluster.Fault {
			return []fakecluster.Fault{{DropBefore: true}, {DropAfter: true}, {Cut: true}, {Twice: true}, {Trim: 1}, {}, {}, {}, {}, {}}[roll(10)]
		},
		Offsets: func(int32) fakecluster.Fault {
			return []fakecluster.Fault{{DropBefore: true}, {Code: api.ErrorCode{ID: api.PartitionNotLeader}}, {}, {}}[roll(4)]
		},
	})
	const n = 600
	c := e.consumer("t", From(Beginning()), quick)
	// On a connection of its own, since a broken one would lose answers, and
	// what is not answered is rightly sent again.
	other, err := Dial(e.ctx, WithEndpoint(fakecluster.SCAddr), WithDialer(e.fc.Dial))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	p, err := other.Producer(e.ctx, "t", BatchSize(150), Retry(RetryPolicy{Initial: time.Millisecond, Max: time.Millisecond, Factor: 1, Timeout: limit}))
	if err != nil {
		t.Fatal(err)
	}
	produced := make(chan error, 1)
	go func() {
		for i := range n {
			p.Send(e.ctx, value(fmt.Sprint(i)))
			if i%50 == 25 {
				e.fc.Move("t", uint32(roll(3)), 5001+int32(roll(3)), true)
			}
		}
		produced <- p.Close(e.ctx)
	}()
	next := make(map[uint32]int64)
	seen := make(map[string]int)
	for rec, err := range c.Records(e.ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Offset != next[rec.Partition] {
			t.Fatalf("partition %d: offset %d, want %d", rec.Partition, rec.Offset, next[rec.Partition])
		}
		next[rec.Partition]++
		seen[string(rec.Value)]++
		if len(seen) == n {
			break
		}
	}
	if err := <-produced; err != nil {
		t.Fatal(err)
	}
	for id := range uint32(3) {
		last := -1
		for _, s := range e.fc.Values("t", id) {
			var v int
			fmt.Sscan(s, &v)
			if v <= last {
				t.Fatalf("partition %d: %d follows %d", id, v, last)
			}
			last = v
		}
	}
}
