package client

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/client/internal/fakecluster"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/record"
)

// silent makes an SPU take requests and never answer. arrived gets a value for
// each of them.
func silent(e *env, spu int32) (arrived chan struct{}) {
	arrived = make(chan struct{}, 100)
	leave := make(chan struct{})
	e.t.Cleanup(func() { close(leave) })
	hang := func(id int32) fakecluster.Fault {
		if id == spu {
			arrived <- struct{}{}
			<-leave
			return fakecluster.Fault{DropBefore: true}
		}
		return fakecluster.Fault{}
	}
	e.fc.SetHooks(fakecluster.Hooks{
		Produce: func(id int32, _ *api.ProduceRequest) fakecluster.Fault { return hang(id) },
		Fetch:   func(id int32, _ *api.StreamFetchRequest, _ int64) fakecluster.Fault { return hang(id) },
	})
	return arrived
}

// TestSilentLeaderIsLeft: a leader that is cut off never says that it leads no
// more. Its users go to the next one when metadata says so, long before the
// time-out of a request, which is a minute.
func TestSilentLeaderIsLeft(t *testing.T) {
	e := start(t, 2)
	e.topic("t", 1)
	var mu sync.Mutex
	var events []BatchEvent
	p := e.producer("t", OnBatch(func(ev BatchEvent) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, ev)
	}))
	if _, err := p.SendSync(e.ctx, value("0")); err != nil {
		t.Fatal(err)
	}
	arrived := silent(e, 5001)
	first := p.Send(e.ctx, value("1"))
	<-arrived
	second := p.Send(e.ctx, value("2"))
	e.fc.Move("t", 0, 5002, true)
	for i, fut := range []Future{first, second} {
		if m, err := fut.Wait(e.ctx); err != nil || m.Offset != int64(i+1) {
			t.Fatalf("record %d: %+v, %v", i+1, m, err)
		}
	}
	if err := p.Close(e.ctx); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if events[0].Again || !events[1].Again {
		t.Errorf("what was sent again is %+v", events)
	}
}

func TestSilentLeaderOfAConsumerIsLeft(t *testing.T) {
	e := start(t, 2)
	e.topic("t", 1)
	e.fill("t", 0, 10, 5)
	c := e.consumer("t", From(Beginning()), quick)
	got := e.take(c, 10)
	arrived := silent(e, 5001)
	e.fc.Append("t", 0, record.None, numbers(10, 20)...)
	<-arrived
	e.fc.Move("t", 0, 5002, true)
	if got = append(got, e.take(c, 10)...); !slices.Equal(got, numbers(0, 20)) {
		t.Errorf("read %v", got)
	}
}

// TestDiallingALeaderThatIsGone ends when another one is known: a host that is
// gone does not even refuse.
func TestDiallingALeaderThatIsGone(t *testing.T) {
	fc := fakecluster.New(2)
	t.Cleanup(fc.Close)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	var mu sync.Mutex
	gone := ""
	dialling := make(chan struct{}, 100)
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		mu.Lock()
		hangs := addr == gone
		mu.Unlock()
		if hangs {
			dialling <- struct{}{}
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return fc.Dial(ctx, network, addr)
	}
	cl, err := Dial(ctx, WithEndpoint(fakecluster.SCAddr), WithDialer(dial))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cl.Close() })
	fc.CreateTopic("t", 1, api.CompressionAny)
	p, err := cl.Producer(ctx, "t")
	if err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	gone = cl.cfg.spuAddr(&cl.meta.spu(5001).Spec)
	mu.Unlock()
	fut := p.Send(ctx, value("a"))
	<-dialling
	fc.Move("t", 0, 5002, true)
	if m, err := fut.Wait(ctx); err != nil || m.Offset != 0 {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestLeaderThatServesAgainEndsThePause: the same SPU leads again after a
// restart, so its id tells nothing.
func TestLeaderThatServesAgainEndsThePause(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	p := e.producer("t", Retry(RetryPolicy{Initial: time.Hour, Max: time.Hour, Factor: 1, Timeout: time.Hour}))
	e.fc.SetOnline("t", 0, false)
	if _, err := e.cl.meta.await(e.ctx, "t", func(v *topicView) bool { return !v.serves(0) }); err != nil {
		t.Fatal(err)
	}
	refused := make(chan struct{}, 1)
	e.fc.SetHooks(fakecluster.Hooks{Produce: func(int32, *api.ProduceRequest) fakecluster.Fault {
		refused <- struct{}{}
		return fakecluster.Fault{Code: api.ErrorCode{ID: api.NotLeaderForPartition}}
	}})
	fut := p.Send(e.ctx, value("a"))
	<-refused
	e.fc.SetHooks(fakecluster.Hooks{})
	e.fc.SetOnline("t", 0, true)
	if m, err := fut.Wait(e.ctx); err != nil || m.Offset != 0 {
		t.Errorf("%+v, %v", m, err)
	}
}
