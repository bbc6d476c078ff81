package transport_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// piped returns a server connection and the raw client end.
func piped(t *testing.T, opts transport.ServerOptions) (*transport.ServerConn, net.Conn) {
	t.Helper()
	a, b := transport.MemPipe(addr("server"), addr("client"))
	c := transport.NewServerConn(t.Context(), a, opts)
	t.Cleanup(func() { c.Close(); c.Wait(); b.Close() })
	return c, b
}

// TestRequestsCutAtEveryByte feeds requests byte by byte and stops anywhere.
func TestRequestsCutAtEveryByte(t *testing.T) {
	one := unhex(t, versions)
	in := append(bytes.Clone(one), one...)
	for n := range len(in) + 1 {
		c, peer := piped(t, transport.ServerOptions{})
		go func() {
			for i := range n {
				peer.Write(in[i : i+1])
			}
			peer.Close()
		}()
		var err error
		got := 0
		for ; ; got++ {
			var r *transport.Request
			if r, err = c.ReadRequest(); err != nil {
				break
			}
			if r.Key != 18 || r.Version != 2 || r.ClientID != "fluvio" || !bytes.Equal(r.Body, one[20:]) {
				t.Fatalf("request %+v", r)
			}
			r.Release()
		}
		clean := n%len(one) == 0
		if got != n/len(one) || errors.Is(err, io.EOF) != clean || errors.Is(err, io.ErrUnexpectedEOF) == clean {
			t.Errorf("cut at %d: %d requests, then %v", n, got, err)
		}
	}
}

func TestRequestOutlivesTheNext(t *testing.T) {
	c, peer := piped(t, transport.ServerOptions{})
	go peer.Write(append(unhex(t, versions), unhex(t, strings.Replace(versions, "6c 69", "78 78", 1))...))
	one, err := c.ReadRequest()
	if err != nil {
		t.Fatal(err)
	}
	body := bytes.Clone(one.Body)
	if _, err := c.ReadRequest(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(body, one.Body) {
		t.Error("the next request overwrote the body")
	}
}

func TestFirstFrameLimit(t *testing.T) {
	big := binary.BigEndian.AppendUint32(nil, 70_000)
	big = append(big, unhex(t, headerHex)...)
	big = append(big, make([]byte, 70_000-20)...)

	c, peer := piped(t, transport.ServerOptions{})
	go peer.Write(big)
	var fe *transport.FrameSizeError
	if _, err := c.ReadRequest(); !errors.As(err, &fe) || fe.Max != transport.DefaultFirstFrame {
		t.Errorf("before the first answer: %v", err)
	}

	c, peer = piped(t, transport.ServerOptions{MaxFrame: 80_000})
	go func() {
		peer.Write(unhex(t, versions))
		peer.Write(big)
		peer.Write(unhex(t, "00 01 38 81"))
	}()
	if _, err := c.ReadRequest(); err != nil {
		t.Fatal(err)
	}
	if err := c.WriteResponse(1, 2, msg("")); err != nil {
		t.Fatal(err)
	}
	if r, err := c.ReadRequest(); err != nil || len(r.Body) != 70_000-20 {
		t.Errorf("after it: %v", err)
	}
	if _, err := c.ReadRequest(); !errors.As(err, &fe) || fe.Max != 80_000 || fe.Size != 80_001 {
		t.Errorf("above the maximum: %v", err)
	}
}

func TestBadRequests(t *testing.T) {
	for name, in := range map[string]string{
		"zero":         "00 00 00 00",
		"negative":     "ff ff ff fe 00",
		"short header": "00 00 00 05 00 12 00 01 00",
		"client id":    "00 00 00 0b 00 12 00 01 00 00 00 01 00 09 61",
	} {
		c, peer := piped(t, transport.ServerOptions{})
		go peer.Write(unhex(t, in))
		if _, err := c.ReadRequest(); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

// TestFiles sends many ranges of one file at once: sendfile must use its own
// positions.
func TestFiles(t *testing.T) {
	f, content := tempFile(t, 3<<20)
	handler := func(_ context.Context, c *transport.ServerConn) {
		for {
			r, err := c.ReadRequest()
			if err != nil {
				return
			}
			var want struct{ off, size uint32 }
			if r.Decode(visit(func(c *codec.Coder) { c.U32(&want.off); c.U32(&want.size) })) != nil {
				return
			}
			h := head(want.size)
			c.Go(func(context.Context) {
				s := section{f, int64(want.off), int64(want.size), r.Key == 1}
				if err := c.WriteResponseWithFile(r.CorrelationID, r.Version, &h, s); err != nil {
					t.Error(err)
				}
			})
		}
	}
	sizes := []uint32{0, 1, 100, 16 << 10, 16<<10 + 1, 128 << 10, 1 << 20, 2<<20 + 12345}
	for name, connect := range kinds(t) {
		t.Run(name, func(t *testing.T) {
			c := connect(handler)
			var wg sync.WaitGroup
			for g := range uint32(6) {
				wg.Go(func() {
					for i := range uint32(len(sizes)) {
						size := sizes[(i+g)%uint32(len(sizes))]
						off := g * 100_001
						var out blob
						ask := visit(func(c *codec.Coder) { c.U32(&off); c.U32(&size) })
						if err := c.Call(t.Context(), uint16(g%2), 1, ask, &out); err != nil {
							t.Error(err)
							return
						}
						if !bytes.Equal(out, content[off:off+size]) {
							t.Errorf("%d bytes at %d differ (%d came)", size, off, len(out))
						}
					}
				})
			}
			wg.Wait()
		})
	}
	if pos, err := f.Seek(0, io.SeekCurrent); err != nil || pos != int64(len(content)) {
		t.Errorf("the file's own position moved to %d, %v", pos, err)
	}
}

type visit func(*codec.Coder)

func (f visit) Code(c *codec.Coder) { f(c) }

// TestTruncatedFile: the length is promised before the end of file shows.
func TestTruncatedFile(t *testing.T) {
	f, _ := tempFile(t, 1<<20)
	results := make(chan error, 1)
	handler := func(_ context.Context, c *transport.ServerConn) {
		r, err := c.ReadRequest()
		if err != nil {
			return
		}
		size := int64(2 << 20)
		if r.Key == 2 {
			size = 100 // read before anything is written
		}
		h := head(size)
		err = c.WriteResponseWithFile(r.CorrelationID, r.Version, &h, section{f, 1<<20 - 50, size, r.Key == 1})
		if r.Key == 2 {
			c.WriteResponse(r.CorrelationID, r.Version, msg("still here"))
		}
		results <- err
		c.ReadRequest()
	}
	for name, connect := range kinds(t) {
		for key := range uint16(3) {
			c := connect(handler)
			var got text
			err := c.Call(t.Context(), key, 1, msg(""), &got)
			if werr := <-results; !errors.Is(werr, transport.ErrFileTruncated) {
				t.Errorf("%s: server got %v", name, werr)
			}
			var ce *transport.ConnError
			if key == 2 && (err != nil || got != "still here") || key < 2 && !errors.As(err, &ce) {
				t.Errorf("%s, key %d: client got %q, %v", name, key, got, err)
			}
		}
	}
}

func TestMismatch(t *testing.T) {
	srv, cli := tlsConfigs(t)
	seen := make(chan error, 1)
	plain := serve(t, listenTCP(t), transport.ListenerOptions{}, func(_ context.Context, c *transport.ServerConn) {
		_, err := c.ReadRequest()
		seen <- err
	})
	var first *transport.FirstReadError

	_, err := transport.Dial(t.Context(), plain.Addr().String(), transport.Options{TLS: cli})
	if !errors.As(err, &first) || !first.TLS {
		t.Errorf("TLS client, plain server: client sees %v", err)
	}
	if err := <-seen; !errors.As(err, &first) || first.Guess != transport.PeerSpeaksTLS || first.TLS {
		t.Errorf("TLS client, plain server: server sees %v", err)
	}

	var log bytes.Buffer
	secure := serve(t, listenTCP(t), transport.ListenerOptions{TLS: srv, Logger: slog.New(slog.NewTextHandler(&log, nil))},
		func(context.Context, *transport.ServerConn) { t.Error("handler runs without a handshake") })
	c := dial(t, secure.Addr().String(), transport.Options{})
	err = c.Call(t.Context(), 18, 2, msg("0.50.2"), new(text))
	if !errors.As(err, &first) || first.TLS {
		t.Errorf("plain client, TLS server: client sees %v", err)
	}
	secure.Close()
	if !strings.Contains(log.String(), "peer does not speak TLS") {
		t.Errorf("plain client, TLS server: log %q", log.String())
	}
}

func TestConnectionLimit(t *testing.T) {
	l := serve(t, listenTCP(t), transport.ListenerOptions{MaxConns: 1}, (&server{}).handle)
	one := dial(t, l.Addr().String(), transport.Options{})
	var got text
	if err := one.Call(t.Context(), keyEcho, 1, msg("in"), &got); err != nil || l.Conns() != 1 {
		t.Fatal(err)
	}
	two := dial(t, l.Addr().String(), transport.Options{})
	<-two.Done()
	if err := one.Call(t.Context(), keyEcho, 1, msg("still in"), &got); err != nil || got != "still in" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestCloseWaits: Close returns only after handlers and their tasks did.
func TestCloseWaits(t *testing.T) {
	var mu sync.Mutex
	running := 0
	count := func(d int) { mu.Lock(); running += d; mu.Unlock() }
	started := make(chan struct{}, 3)
	l := transport.NewListener(listenTCP(t), transport.ListenerOptions{})
	served := make(chan error, 1)
	go func() {
		served <- l.Serve(t.Context(), func(ctx context.Context, c *transport.ServerConn) {
			count(1)
			defer count(-1)
			c.Go(func(ctx context.Context) {
				count(1)
				defer count(-1)
				<-ctx.Done()
			})
			started <- struct{}{}
			c.ReadRequest()
		})
	}()
	for range 3 {
		dial(t, l.Addr().String(), transport.Options{})
		<-started
	}
	l.Close()
	if running != 0 || l.Conns() != 0 {
		t.Errorf("%d goroutines and %d connections after Close", running, l.Conns())
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	l.Close()
}

func TestServeEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	l := transport.NewListener(transport.NewMemListener("x"), transport.ListenerOptions{})
	served := make(chan error, 1)
	go func() { served <- l.Serve(ctx, (&server{}).handle) }()
	cancel()
	if err := <-served; err != context.Canceled {
		t.Error(err)
	}
}

func TestResponseAllocatesNothing(t *testing.T) {
	c, peer := piped(t, transport.ServerOptions{})
	go io.Copy(io.Discard, peer)
	m := msg("pong")
	if n := testing.AllocsPerRun(200, func() { c.WriteResponse(1, 1, m) }); n >= 1 {
		t.Errorf("WriteResponse: %v allocations", n)
	}
}
