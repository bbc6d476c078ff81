package produce

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/cmd/cmdtest"
	"github.com/fluvio-go/fluvio/internal/iostreams"
	"github.com/fluvio-go/fluvio/internal/uerr"
)

func asError(err error, e **uerr.Error) bool { return errors.As(err, e) }

// start runs the command on a pipe and returns its writing end.
func start(ctx context.Context, p producer, streams *iostreams.Test, args ...string) (*io.PipeWriter, <-chan error) {
	r, w := io.Pipe()
	f := cmdtest.Factory(streams)
	f.IO.In = r
	done := make(chan error, 1)
	cmd := newCmd(f, func(context.Context) (cluster, error) { return &fakeCluster{p: p}, nil }, nil)
	go func() { done <- cmdtest.Run(ctx, cmd, append([]string{"produce", "t"}, args...)...) }()
	return w, done
}

// TestTrickle: a line is sent when it is complete, whatever follows it.
func TestTrickle(t *testing.T) {
	p := newFakeProducer(t)
	w, done := start(t.Context(), p, &iostreams.Test{})
	for i, text := range []string{"one\n", "two\n", "thr", "ee\nfour\n"} {
		io.WriteString(w, text)
		if i != 2 {
			<-p.arrived // hangs if the line waits for more input
		}
	}
	<-p.arrived
	if got := join(p.values()); got != "one|two|three|four" {
		t.Errorf("values %q", got)
	}
	w.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestFailureWhileWaiting: a refused record ends the command although its
// input has not ended.
func TestFailureWhileWaiting(t *testing.T) {
	p := newFakeProducer(t)
	p.failAt = 2
	w, done := start(t.Context(), p, &iostreams.Test{})
	defer w.Close()
	io.WriteString(w, "a\nb\nc\n")
	err := <-done
	if err == nil || err.Error() != "Producer error: "+errRefused.Error() || cmdtest.ExitCode(err) != uerr.Failed {
		t.Errorf("error %v", err)
	}
	var e *uerr.Error
	if asError(err, &e); e == nil || !strings.HasPrefix(e.Why, "2 records were acknowledged") {
		t.Errorf("reason %+v", e)
	}
}

// TestFailureMidway: with much input, the failure of one record is the result.
func TestFailureMidway(t *testing.T) {
	p := newFakeProducer(t)
	p.failAt = 500
	r := runCmd(t.Context(), &fakeCluster{p: p}, input(strings.Repeat("line\n", 10_000)), "t")
	if r.err == nil || !errors.Is(r.err, errRefused) {
		t.Errorf("error %v", r.err)
	}
}

// TestFailureAtTheEnd: the last record counts as much as the others.
func TestFailureAtTheEnd(t *testing.T) {
	p := newFakeProducer(t)
	p.failAt = 99
	r := runCmd(t.Context(), &fakeCluster{p: p}, input(strings.Repeat("line\n", 100)), "t")
	if r.err == nil || !errors.Is(r.err, errRefused) {
		t.Errorf("error %v", r.err)
	}
}

func TestQueueTimeout(t *testing.T) {
	p := newFakeProducer(t)
	p.failAt, p.err = 0, &client.Error{Topic: "t", Err: client.ErrQueueTimeout}
	r := runCmd(t.Context(), &fakeCluster{p: p}, input("a\n"), "t")
	if r.err == nil || r.err.Error() != "Producer error: the batch enqueue timeout limit reached" || cmdtest.ExitCode(r.err) != uerr.TimedOut {
		t.Errorf("error %v", r.err)
	}
}

func TestInterrupt(t *testing.T) {
	for _, tty := range []bool{false, true} {
		p := newFakeProducer(t)
		ctx, cancel := context.WithCancel(t.Context())
		w, done := start(ctx, p, &iostreams.Test{InTTY: tty})
		io.WriteString(w, "a\n")
		<-p.arrived
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("terminal %v: error %v", tty, err)
		}
		w.Close()
	}
}

func TestBrokenInput(t *testing.T) {
	broken := errors.New("cable cut")
	p := newFakeProducer(t)
	w, done := start(t.Context(), p, &iostreams.Test{})
	io.WriteString(w, "a\nb")
	w.CloseWithError(broken)
	if err := <-done; !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if got := join(p.values()); got != "a" {
		t.Errorf("values %q: half a line must not be sent", got)
	}
}

// TestConversation: each line is answered, the end too, in known bytes.
func TestConversation(t *testing.T) {
	p := newFakeProducer(t)
	streams := input("a\nb\n")
	streams.InTTY = true
	r := runCmd(t.Context(), &fakeCluster{p: p}, streams, "t")
	if r.err != nil {
		t.Fatal(r.err)
	}
	const ok = "\x1b[32mOk!\x1b[0m\n"
	if r.out != ok+ok+ok || r.stderr != "> > > " {
		t.Errorf("printed %q and %q", r.out, r.stderr)
	}
	if got := join(p.values()); got != "a|b" {
		t.Errorf("values %q", got)
	}
}

func TestConversationFailure(t *testing.T) {
	p := newFakeProducer(t)
	p.failAt = 1
	w, done := start(t.Context(), p, &iostreams.Test{InTTY: true})
	defer w.Close()
	io.WriteString(w, "a\n")
	io.WriteString(w, "b\n")
	if err := <-done; !errors.Is(err, errRefused) {
		t.Errorf("error %v", err)
	}
}

func TestRawFromTerminal(t *testing.T) {
	streams := input("a\nb")
	streams.InTTY = true
	p := newFakeProducer(t)
	if r := runCmd(t.Context(), &fakeCluster{p: p}, streams, "t", "--raw"); r.err != nil || r.out != okLine || join(p.values()) != "a\nb" {
		t.Errorf("%+v, %q", r, p.values())
	}
}

// FuzzLines: however the input is cut into reads, the lines are those of the
// definition.
func FuzzLines(f *testing.F) {
	for _, seed := range []string{"", "\n", "a\r\n\r\nb", "a\n\nb\r", strings.Repeat("long", 300) + "\nx"} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, text []byte, bytewise bool) {
		var r io.Reader = bytes.NewReader(text)
		if bytewise {
			r = iotest.OneByteReader(r)
		}
		lines := newLineReader(r, 1<<20)
		lines.buf = lines.buf[:1:1] // so that it has to grow
		for i, want := range defined(text) {
			got, err := lines.next()
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("line %d: %q, %v, want %q", i, got, err, want)
			}
		}
		if got, err := lines.next(); err != io.EOF {
			t.Fatalf("after the last line: %q, %v", got, err)
		}
	})
}

// defined cuts text into lines the simple way.
func defined(text []byte) [][]byte {
	var out [][]byte
	for len(text) > 0 {
		line, rest, found := bytes.Cut(text, []byte{'\n'})
		if found && len(line) > 0 && line[len(line)-1] == '\r' {
			line = line[:len(line)-1]
		}
		out = append(out, line)
		text = rest
	}
	return out
}

// nullProducer takes records as fast as possible.
type nullProducer struct{ bytes int }

func (p *nullProducer) SendFunc(_ context.Context, rec client.Record, done func(client.RecordMeta, error)) {
	p.bytes += len(rec.Value)
	done(client.RecordMeta{}, nil)
}

func (*nullProducer) Flush(context.Context) error { return nil }

// BenchmarkLines is the way of a line from the input to the producer.
func BenchmarkLines(b *testing.B) {
	text := bytes.Repeat([]byte(strings.Repeat("x", 99)+"\n"), 1<<20/100)
	opts := &options{maxRequest: 1 << 20}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		l := newPipeline(b.Context(), opts, &nullProducer{})
		if err := l.all(bytes.NewReader(text)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkScanner is bufio.Scanner on the same text, for comparison.
func BenchmarkScanner(b *testing.B) {
	text := bytes.Repeat([]byte(strings.Repeat("x", 99)+"\n"), 1<<20/100)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		p := &nullProducer{}
		s := bufio.NewScanner(bytes.NewReader(text))
		for s.Scan() {
			p.SendFunc(b.Context(), client.Record{Value: s.Bytes()}, func(client.RecordMeta, error) {})
		}
	}
}
