package consume

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/cmd/cmdtest"
	"github.com/fluvio-go/fluvio/internal/iostreams"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/netproto/api"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFlags(t *testing.T) {
	for _, test := range []struct {
		args  string
		check func(*options) bool
		fails string
	}{
		{args: "t", check: func(o *options) bool { return o.offset() == client.End() && len(o.partitions) == 0 }},
		{args: "t -Bd", check: func(o *options) bool { return o.offset() == client.Beginning() && o.disable }},
		{args: "t -H 3", check: func(o *options) bool { return o.offset() == client.FromBeginning(3) }},
		{args: "t -T3", check: func(o *options) bool { return o.offset() == client.FromEnd(3) }},
		{args: "t --start 8589934592", check: func(o *options) bool { return o.offset() == client.At(1<<33) }},
		{args: "t -p 1 -p2 --partition=1", check: func(o *options) bool { return len(o.partitions) == 2 }},
		{args: "t -O FULL-TABLE", check: func(o *options) bool { return o.output.Value == fullTable }},
		{args: "-c id t --end 5 -b 100", check: func(o *options) bool {
			return o.consumer == "id" && *o.end.Value == 5 && o.maxBytes == 100
		}},
		{args: "", fails: "<topic>"},
		{args: "t -B -H 1", fails: "cannot be used with"},
		{args: "t -T 1 --start 1", fails: "cannot be used with"},
		{args: "t -A -p 1", fails: "cannot be used with"},
		{args: "t -F x -O json", fails: "cannot be used with"},
		{args: "t --truncate -O json", fails: "cannot be used with"},
		{args: "t --truncate -F x", fails: "cannot be used with"},
		{args: "t -H", fails: "a value is required"},
		{args: "t --end", fails: "a value is required"},
		{args: "t -T -1", fails: "unexpected argument '-1'"},
		{args: "t --tail=-1", fails: "invalid digit"},
		{args: "t -p 4294967296", fails: "number too large"},
		{args: "t -O xml", fails: "possible values: dynamic"},
		{args: "t --isolation x", fails: "unrecognized isolation"},
	} {
		t.Run(test.args, func(t *testing.T) {
			var got *options
			cmd := newCmd(cmdtest.Factory(&iostreams.Test{}), nil, func(_ context.Context, o *options) error { got = o; return nil })
			err := cmdtest.Run(t.Context(), cmd, append([]string{"consume"}, strings.Fields(test.args)...)...)
			switch {
			case test.fails == "" && err != nil:
				t.Fatal(err)
			case test.fails == "" && !test.check(got):
				t.Errorf("options %+v", got)
			case test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails)):
				t.Errorf("error %v, want %q", err, test.fails)
			case test.fails != "" && cmdtest.ExitCode(err) != uerr.Usage:
				t.Errorf("exit code %d", cmdtest.ExitCode(err))
			}
		})
	}
}

const closedLine = "Consumer stream has closed\n"

func TestLifecycle(t *testing.T) {
	keyed := newFakeStream("1", "2")
	keyed.records[0].Key = []byte("k")
	for _, test := range []struct {
		name, args  string
		s           *fakeStream
		out, stderr string
	}{
		{"disabled", "-d", newFakeStream("a", "b"), "a\nb\n", ""},
		{"nothing there", "-d", newFakeStream(), "", ""},
		{"stream ends", "-B", newFakeStream("a"), "a\n", closedLine},
		{"end offset", "-B --end 1", newFakeStream("a", "b", "c"), "a\nb\n", "End-offset has been reached; exiting\n" + closedLine},
		{"end offset, disabled", "-Bd --end 0", newFakeStream("a", "b"), "a\n", "End-offset has been reached; exiting\n"},
		{"end offset missing from the log", "-Bd --end 9", newFakeStream("a"), "a\n", ""},
		{"keys", "-kd", keyed, "[k] 1\n[null] 2\n", ""},
		{"template", "-d -F {{partition}}/{{offset}}={{value}}", newFakeStream("a", "b"), "0/0=a\n0/1=b\n", ""},
		{"json skips", "-d -O json --suppress-unknown", newFakeStream("1", "x"), "1\n", ""},
		{"truncate without a terminal", "-d --truncate", newFakeStream(strings.Repeat("x", 500)), strings.Repeat("x", 500) + "\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := runCmd(t.Context(), &fakeCluster{s: test.s}, &iostreams.Test{}, append(strings.Fields(test.args), "t")...)
			if r.err != nil || r.out != test.out || r.stderr != test.stderr {
				t.Errorf("%v, printed %q and %q, want %q and %q", r.err, r.out, r.stderr, test.out, test.stderr)
			}
			<-test.s.ended
		})
	}
}

// TestInterrupt: an interrupt is how a person ends the command; everything
// received is printed.
func TestInterrupt(t *testing.T) {
	s := newFakeStream("a")
	s.follow = true
	ctx, cancel := context.WithCancel(t.Context())
	go func() { s.more <- client.Record{Value: []byte("b"), Timestamp: -1}; cancel() }()
	r := runCmd(ctx, &fakeCluster{s: s}, &iostreams.Test{}, "t")
	if r.err != nil || r.out != "a\nb\n" || r.stderr != closedLine {
		t.Errorf("%+v", r)
	}
	<-s.ended
}

func TestInterruptWhileOpening(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := runCmd(ctx, &fakeCluster{err: context.Canceled}, &iostreams.Test{}, "t")
	if r.err != nil || r.out != "" {
		t.Errorf("%+v", r)
	}
}

// brokenPipe is an output whose reader has gone.
type brokenPipe struct{ err error }

func (b brokenPipe) Write([]byte) (int, error) { return 0, b.err }

// TestOutputGone: the command ends although no record follows: quietly when
// its reader has gone, else with the error.
func TestOutputGone(t *testing.T) {
	for _, cause := range []error{syscall.EPIPE, syscall.ENOSPC} {
		s := newFakeStream("a")
		s.follow = true
		streams := &iostreams.Test{}
		f := cmdtest.Factory(streams)
		f.IO.Out = brokenPipe{&fs.PathError{Op: "write", Path: "/dev/stdout", Err: cause}}
		cmd := newCmd(f, func(context.Context) (cluster, error) { return &fakeCluster{s: s}, nil }, nil)
		err := cmdtest.Run(t.Context(), cmd, "consume", "t")
		if cause == syscall.EPIPE && err != nil || cause != syscall.EPIPE && !errors.Is(err, cause) {
			t.Errorf("%v: %v", cause, err)
		}
	}
}

func TestFailures(t *testing.T) {
	late := newFakeStream("a")
	late.err = &client.Error{Code: api.ErrorCode{ID: api.SmartModuleNotFound, Detail: &api.ErrorDetail{Text: "sm"}}, Topic: "t"}
	retries := newFakeStream()
	retries.err = &client.Error{Code: api.ErrorCode{ID: api.MaxRetryReached}, Topic: "t"}
	commit := newFakeStream("a")
	noSession := &client.Error{Topic: "t", Err: errors.New("no session")}
	commit.closeErr = errors.Join(noSession, noSession)
	disabled := newFakeStream()
	disabled.closeErr = errors.Join(&client.Error{Code: api.ErrorCode{ID: api.OffsetManagementDisabled}, Topic: "t"})
	missing := &client.Error{Code: api.ErrorCode{ID: api.TopicNotFound}, Message: "Topic not found: t", Partition: -1}
	for _, test := range []struct {
		name, args string
		c          *fakeCluster
		tty        bool
		want       string // error, empty for none
		code       uerr.Code
		out        string
	}{
		{"late", "-d", &fakeCluster{s: late}, false, "SmartModule sm was not found", uerr.NotFound, "a\n"},
		{"retries", "", &fakeCluster{s: retries}, false, "max retry attempts reached", uerr.Failed, ""},
		{"retries on a terminal", "--disable-progressbar", &fakeCluster{s: retries}, true, "", 0, ""},
		{"commit", "-c id -d", &fakeCluster{s: commit}, false, "t-0: no session", uerr.Failed, "a\n"},
		{"commit disabled", "-c id -d", &fakeCluster{s: disabled}, false, "the offset management is disabled for the stream", uerr.Failed, ""},
		{"no topic", "", &fakeCluster{err: missing, topics: []api.Topic{{Name: "t1"}}}, false, "Topic not found: t", uerr.NotFound, ""},
		{"no table format", "--table-format f", &fakeCluster{s: newFakeStream()}, false, "TableFormat not found: f", uerr.NotFound, ""},
		{"full table", "-O full-table", nil, false, "-O full-table is not available in this release; use -O table", uerr.Usage, ""},
		{"template", "-F {{", nil, false, "*", uerr.Failed, ""},
		{"crossing", "--start 5 --end 3", nil, false, "Fluvio client error: End offset: 3 cannot be less than starting offset: 5", uerr.Usage, ""},
		{"no wasm", "--smartmodule-path /nonexistent", nil, false, "No such file or directory (os error 2)", uerr.NotFound, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := runCmd(t.Context(), test.c, &iostreams.Test{OutTTY: test.tty}, append(strings.Fields(test.args), "t")...)
			switch {
			case test.want == "" && r.err != nil:
				t.Errorf("error %v", r.err)
			case test.want == "":
			case r.err == nil, test.want != "*" && r.err.Error() != test.want:
				t.Errorf("error %v, want %q", r.err, test.want)
			case cmdtest.ExitCode(r.err) != test.code:
				t.Errorf("exit code %d, want %d", cmdtest.ExitCode(r.err), test.code)
			}
			if r.out != test.out {
				t.Errorf("printed %q, want %q", r.out, test.out)
			}
		})
	}
}

func TestTableFormatFound(t *testing.T) {
	c := &fakeCluster{s: newFakeStream("a"), formats: []api.TableFormat{{Name: "x"}, {Name: "f"}}}
	if r := runCmd(t.Context(), c, &iostreams.Test{}, "t", "-d", "--table-format", "f"); r.err != nil || r.out != "a\n" {
		t.Errorf("%+v", r)
	}
}

func TestBanner(t *testing.T) {
	for args, want := range map[string]string{
		"":              "",
		"-B":            " starting from the beginning of log",
		"-H 2":          " starting 2 from the beginning of log",
		"-T 2":          " starting 2 from the end of log",
		"--start 2":     " starting at offset 2",
		"--end 9":       " until offset 9 (inclusive)",
		"-B --end 9 -d": " starting from the beginning of log until offset 9 (inclusive)",
	} {
		streams := &iostreams.Test{OutTTY: true}
		r := runCmd(t.Context(), &fakeCluster{s: newFakeStream()}, streams, append(strings.Fields(args), "t")...)
		if line, _, _ := strings.Cut(r.stderr, "\n"); line != "Consuming records from 't'"+want {
			t.Errorf("%s: %q", args, r.stderr)
		}
	}
	streams := &iostreams.Test{OutTTY: true, ErrTTY: true}
	r := runCmd(t.Context(), &fakeCluster{s: newFakeStream()}, streams, "t", "--disable-progressbar")
	if !strings.HasPrefix(r.stderr, "\x1b[1mConsuming records from 't'\x1b[0m\n") {
		t.Errorf("%q", r.stderr)
	}
}

func TestMirror(t *testing.T) {
	topic := api.Topic{Name: "t", Spec: api.TopicSpec{Replicas: api.ReplicaSpec{
		Kind: api.ReplicasMirror, Mirror: api.MirrorConfig{Side: api.MirrorHome, Partitions: []api.HomePartition{{RemoteCluster: "r0"}, {RemoteCluster: "r1"}}},
	}}}
	c := &fakeCluster{topics: []api.Topic{{Name: "t2"}, topic}}
	for mirror, want := range map[string][]uint32{"r1": {1}, "other": {7}} {
		o := &options{topic: "t", mirror: mirror, partitions: partitionList{7}}
		got, err := o.source(t.Context(), c)
		if err != nil || len(got) != 1 || got[0] != want[0] {
			t.Errorf("%s: %v, %v", mirror, got, err)
		}
	}
}
