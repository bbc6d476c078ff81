package transport_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

func TestCalls(t *testing.T) {
	for name, connect := range kinds(t) {
		t.Run(name, func(t *testing.T) {
			c := connect((&server{}).handle)
			var wg sync.WaitGroup
			for g := range 8 {
				wg.Go(func() {
					for i := range 50 {
						want := fmt.Sprintf("%d-%d-%s", g, i, strings.Repeat("x", i*i*10))
						var got text
						if err := c.Call(t.Context(), keyEcho, 1, msg(want), &got); err != nil || string(got) != want {
							t.Errorf("%d bytes came back as %d, %v", len(want), len(got), err)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestStream(t *testing.T) {
	for name, connect := range kinds(t) {
		t.Run(name, func(t *testing.T) {
			c := connect((&server{}).handle)
			s, err := c.Stream(t.Context(), keyMany, 1, msg(""))
			if err != nil {
				t.Fatal(err)
			}
			f, err := s.NextFrame(t.Context())
			if err != nil || string(f.Body) != "\x00\x010" {
				t.Fatalf("first answer: %q, %v", f.Body, err)
			}
			f.Release()
			for i := 1; i < 10; i++ {
				var got text
				if err := s.Recv(t.Context(), &got); err != nil || string(got) != string(rune('0'+i)) {
					t.Fatalf("answer %d: %q, %v", i, got, err)
				}
			}
			s.Close()
			s.Close()
			if _, err := s.Next(t.Context()); err != transport.ErrStreamClosed {
				t.Errorf("after Close: %v", err)
			}
		})
	}
}

// script plays a server by hand at the far end of an in-memory pipe.
type script struct {
	net.Conn
	t *testing.T
}

func scripted(t *testing.T, opts transport.Options) (*transport.Conn, script) {
	t.Helper()
	a, b := transport.MemPipe(addr("client"), addr("server"))
	c := transport.NewConn(a, "server", opts)
	t.Cleanup(func() { c.Close(); b.Close() })
	return c, script{b, t}
}

type addr string

func (addr) Network() string  { return "test" }
func (a addr) String() string { return string(a) }

// request reads a request header.
func (s script) request() (h transport.RequestHeader) {
	s.t.Helper()
	b, err := transport.ReadFrame(s, nil, 1<<20)
	if err == nil {
		_, err = codec.Unmarshal(b, 0, &h)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return h
}

// answer writes a response.
func (s script) answer(id int32, body string) {
	s.t.Helper()
	b := binary.BigEndian.AppendUint32(nil, uint32(4+2+len(body)))
	b = binary.BigEndian.AppendUint32(b, uint32(id))
	b = binary.BigEndian.AppendUint16(b, uint16(len(body)))
	if _, err := s.Write(append(b, body...)); err != nil {
		s.t.Fatal(err)
	}
}

func TestOutOfOrderAndUnknownAnswers(t *testing.T) {
	c, srv := scripted(t, transport.Options{ClientID: "me"})
	results := make(chan string, 3)
	for range 3 {
		go func() {
			var got text
			if err := c.Call(t.Context(), keyEcho, 7, msg(""), &got); err != nil {
				t.Error(err)
			}
			results <- string(got)
		}()
	}
	seen := map[int32]bool{}
	for range 3 {
		h := srv.request()
		if h.Version != 7 || h.ClientID != "me" || h.Key != keyEcho {
			t.Errorf("header %+v", h)
		}
		seen[h.CorrelationID] = true
	}
	if !seen[1] || !seen[2] || !seen[3] {
		t.Errorf("correlation ids %v, want 1 to 3", seen)
	}
	srv.answer(99, strings.Repeat("nobody asked", 1000))
	srv.answer(-1, "")
	for _, id := range []int32{3, 1, 2} {
		srv.answer(id, fmt.Sprint(id))
		if got := <-results; got != fmt.Sprint(id) {
			t.Errorf("answer %d went to a call that got %q", id, got)
		}
	}
	if err := c.Send(t.Context(), keyEcho, 1, msg("")); err != nil {
		t.Fatal(err)
	}
	srv.answer(srv.request().CorrelationID, "dropped")
	if err := c.Err(); err != nil {
		t.Error(err)
	}
}

func TestSlowStreamStallsNobody(t *testing.T) {
	c, srv := scripted(t, transport.Options{MaxStreamBacklog: 100_000})
	slow, err := c.Stream(t.Context(), keyMany, 1, msg(""))
	if err != nil {
		t.Fatal(err)
	}
	id := srv.request().CorrelationID
	go func() {
		for range 20 {
			srv.answer(id, strings.Repeat("s", 10_000))
		}
		srv.answer(srv.request().CorrelationID, "quick")
	}()
	var got text
	if err := c.Call(t.Context(), keyEcho, 1, msg(""), &got); err != nil || got != "quick" {
		t.Fatalf("call beside a slow stream: %q, %v", got, err)
	}
	// What fitted is delivered, then the loss is told, and stays told.
	n := 0
	for ; ; n++ {
		if _, err = slow.Next(t.Context()); err != nil {
			break
		}
	}
	if n != 9 || !errors.Is(err, transport.ErrStreamOverflow) {
		t.Errorf("%d frames, then %v", n, err)
	}
	if _, err := slow.Next(t.Context()); !errors.Is(err, transport.ErrStreamOverflow) {
		t.Errorf("then %v", err)
	}
	if c.Err() != nil {
		t.Errorf("the connection suffered: %v", c.Err())
	}
}

func TestOneFrameMayAlwaysWait(t *testing.T) {
	c, srv := scripted(t, transport.Options{MaxStreamBacklog: 10})
	s, err := c.Stream(t.Context(), keyMany, 1, msg(""))
	if err != nil {
		t.Fatal(err)
	}
	id := srv.request().CorrelationID
	for range 3 {
		srv.answer(id, strings.Repeat("x", 1000))
		if b, err := s.Next(t.Context()); err != nil || len(b) != 1002 {
			t.Fatalf("%d bytes, %v", len(b), err)
		}
	}
}

func TestTimeoutLeavesConnectionUsable(t *testing.T) {
	c, srv := scripted(t, transport.Options{RequestTimeout: time.Millisecond})
	if err := c.Call(t.Context(), keySilent, 1, msg(""), new(text)); !errors.Is(err, transport.ErrTimeout) {
		t.Fatal(err)
	}
	srv.answer(srv.request().CorrelationID, "late")
	s, err := c.Stream(t.Context(), keyMany, 1, msg(""))
	if err != nil {
		t.Fatal(err)
	}
	srv.answer(srv.request().CorrelationID, "alive")
	var got text
	if err := s.Recv(t.Context(), &got); err != nil || got != "alive" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestContext(t *testing.T) {
	c, srv := scripted(t, transport.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		srv.request()
		cancel()
	}()
	if err := c.Call(ctx, keySilent, 1, msg(""), new(text)); err != context.Canceled {
		t.Errorf("call: %v", err)
	}
	s, err := c.Stream(t.Context(), keyMany, 1, msg(""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(ctx); err != context.Canceled {
		t.Errorf("stream: %v", err)
	}
	srv.answer(srv.request().CorrelationID, "after")
	if b, err := s.Next(t.Context()); err != nil || string(b[2:]) != "after" {
		t.Errorf("a context must not end the stream: %q, %v", b, err)
	}
}

// TestEnd cuts a response at every byte: all who wait get the same typed
// error, and nothing is leaked.
func TestEnd(t *testing.T) {
	whole := unhex(t, "00 00 00 08 00 00 00 02 00 02 6f 6b")
	for n := range whole {
		c, srv := scripted(t, transport.Options{})
		s, err := c.Stream(t.Context(), keyMany, 1, msg(""))
		if err != nil {
			t.Fatal(err)
		}
		call := make(chan error, 1)
		go func() { call <- c.Call(t.Context(), keyEcho, 1, msg(""), new(text)) }()
		srv.request()
		srv.request()
		srv.Write(whole[:n])
		srv.Close()

		_, serr := s.Next(t.Context())
		for _, err := range []error{<-call, serr, c.Send(t.Context(), 1, 1, msg(""))} {
			var ce *transport.ConnError
			var first *transport.FirstReadError
			if !errors.As(err, &ce) || ce.Addr != "server" || !errors.As(err, &first) || first.Guess != transport.ClosedAtOnce {
				t.Errorf("cut at %d: %v", n, err)
			}
			if want := n == 0; errors.Is(err, io.EOF) != want || errors.Is(err, io.ErrUnexpectedEOF) == want {
				t.Errorf("cut at %d: wraps the wrong cause: %v", n, err)
			}
		}
		<-c.Done()
		c.Close()
		c.Close()
	}
}

func TestLocalClose(t *testing.T) {
	c, srv := scripted(t, transport.Options{})
	call := make(chan error, 1)
	go func() { call <- c.Call(t.Context(), keySilent, 1, msg(""), new(text)) }()
	srv.request()
	c.Close()
	if err := <-call; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	if _, err := c.Stream(t.Context(), keyMany, 1, msg("")); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

func TestBadResponses(t *testing.T) {
	for name, in := range map[string]string{
		"zero length":    "00 00 00 00",
		"negative":       "ff ff ff ff",
		"too long":       "00 10 00 01 00 00 00 01",
		"no correlation": "00 00 00 03 00 00 00",
	} {
		c, srv := scripted(t, transport.Options{MaxFrame: 1 << 20})
		srv.Write(unhex(t, in))
		<-c.Done()
		var ce *transport.ConnError
		if err := c.Err(); !errors.As(err, &ce) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// An undecodable body is an error of that call alone.
	c, srv := scripted(t, transport.Options{})
	go func() { srv.request(); srv.Write(unhex(t, "00 00 00 06 00 00 00 01 00 09")) }()
	if err := c.Call(t.Context(), 1, 1, msg(""), new(text)); !errors.Is(err, codec.ErrShort) || c.Err() != nil {
		t.Errorf("call %v, connection %v", err, c.Err())
	}
}

// TestAnswerMayAlias: byte slices of an answer stay intact while later
// answers arrive.
func TestAnswerMayAlias(t *testing.T) {
	c := kinds(t)["mem"](func(_ context.Context, c *transport.ServerConn) {
		for {
			r, err := c.ReadRequest()
			if err != nil {
				return
			}
			var b blob
			if r.Decode(&b) != nil {
				return
			}
			c.WriteResponse(r.CorrelationID, r.Version, &b)
			r.Release()
		}
	})
	var kept []blob
	for i := range 50 {
		in := blob(strings.Repeat(string(rune('a'+i)), 700))
		var out blob
		if err := c.Call(t.Context(), 1, 1, &in, &out); err != nil {
			t.Fatal(err)
		}
		kept = append(kept, out)
	}
	for i, b := range kept {
		if string(b) != strings.Repeat(string(rune('a'+i)), 700) {
			t.Fatalf("answer %d was overwritten", i)
		}
	}
}

func TestUnencodableRequest(t *testing.T) {
	c := kinds(t)["mem"]((&server{}).handle)
	if err := c.Call(t.Context(), keyEcho, 1, msg(strings.Repeat("x", 40000)), new(text)); !errors.Is(err, codec.ErrTooLong) {
		t.Error(err)
	}
	var got text
	if err := c.Call(t.Context(), keyEcho, 1, msg("fine"), &got); err != nil || got != "fine" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestStuckPeer: a peer that reads nothing ends the connection, not the caller.
func TestStuckPeer(t *testing.T) {
	c, _ := scripted(t, transport.Options{WriteTimeout: 5 * time.Millisecond})
	big := blob(make([]byte, 1<<20))
	err := c.Call(t.Context(), 1, 1, &big, new(text))
	var ce *transport.ConnError
	var ne net.Error
	if !errors.As(err, &ce) || !errors.As(err, &ne) || !ne.Timeout() {
		t.Error(err)
	}
}

func TestDialRefused(t *testing.T) {
	ln := listenTCP(t)
	at := ln.Addr().String()
	ln.Close()
	_, err := transport.Dial(t.Context(), at, transport.Options{})
	var ce *transport.ConnError
	if !errors.As(err, &ce) || ce.Addr != at {
		t.Error(err)
	}
}
