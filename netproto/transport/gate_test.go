package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// knock lets in who sends "k".
func knock(_ context.Context, nc net.Conn) (net.Conn, error) {
	var b [1]byte
	if _, err := io.ReadFull(nc, b[:]); err != nil {
		return nil, err
	}
	if b[0] != 'k' {
		return nil, errors.New("wrong knock")
	}
	return nc, nil
}

// testGate is a gate with one door in memory and its log. It is made inside a
// synctest bubble, so its time-outs cost no time.
type testGate struct {
	*Gate
	t    *testing.T
	door *MemListener
	log  lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newGate(t *testing.T, opts GateOptions) *testGate {
	g := &testGate{t: t, door: NewMemListener("door")}
	opts.Logger = slog.New(slog.NewTextHandler(&g.log, nil))
	g.Gate = NewGate(opts, Door{Listener: g.door, Check: knock})
	return g
}

func (g *testGate) dial(say string) net.Conn {
	g.t.Helper()
	nc, err := g.door.Dial(g.t.Context())
	if err == nil && say != "" {
		_, err = io.WriteString(nc, say)
	}
	if err != nil {
		g.t.Fatal(err)
	}
	synctest.Wait()
	return nc
}

// closed reports whether the gate closed its end. It lets a moment of the
// bubble's time pass.
func closed(nc net.Conn) bool {
	nc.SetReadDeadline(time.Now().Add(1))
	_, err := nc.Read(make([]byte, 1))
	return errors.Is(err, io.EOF)
}

func (g *testGate) lines() int { return strings.Count(g.log.String(), "\n") }

func (g *testGate) end() {
	if err := g.Close(); err != nil {
		g.t.Error(err)
	}
}

// Peers that say nothing, or too little, hold up nobody and are closed in time.
func TestGateSlowPeers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, GateOptions{Timeout: time.Second})
		defer g.end()
		var silent []net.Conn
		for range 50 {
			silent = append(silent, g.dial(""))
		}
		honest := g.dial("k")
		defer honest.Close()
		nc, err := g.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		time.Sleep(999 * time.Millisecond)
		synctest.Wait()
		if closed(silent[0]) || g.lines() > 0 {
			t.Errorf("closed before its time is up: %s", g.log.String())
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		for _, s := range silent {
			if !closed(s) {
				t.Error("a silent peer is still there")
			}
			s.Close()
		}
		if g.lines() != len(silent) || !strings.Contains(g.log.String(), "did not finish in time (1s)") {
			t.Errorf("log:\n%s", g.log.String())
		}
		if closed(honest) {
			t.Error("the honest peer was closed")
		}
	})
}

func TestGateRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, GateOptions{})
		defer g.end()
		bad, gone := g.dial("x"), g.dial("")
		defer bad.Close()
		gone.Close()
		synctest.Wait()
		if !closed(bad) {
			t.Error("the wrong knock is still there")
		}
		if g.lines() != 2 || !strings.Contains(g.log.String(), "wrong knock") || !strings.Contains(g.log.String(), "EOF") {
			t.Errorf("log:\n%s", g.log.String())
		}
	})
}

func TestGateLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, GateOptions{Timeout: time.Minute, MaxPending: 10, MaxPendingPerHost: 3})
		defer g.end()
		var in []net.Conn
		for range 3 {
			in = append(in, g.dial(""))
		}
		for range 5 {
			out := g.dial("k")
			if !closed(out) {
				t.Error("one more than the limit is let in")
			}
			out.Close()
		}
		if g.lines() != 1 {
			t.Errorf("one line a second, not:\n%s", g.log.String())
		}
		for _, nc := range in { // whoever leaves makes room
			nc.Close()
		}
		synctest.Wait()
		late := g.dial("k")
		defer late.Close()
		nc, err := g.Accept()
		if err != nil {
			t.Fatal(err)
		}
		nc.Close()
	})
}

// Closing ends what waits at either side of the gate.
func TestGateClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, GateOptions{})
		checking, waiting := g.dial(""), g.dial("k")
		defer checking.Close()
		defer waiting.Close()
		accepted := make(chan error, 2)
		g.end()
		g.end()
		go func() {
			_, err := g.Accept()
			accepted <- err
		}()
		if err := <-accepted; !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept after close: %v", err)
		}
		if !closed(checking) || !closed(waiting) {
			t.Error("a connection outlives the gate")
		}
		if _, err := g.door.Dial(t.Context()); err == nil {
			t.Error("the door is open")
		}
		if g.lines() > 0 {
			t.Errorf("log:\n%s", g.log.String())
		}
	})
}

// A door that breaks is an error of Accept; doors without a check need none.
func TestGateDoors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free, other := NewMemListener("free"), NewMemListener("other")
		g := NewGate(GateOptions{}, Door{Listener: free}, Door{Listener: other, Check: knock})
		if g.Addr() != free.Addr() {
			t.Errorf("address %v", g.Addr())
		}
		for _, d := range []*MemListener{free, other} {
			client, err := d.Dial(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(client, "k")
			nc, err := g.Accept()
			if err != nil || nc.LocalAddr() != d.Addr() {
				t.Errorf("%v, %v", nc, err)
			}
			client.Close()
			nc.Close()
		}
		other.Close()
		if _, err := g.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("a closed door: %v", err)
		}
		g.Close()
	})
}
