package client

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/client/internal/fakecluster"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// TestEveryWaitEndsWithItsContext cancels each blocking call while it waits
// for something that never comes.
func TestEveryWaitEndsWithItsContext(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	if _, err := e.cl.topic(e.ctx, "t"); err != nil {
		t.Fatal(err)
	}
	entered := make(chan struct{}, 1)
	leave := make(chan struct{})
	defer close(leave)
	hang := func() fakecluster.Fault {
		select {
		case entered <- struct{}{}:
		default:
		}
		<-leave
		return fakecluster.Fault{DropBefore: true}
	}
	e.fc.SetHooks(fakecluster.Hooks{
		Produce: func(int32, *api.ProduceRequest) fakecluster.Fault { return hang() },
		Offsets: func(int32) fakecluster.Fault { return hang() },
		List:    func() { hang() },
	})
	p := e.producer("t")
	for name, call := range map[string]func(context.Context) error{
		"list":           func(ctx context.Context) error { _, err := e.cl.Admin().Topics(ctx, ListOptions{}); return err },
		"unknown topic":  func(ctx context.Context) error { _, err := e.cl.Producer(ctx, "unknown"); return err },
		"consumer start": func(ctx context.Context) error { _, err := e.cl.Consumer(ctx, "t"); return err },
		"future":         func(ctx context.Context) error { _, err := p.Send(ctx, value("a")).Wait(ctx); return err },
		"send sync":      func(ctx context.Context) error { _, err := p.SendSync(ctx, value("a")); return err },
		"flush": func(ctx context.Context) error {
			p.Send(e.ctx, value("a"))
			return p.Flush(ctx)
		},
	} {
		ctx, cancel := context.WithCancel(e.ctx)
		got := make(chan error, 1)
		go func() { got <- call(ctx) }()
		if name == "list" {
			<-entered // the others wait behind the first of their kind
		}
		cancel()
		if err := <-got; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDialEndsWithItsContext(t *testing.T) {
	a, b := transport.MemPipe(nil, nil)
	defer b.Close() // never answers
	ctx, cancel := context.WithCancel(t.Context())
	dialled := make(chan struct{})
	got := make(chan error, 1)
	go func() {
		_, err := Dial(ctx, WithEndpoint("sc"), WithDialer(func(context.Context, string, string) (net.Conn, error) {
			close(dialled)
			return a, nil
		}))
		got <- err
	}()
	<-dialled
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

func TestSilentPeerIsReplaced(t *testing.T) {
	e := start(t, 1, WithRequestTimeout(50*time.Millisecond))
	e.topic("t", 1)
	var calls atomic.Int32
	leave := make(chan struct{})
	defer close(leave)
	e.fc.SetHooks(fakecluster.Hooks{Produce: func(int32, *api.ProduceRequest) fakecluster.Fault {
		if calls.Add(1) == 1 {
			<-leave
			return fakecluster.Fault{DropBefore: true}
		}
		return fakecluster.Fault{}
	}})
	p := e.producer("t")
	if m, err := p.SendSync(e.ctx, value("a")); err != nil || m[0].Offset != 0 {
		t.Errorf("%v %v", m, err)
	}
}

func TestHandshakeTimesOut(t *testing.T) {
	a, b := transport.MemPipe(nil, nil)
	defer b.Close()
	_, err := Dial(t.Context(), WithEndpoint("sc"), WithRequestTimeout(20*time.Millisecond),
		WithDialer(func(context.Context, string, string) (net.Conn, error) { return a, nil }))
	if !errors.Is(err, transport.ErrTimeout) || !Retryable(err) {
		t.Errorf("error is %v", err)
	}
}

func TestRetryable(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{context.Canceled, false},
		{context.DeadlineExceeded, false},
		{ErrClosed, false},
		{errNoLeader, true},
		{&transport.ConnError{Addr: "x", Err: net.ErrClosed}, true},
		{&transport.ConnError{Addr: "x", Err: context.Canceled}, false},
		{&net.OpError{Op: "read", Err: errors.New("reset")}, true},
		{api.ErrorCode{ID: api.NotLeaderForPartition}, true},
		{&Error{Code: api.ErrorCode{ID: api.PartitionNotLeader}}, true},
		{api.ErrorCode{ID: api.RequestTimedOut}, false},
		{api.NotEnoughInSync(1, 2), true},
		{api.Errorf("start offset: 5 is greater than leo: 3"), false},
		{errMoved, true},
		{api.ErrorCode{ID: api.MessageTooLarge}, false},
		{topicNotFound("t"), false},
	} {
		if got := Retryable(tc.err); got != tc.want {
			t.Errorf("%v: %t", tc.err, got)
		}
	}
}
