package consume

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fluvio-go/fluvio/cmd/cmdtest"
	"github.com/fluvio-go/fluvio/internal/iostreams"
	"github.com/fluvio-go/fluvio/internal/recfmt"
)

// writes records each write.
type writes struct {
	mu  sync.Mutex
	all []string
}

func (w *writes) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, string(p))
	return len(p), nil
}

func (w *writes) texts() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.all)
}

func testSink(w io.Writer) *sink {
	return newSink(w, recfmt.New(recfmt.Options{}), func(error) {})
}

// TestIdleFlush: a record is out within milliseconds though nothing follows.
func TestIdleFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &writes{}
		s := testSink(w)
		for round := range 3 {
			for i := range 2 {
				if err := s.print(&recfmt.Record{Value: fmt.Appendf(nil, "%d%d", round, i)}); err != nil {
					t.Fatal(err)
				}
			}
			if len(w.texts()) != round {
				t.Fatalf("written at once: %q", w.texts())
			}
			time.Sleep(flushAfter)
			synctest.Wait()
			if want := fmt.Sprintf("%d0\n%d1\n", round, round); len(w.texts()) != round+1 || w.texts()[round] != want {
				t.Fatalf("wrote %q, want %q", w.texts(), want)
			}
		}
		if err := s.close(); err != nil || len(w.texts()) != 3 {
			t.Errorf("%v, %q", err, w.texts())
		}
	})
}

// TestGather: a fast stream is written in large pieces, and whole.
func TestGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // no time passes while nobody sleeps
		w := &writes{}
		s := testSink(w)
		var want strings.Builder
		for i := range 100_000 {
			line := fmt.Sprintf("record %d", i)
			want.WriteString(line + "\n")
			if err := s.print(&recfmt.Record{Value: []byte(line)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
		if strings.Join(w.texts(), "") != want.String() {
			t.Error("output differs from input")
		}
		if least := want.Len() / gather; len(w.texts()) > least+1 {
			t.Errorf("%d writes, want about %d", len(w.texts()), least)
		}
	})
}

// TestSpinner: it stands on the last line only while nothing is printed.
func TestSpinner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams := &iostreams.Test{OutTTY: true, ErrTTY: true}
		opts := &options{f: cmdtest.Factory(streams), topic: "t"}
		var screen bytes.Buffer // both streams, as a terminal shows them
		opts.f.IO.Err = &screen
		s := testSink(&screen)
		s.spinner = newSpinner(opts)
		time.Sleep(tick + tick/2)
		s.print(&recfmt.Record{Value: []byte("a")})
		s.flush()
		time.Sleep(tick)
		s.spinner.stop()
		s.spinner.stop()
		if got, want := screen.String(), "\r-\r\x1b[Ka\n\r\\\r\x1b[K"; got != want {
			t.Errorf("screen %q, want %q", got, want)
		}
	})
}

// TestHint: who waits a second for nothing is told why.
func TestHint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams := &iostreams.Test{OutTTY: true, ErrTTY: true}
		s := newSpinner(&options{f: cmdtest.Factory(streams), topic: "t"})
		time.Sleep(3 * patience * tick)
		s.stop()
		if n := strings.Count(streams.Err.String(), "waiting for new records on t; add -B"); n != 1 {
			t.Errorf("%d hints in %q", n, streams.Err.String())
		}
	})
}

func BenchmarkPrint(b *testing.B) {
	for _, size := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := testSink(io.Discard)
			defer s.close()
			r := &recfmt.Record{Value: bytes.Repeat([]byte{'x'}, size)}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if err := s.print(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
