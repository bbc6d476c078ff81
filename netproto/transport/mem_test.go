package transport_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/netproto/transport"
)

// TestMemPipeData moves random pieces both ways at once.
func TestMemPipeData(t *testing.T) {
	a, b := transport.MemPipe(addr("a"), addr("b"))
	in := make([]byte, 3<<20)
	for i := range in {
		in[i] = byte(i * 7 >> 3)
	}
	write := func(c net.Conn, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 0))
		for rest := in; len(rest) > 0; {
			n := min(len(rest), rng.IntN(500_000))
			if m, err := c.Write(rest[:n]); err != nil || m != n {
				t.Errorf("wrote %d of %d, %v", m, n, err)
				return
			}
			rest = rest[n:]
		}
		c.Close()
	}
	// One way at a time: Close ends both.
	go write(a, 1)
	var got []byte
	rng := rand.New(rand.NewPCG(2, 0))
	for {
		p := make([]byte, 1+rng.IntN(300_000))
		n, err := b.Read(p)
		got = append(got, p[:n]...)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(in, got) {
		t.Errorf("%d bytes became %d, or differ", len(in), len(got))
	}
	if _, err := b.Write([]byte{1}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("write to a closed peer: %v", err)
	}
	if _, err := a.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("read after Close: %v", err)
	}
}

func TestMemPipeIsBuffered(t *testing.T) {
	a, b := transport.MemPipe(addr("a"), addr("b"))
	for range 10 {
		if _, err := a.Write(make([]byte, 10_000)); err != nil { // nobody reads
			t.Fatal(err)
		}
	}
	a.Close()
	if got, err := io.ReadAll(b); err != nil || len(got) != 100_000 {
		t.Errorf("%d bytes after Close, %v", len(got), err)
	}
}

func TestMemPipeDeadlines(t *testing.T) {
	a, b := transport.MemPipe(addr("a"), addr("b"))
	defer a.Close()
	p := make([]byte, 1)
	for _, d := range []time.Duration{-time.Second, time.Millisecond} {
		a.SetReadDeadline(time.Now().Add(d))
		if _, err := a.Read(p); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read: %v", err)
		}
		a.SetWriteDeadline(time.Now().Add(d))
		if _, err := a.Write(make([]byte, 1<<20)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("write: %v", err)
		}
	}
	// A deadline that is taken back has no effect, also on a waiting read.
	a.SetDeadline(time.Now().Add(time.Hour))
	a.SetDeadline(time.Time{})
	done := make(chan error, 1)
	go func() { _, err := a.Read(p); done <- err }()
	b.Write(p)
	if err := <-done; err != nil {
		t.Error(err)
	}
	b.Close()
	if _, err := a.Read(p); err != io.EOF {
		t.Error(err)
	}
}

func TestMemListener(t *testing.T) {
	l := transport.NewMemListener("sc")
	if l.Addr().String() != "mem:sc" || l.Addr().Network() != "mem" {
		t.Error(l.Addr())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Dial(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody accepts: %v", err)
	}
	l.Close()
	l.Close()
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept: %v", err)
	}
	var oe *net.OpError
	if _, err := l.Dial(t.Context()); !errors.As(err, &oe) {
		t.Errorf("dial: %v", err)
	}
}
