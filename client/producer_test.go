package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/client/internal/fakecluster"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/record"
)

func TestProduceReturnsOffsets(t *testing.T) {
	e := start(t, 2)
	e.topic("t", 2)
	p := e.producer("t")
	metas, err := p.SendSync(e.ctx, value("a"), value("b"), value("c"), Record{Key: []byte{}, Value: []byte("d")})
	if err != nil {
		t.Fatal(err)
	}
	// Without a key: round robin from partition 0. The empty key hashes to 1.
	want := []RecordMeta{{0, 0}, {1, 0}, {0, 1}, {1, 1}}
	if !slices.Equal(metas, want) {
		t.Errorf("metas are %v, want %v", metas, want)
	}
	if err := p.Close(e.ctx); err != nil {
		t.Error(err)
	}
	if _, err := p.Send(e.ctx, value("x")).Wait(e.ctx); !errors.Is(err, ErrClosed) {
		t.Errorf("send after close: %v", err)
	}
	if err := p.Close(e.ctx); err != nil {
		t.Errorf("second close: %v", err)
	}
}

// recordOfSize is a value whose encoded batch, alone, has that size.
func recordOfSize(t *testing.T, size int) Record {
	t.Helper()
	for n := size; n >= 0; n-- {
		if record.EmptySize+record.EncodedRecordSize(0, false, n, 0, 0) == size {
			return Record{Value: make([]byte, n)}
		}
	}
	t.Fatalf("no record makes a batch of %d bytes", size)
	return Record{}
}

func TestBatchBoundaries(t *testing.T) {
	const limit = 1000
	one := recordOfSize(t, 300) // 239 bytes of record
	for _, tc := range []struct {
		name    string
		recs    []Record
		records []int
	}{
		{"first larger than the limit goes alone", []Record{recordOfSize(t, 1500), one}, []int{1, 1}},
		{"first exactly the limit closes", []Record{recordOfSize(t, limit), one}, []int{1, 1}},
		{"sum exactly the limit closes", []Record{one, recordOfSize(t, limit-239), one}, []int{2, 1}},
		{"sum one above opens a new batch", []Record{one, recordOfSize(t, limit-238), recordOfSize(t, 100)}, []int{1, 2}},
		{"large after small opens a new batch", []Record{one, recordOfSize(t, 1500), one}, []int{1, 1, 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := start(t, 1)
			e.topic("t", 1)
			p := e.producer("t", BatchSize(limit), Linger(time.Hour))
			// All of it is queued before anything is sent.
			w, err := p.writer(0)
			if err != nil {
				t.Fatal(err)
			}
			w.mu.Lock()
			for i := range tc.recs {
				w.push(&tc.recs[i], nil)
			}
			w.mu.Unlock()
			if err := p.Flush(e.ctx); err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, r := range e.fc.Produced() {
				got = append(got, r.Records...)
			}
			if !slices.Equal(got, tc.records) {
				t.Errorf("records per batch are %v, want %v", got, tc.records)
			}
		})
	}
}

func TestRecordTooLarge(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	p := e.producer("t", MaxRequestSize(1000))
	if _, err := p.SendSync(e.ctx, recordOfSize(t, 1000)); err != nil {
		t.Errorf("exactly the maximum: %v", err)
	}
	_, err := p.SendSync(e.ctx, recordOfSize(t, 1001))
	var large *RecordTooLargeError
	if !errors.Is(err, ErrRecordTooLarge) || !errors.As(err, &large) || large.Size != 1001 {
		t.Fatalf("error is %v", err)
	}
	if want := "record size (1001 bytes), exceeded maximum request size (1001 bytes)"; err.Error() != want {
		t.Errorf("text is %q, want %q", err, want)
	}
}

func TestLingerWaitsForFlush(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	p := e.producer("t", Linger(time.Hour))
	futures := []Future{p.Send(e.ctx, value("a")), p.Send(e.ctx, value("b"))}
	select {
	case <-futures[0].Done():
		t.Fatal("sent before linger passed")
	default:
	}
	if err := p.Flush(e.ctx); err != nil {
		t.Fatal(err)
	}
	for i, f := range futures {
		if m, err := f.Wait(e.ctx); err != nil || m.Offset != int64(i) {
			t.Errorf("record %d: %v %v", i, m, err)
		}
	}
	if got := e.fc.Produced(); len(got) != 1 || !slices.Equal(got[0].Records, []int{2}) {
		t.Errorf("requests are %v, want one of one batch of two", got)
	}
}

func TestFullBatchDoesNotLinger(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	p := e.producer("t", Linger(time.Hour), BatchSize(100))
	if _, err := p.Send(e.ctx, Record{Value: make([]byte, 100)}).Wait(e.ctx); err != nil {
		t.Fatal(err)
	}
}

func TestLingerPasses(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	p := e.producer("t", Linger(time.Millisecond))
	if _, err := p.Send(e.ctx, value("a")).Wait(e.ctx); err != nil {
		t.Fatal(err)
	}
}

// TestBatchesGrowWhileARequestIsUnderWay also checks that all that is ready
// goes into one request with an entry per batch.
func TestBatchesGrowWhileARequestIsUnderWay(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	entered, leave := make(chan struct{}), make(chan struct{})
	var calls atomic.Int32
	e.fc.SetHooks(fakecluster.Hooks{Produce: func(int32, *api.ProduceRequest) fakecluster.Fault {
		if calls.Add(1) == 1 {
			close(entered)
			<-leave
		}
		return fakecluster.Fault{}
	}})
	p := e.producer("t", BatchSize(200))
	first := p.Send(e.ctx, value("0"))
	<-entered
	var last Future
	for i := 1; i <= 50; i++ {
		last = p.Send(e.ctx, value(fmt.Sprint(i)))
	}
	close(leave)
	for _, f := range []Future{first, last} {
		if _, err := f.Wait(e.ctx); err != nil {
			t.Fatal(err)
		}
	}
	got := e.fc.Produced()
	if len(got) != 2 || len(got[1].Records) < 3 {
		t.Errorf("requests are %v, want a second one of several batches", got)
	}
	if v := e.fc.Values("t", 0); !slices.Equal(v, numbers(0, 51)) {
		t.Errorf("log is %v", v)
	}
}

func TestBackPressure(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	leave := make(chan struct{})
	e.fc.SetHooks(fakecluster.Hooks{Produce: func(int32, *api.ProduceRequest) fakecluster.Fault {
		<-leave
		return fakecluster.Fault{}
	}})
	p := e.producer("t", BatchQueue(2), BatchSize(1))
	blocked := func() bool {
		ctx, cancel := context.WithCancel(e.ctx)
		cancel() // does not matter unless the queue is full
		_, err := p.Send(ctx, value("x")).Wait(e.ctx)
		return errors.Is(err, context.Canceled)
	}
	w, err := p.writer(0)
	if err != nil {
		t.Fatal(err)
	}
	p.Send(e.ctx, value("x"))
	p.Send(e.ctx, value("x"))
	for {
		w.mu.Lock()
		n, sent := len(w.queue), len(w.sent)
		w.mu.Unlock()
		if n == 2 && sent > 0 {
			break
		}
		if n < 2 {
			p.Send(e.ctx, value("x"))
		}
		if e.ctx.Err() != nil {
			t.Fatal("queue never filled")
		}
	}
	if !blocked() {
		t.Error("send did not wait for the full queue")
	}
	close(leave)
	if err := p.Flush(e.ctx); err != nil {
		t.Error(err)
	}
}

// TestOrderUnderRetries runs a producer against a script of faults and checks order and
// completeness.
func TestOrderUnderRetries(t *testing.T) {
	notLeader := fakecluster.Fault{Code: api.ErrorCode{ID: api.NotLeaderForPartition}}
	for _, tc := range []struct {
		name   string
		script []fakecluster.Fault
		exact  bool // no answer was lost, so nothing may be repeated
	}{
		{"none", nil, true},
		{"connection lost before the append", []fakecluster.Fault{{DropBefore: true}, {}, {DropBefore: true}, {DropBefore: true}}, true},
		{"not leader", []fakecluster.Fault{notLeader, {}, notLeader, notLeader}, true},
		{"answer lost", []fakecluster.Fault{{}, {DropAfter: true}, {}, {DropAfter: true}}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := start(t, 1)
			e.topic("t", 1)
			var call atomic.Int32
			e.fc.SetHooks(fakecluster.Hooks{Produce: func(int32, *api.ProduceRequest) fakecluster.Fault {
				if i := int(call.Add(1)) - 1; i < len(tc.script) {
					return tc.script[i]
				}
				return fakecluster.Fault{}
			}})
			p := e.producer("t", BatchSize(300), Retry(RetryPolicy{Initial: time.Millisecond, Max: time.Millisecond, Factor: 1, Timeout: limit}))
			const n = 500
			var order []string
			done := make(chan struct{})
			for i := range n {
				p.SendFunc(e.ctx, value(fmt.Sprint(i)), func(_ RecordMeta, err error) {
					if err != nil {
						t.Errorf("record %d: %v", i, err)
					}
					if order = append(order, fmt.Sprint(i)); len(order) == n {
						close(done)
					}
				})
			}
			if err := p.Close(e.ctx); err != nil {
				t.Fatal(err)
			}
			<-done
			if !slices.Equal(order, numbers(0, n)) {
				t.Error("callbacks came out of order")
			}
			log := e.fc.Values("t", 0)
			if tc.exact && !slices.Equal(log, numbers(0, n)) {
				t.Errorf("log of %d records differs from what was sent", len(log))
			}
			checkRuns(t, log, n)
		})
	}
}

// checkRuns allows repeats of whole requests, nothing else: every value is
// the successor of the one before or begins a repeat of what was there.
func checkRuns(t *testing.T, log []string, n int) {
	t.Helper()
	high := -1
	prev := -1
	for _, s := range log {
		var v int
		fmt.Sscan(s, &v)
		if v != prev+1 && v > high {
			t.Fatalf("%d follows %d, nothing after %d was there", v, prev, high)
		}
		prev, high = v, max(high, v)
	}
	if high != n-1 {
		t.Errorf("log ends at %d, want %d", high, n-1)
	}
}

func TestProducerFollowsTheLeader(t *testing.T) {
	e := start(t, 2)
	e.topic("t", 1)
	p := e.producer("t")
	if _, err := p.SendSync(e.ctx, value("0")); err != nil {
		t.Fatal(err)
	}
	e.fc.Move("t", 0, 5002, false)
	fut := p.Send(e.ctx, value("1"))
	e.fc.Announce("t", 0)
	if m, err := fut.Wait(e.ctx); err != nil || m.Offset != 1 {
		t.Fatalf("after the move: %v %v", m, err)
	}
	if got := e.fc.Produced(); got[len(got)-1].SPU != 5002 {
		t.Errorf("last request went to %d", got[len(got)-1].SPU)
	}
}

func TestFinalCodeFailsItsBatchOnly(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	var call atomic.Int32
	e.fc.SetHooks(fakecluster.Hooks{Produce: func(int32, *api.ProduceRequest) fakecluster.Fault {
		if call.Add(1) == 1 {
			return fakecluster.Fault{Code: api.ErrorCode{ID: api.MessageTooLarge}}
		}
		return fakecluster.Fault{}
	}})
	p := e.producer("t")
	_, err := p.SendSync(e.ctx, value("a"))
	var ce *Error
	if !errors.As(err, &ce) || !errors.Is(err, api.MessageTooLarge) || ce.Topic != "t" || ce.Partition != 0 {
		t.Fatalf("error is %#v", err)
	}
	if want := "Producer received an error code: the message is too large to send"; err.Error() != want {
		t.Errorf("text is %q, want %q", err, want)
	}
	if m, err := p.SendSync(e.ctx, value("b")); err != nil || m[0].Offset != 0 {
		t.Errorf("next record: %v %v", m, err)
	}
}

func TestRetriesEnd(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	var calls atomic.Int32
	e.fc.SetHooks(fakecluster.Hooks{Produce: func(int32, *api.ProduceRequest) fakecluster.Fault {
		calls.Add(1)
		return fakecluster.Fault{DropBefore: true}
	}})
	p := e.producer("t", Retry(RetryPolicy{MaxRetries: 3, Factor: 1, Timeout: limit}))
	if _, err := p.SendSync(e.ctx, value("a")); !Retryable(err) {
		t.Errorf("error is %v", err)
	}
	if n := calls.Load(); n != 4 {
		t.Errorf("%d attempts, want 4", n)
	}
}

func TestAtMostOnceSendsOnce(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	p := e.producer("t", Delivery(AtMostOnce))
	m, err := p.SendSync(e.ctx, value("a"))
	if err != nil || m[0].Offset != -1 {
		t.Fatalf("%v %v", m, err)
	}
	c := e.consumer("t", From(Beginning()))
	if got := e.take(c, 1); got[0] != "a" {
		t.Errorf("log has %v", got)
	}
}

func TestCloseFailsWhatIsLeft(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	e.fc.SetHooks(fakecluster.Hooks{Produce: func(int32, *api.ProduceRequest) fakecluster.Fault {
		return fakecluster.Fault{Code: api.ErrorCode{ID: api.NotLeaderForPartition}}
	}})
	p := e.producer("t")
	fut := p.Send(e.ctx, value("a"))
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	if err := p.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("close: %v", err)
	}
	if _, err := fut.Wait(e.ctx); !errors.Is(err, ErrClosed) {
		t.Errorf("record: %v", err)
	}
}

func TestClientCloseEndsEverything(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	p := e.producer("t", Linger(time.Hour))
	c := e.consumer("t")
	fut := p.Send(e.ctx, value("a"))
	ended := make(chan error, 1)
	go func() {
		for _, err := range c.Records(e.ctx) {
			ended <- err
		}
	}()
	e.cl.Close()
	if err := <-ended; !errors.Is(err, ErrClosed) {
		t.Errorf("consumer: %v", err)
	}
	if _, err := fut.Wait(e.ctx); !errors.Is(err, ErrClosed) {
		t.Errorf("producer: %v", err)
	}
	if _, err := e.cl.Producer(e.ctx, "t"); !errors.Is(err, ErrClosed) {
		t.Errorf("new producer: %v", err)
	}
	if _, err := e.cl.Admin().Topics(e.ctx, ListOptions{}); !errors.Is(err, ErrClosed) {
		t.Errorf("admin: %v", err)
	}
}

func TestTopicDeletedWhileProducing(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	p := e.producer("t")
	if _, err := p.SendSync(e.ctx, value("a")); err != nil {
		t.Fatal(err)
	}
	e.fc.DeleteTopic("t")
	if _, err := p.SendSync(e.ctx, value("b")); !errors.Is(err, api.TopicNotFound) {
		t.Errorf("error is %v", err)
	}
}

func TestCompressionMustSuitTheTopic(t *testing.T) {
	e := start(t, 1)
	e.fc.CreateTopic("zip", 1, api.CompressionGzip)
	e.fc.CreateTopic("plain", 1, api.CompressionNone)
	_, err := e.cl.Producer(e.ctx, "zip", Compress(record.Lz4))
	if want := "Invalid configuration in producer: Compression in the producer (lz4) does not match with topic level compression (gzip)"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
	if !errors.Is(err, ErrConfig) {
		t.Error("error does not match ErrConfig")
	}
	_, err = e.cl.Producer(e.ctx, "plain", Compress(record.Zstd))
	if err == nil || !strings.Contains(err.Error(), "topic level compression (no compression)") {
		t.Errorf("error is %v", err)
	}
	if p := e.producer("zip"); p.codec != record.Gzip {
		t.Errorf("codec is %v, want the topic's", p.codec)
	}
}

func TestCompressedRoundTrip(t *testing.T) {
	for codec := record.None; codec <= record.Zstd; codec++ {
		e := start(t, 1)
		e.topic("t", 1)
		p := e.producer("t", Compress(codec))
		for i := range 200 {
			p.Send(e.ctx, Record{Key: []byte("k"), Value: []byte(fmt.Sprint(i))})
		}
		if err := p.Close(e.ctx); err != nil {
			t.Fatal(codec, err)
		}
		if got := e.take(e.consumer("t", From(Beginning())), 200); !slices.Equal(got, numbers(0, 200)) {
			t.Errorf("%v: read %d records, not what was sent", codec, len(got))
		}
	}
}

func TestOfflinePartitionsGetNoKeylessRecords(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 3)
	e.fc.SetOnline("t", 1, false)
	if _, err := e.cl.topic(e.ctx, "t"); err != nil {
		t.Fatal(err)
	}
	if _, err := e.cl.meta.await(e.ctx, "t", func(v *topicView) bool { return v != nil && len(v.online) == 2 }); err != nil {
		t.Fatal(err)
	}
	p := e.producer("t")
	metas, err := p.SendSync(e.ctx, value("a"), value("b"), value("c"))
	if err != nil || metas[0].Partition != 0 || metas[1].Partition != 2 || metas[2].Partition != 0 {
		t.Errorf("%v %v", metas, err)
	}
}

func TestProducerOptionsAreChecked(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	_, err := e.cl.Producer(e.ctx, "t", BatchSize(0), BatchQueue(-1), Linger(-1), Compress(7), PartitionBy(nil), Timeout(-1), Retry(RetryPolicy{}))
	if !errors.Is(err, ErrConfig) || strings.Count(err.Error(), "\n") != 6 {
		t.Errorf("error is %v, want seven lines", err)
	}
	if _, err := e.cl.Producer(e.ctx, "t", Partition(1)); !errors.Is(err, ErrPartitionNotFound) || err.Error() != "Partition not found: t-1" {
		t.Errorf("partition 1 of 1: %v", err)
	}
}
