package produce

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/cmd/cmdtest"
	"github.com/fluvio-go/fluvio/internal/iostreams"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/netproto/api"
)

func TestFlags(t *testing.T) {
	for _, test := range []struct {
		args  string
		check func(*options) bool
		fails string // part of the message
	}{
		{args: "t", check: func(o *options) bool {
			return o.topic == "t" && o.batchSize == 16384 && o.maxRequest == 1048576 && !o.raw
		}},
		{args: "t --key k -v", check: func(o *options) bool { return *o.key.Value == "k" && o.verbose }},
		{args: "t --compression ZSTD", check: func(o *options) bool { return o.compression.Value == "zstd" }},
		{args: "t --linger 5ms --batch-size 1 --max-request-size=2", check: func(o *options) bool {
			return o.linger.Value.Milliseconds() == 5 && o.batchSize == 1 && o.maxRequest == 2
		}},
		{args: "t --isolation ReadCommitted --delivery-semantic at_most_once -p3", check: func(o *options) bool {
			return *o.isolation.Value == api.ReadCommitted && *o.delivery.Value == client.AtMostOnce && *o.partition.Value == 3
		}},
		{args: "t --sm x -e a=b -e c=d --a-init 0", check: func(o *options) bool {
			steps, err := o.transform.Invocations()
			return err == nil && len(steps) == 1 && steps[0].Params["c"] == "d" && string(steps[0].Input.Accumulator) == "0"
		}},
		{args: "", fails: "required arguments were not provided:\n  <topic>"},
		{args: "t u", fails: "unexpected argument 'u'"},
		{args: "t --key-separator=", fails: "must be non-empty"},
		{args: "t --key a --key-separator b", fails: "cannot be used with"},
		{args: "t --raw --key-separator b", fails: "cannot be used with"},
		{args: "t -p 1 -m r", fails: "cannot be used with"},
		{args: "t --sm a --transform {}", fails: "cannot be used with"},
		{args: "t -e a=b", fails: "required arguments"},
		{args: "t --sm x -e ab", fails: "no `=` found in `ab`"},
		{args: "t --compression brotli", fails: "[possible values: none, gzip, snappy, lz4, zstd]"},
		{args: "t --isolation READ", fails: "unrecognized isolation"},
		{args: "t --delivery-semantic exactly", fails: "unrecognized delivery semantic"},
		{args: "t -p -1", fails: "unexpected argument '-1'"},
		{args: "t -p=-1", fails: "invalid digit"},
		{args: "t --linger 5", fails: "time unit needed"},
	} {
		t.Run(test.args, func(t *testing.T) {
			var got *options
			cmd := newCmd(cmdtest.Factory(&iostreams.Test{}), nil, func(_ context.Context, o *options) error { got = o; return nil })
			err := cmdtest.Run(t.Context(), cmd, append([]string{"produce"}, strings.Fields(test.args)...)...)
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

// TestInput: what becomes of the bytes of an input.
func TestInput(t *testing.T) {
	for _, test := range []struct {
		name, args, in string
		want           string // values, joined
		keys           string
		out, stderr    string
	}{
		{name: "lines", in: "a\nb\n", want: "a|b"},
		{name: "no newline at the end", in: "a\nb", want: "a|b"},
		{name: "CRLF", in: "a\r\nb\r\n", want: "a|b"},
		{name: "lone CR stays", in: "a\rb\n\rc\nd\r", want: "a\rb|\rc|d\r"},
		{name: "empty lines", in: "\n\na\n\n", want: "||a|"},
		{name: "nothing", in: "", want: ""},
		{name: "bytes that are no text", in: "\xff\xfe\na\x00b\n", want: "\xff\xfe|a\x00b"},
		{name: "key", args: "--key k", in: "a\n", want: "a", keys: `["k"]`},
		{name: "empty key", args: "--key=", in: "a\n", want: "a", keys: `[""]`},
		{name: "separator", args: "--key-separator =", in: "a=1\nb=2=3\n=x\ny=\n", want: "1|2=3|x|", keys: `["a" "b" "" "y"]`},
		{
			name: "separator missing", args: "--key-separator ::", in: "a::1\nnone\nb::2\n", want: "1|2", keys: `["a" "b"]`,
			stderr: "ERROR Failed to find separator '::' in record, skipping: 'none'\n",
		},
		{name: "verbose", args: "--key-separator = -v", in: "a=1\n", want: "1", keys: `["a"]`, out: "[a] 1\n"},
		{name: "verbose without separator", args: "-v", in: "a=1\n", want: "a=1"},
		{name: "raw", args: "--raw", in: "a\nb\r\n", want: "a\nb\r\n"},
		{name: "raw with key", args: "--raw --key k", in: "a\n", want: "a\n", keys: `["k"]`},
		{name: "dash is the standard input", args: "-f -", in: "a\n", want: "a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newFakeProducer(t)
			r := runCmd(t.Context(), &fakeCluster{p: p}, input(test.in), append(strings.Fields(test.args), "t")...)
			if r.err != nil {
				t.Fatal(r.err)
			}
			if got := join(p.values()); got != test.want {
				t.Errorf("values %q, want %q", got, test.want)
			}
			var keys []string
			for _, rec := range p.records {
				if rec.Key != nil {
					keys = append(keys, string(rec.Key))
				}
			}
			if got := fmt.Sprintf("%q", keys); test.keys != "" && got != test.keys || test.keys == "" && len(keys) > 0 {
				t.Errorf("keys %s, want %s", got, test.keys)
			}
			if r.out != test.out || r.stderr != test.stderr {
				t.Errorf("printed %q and %q, want %q and %q", r.out, r.stderr, test.out, test.stderr)
			}
		})
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(path, []byte("a\nb"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newFakeProducer(t)
	if r := runCmd(t.Context(), &fakeCluster{p: p}, &iostreams.Test{InTTY: true}, "t", "--file", path); r.err != nil || r.out != "" {
		t.Fatal(r)
	}
	if got := join(p.values()); got != "a|b" {
		t.Errorf("values %q", got)
	}
	for _, raw := range []string{"--raw", "-v"} {
		r := runCmd(t.Context(), nil, &iostreams.Test{}, "t", raw, "--file", path+"x")
		if r.err == nil || r.err.Error() != "No such file or directory (os error 2)" || cmdtest.ExitCode(r.err) != uerr.NotFound {
			t.Errorf("%s: %v", raw, r.err)
		}
	}
}

func TestHugeLines(t *testing.T) {
	big := strings.Repeat("x", 5<<20)
	p := newFakeProducer(t)
	r := runCmd(t.Context(), &fakeCluster{p: p}, input("a\n"+big+"\nb"), "t", "--max-request-size", "6000000")
	if r.err != nil {
		t.Fatal(r.err)
	}
	if got := p.values(); len(got) != 3 || got[1] != big || got[2] != "b" {
		t.Errorf("%d values", len(got))
	}
}

// TestTooLarge: a record that does not fit ends the command, after what came
// before it is acknowledged.
func TestTooLarge(t *testing.T) {
	for name, test := range map[string]struct{ in, raw string }{
		"just too long":  {"a\nb\n" + strings.Repeat("x", 1000-70) + "\nnever", ""},
		"much too long":  {"a\nb\n" + strings.Repeat("x", 1<<20) + "\nnever", ""},
		"without an end": {"a\nb\n" + strings.Repeat("x", 1<<20), ""},
		"raw":            {strings.Repeat("x", 1<<20), "--raw"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newFakeProducer(t)
			args := []string{"t", "--max-request-size", "1000"}
			if test.raw != "" {
				args = append(args, test.raw)
			}
			if name == "just too long" {
				args[2] = "980"
			}
			r := runCmd(t.Context(), &fakeCluster{p: p}, input(test.in), args...)
			if r.err == nil || !strings.Contains(r.err.Error(), "Producer error: record size (") ||
				!strings.Contains(r.err.Error(), "exceeded maximum request size") {
				t.Fatal(r.err)
			}
			if got := join(p.values()); test.raw == "" && got != "a|b" || test.raw != "" && got != "" {
				t.Errorf("values %q", got)
			}
			var e *uerr.Error
			if test.raw == "" && (!asError(r.err, &e) || !strings.Contains(e.Why, "line 3")) {
				t.Errorf("reason %+v", e)
			}
		})
	}
}

func TestOpenErrors(t *testing.T) {
	topics := []api.Topic{{Name: "orders"}, {Name: "other"}}
	missing := &client.Error{Code: api.ErrorCode{ID: api.TopicNotFound}, Topic: "ordrs", Partition: -1, Message: "Topic not found: ordrs"}
	r := runCmd(t.Context(), &fakeCluster{err: missing, topics: topics}, input(""), "ordrs")
	var e *uerr.Error
	if !asError(r.err, &e) || e.What != "Topic not found: ordrs" || e.Code != uerr.NotFound || e.Next[0] != "fluvio produce orders" {
		t.Errorf("%+v", e)
	}
	conf := fmt.Errorf("%w in producer: x", client.ErrConfig)
	if r := runCmd(t.Context(), &fakeCluster{err: conf}, input(""), "t"); r.err.Error() != "Producer error: "+conf.Error() {
		t.Error(r.err)
	}
}

func TestMirrorPartition(t *testing.T) {
	mirror := func(m api.MirrorConfig) api.Topic {
		return api.Topic{Spec: api.TopicSpec{Replicas: api.ReplicaSpec{Kind: api.ReplicasMirror, Mirror: m}}}
	}
	home := mirror(api.MirrorConfig{Side: api.MirrorHome, Partitions: []api.HomePartition{
		{RemoteCluster: "r1"}, {RemoteCluster: "r2", Source: true},
	}})
	remote := mirror(api.MirrorConfig{HomeCluster: "h", Target: true, HomeSpus: []api.HomeSpu{{}}})
	for name, test := range map[string]struct {
		topics []api.Topic
		want   int // options beyond the ordinary ones, -1 for an error
	}{
		"r2": {[]api.Topic{{}, home}, 1},
		"r1": {[]api.Topic{home}, -1}, // mirrors the other way
		"h":  {[]api.Topic{home, remote}, 1},
		"x":  {[]api.Topic{home, remote}, -1},
	} {
		c := &fakeCluster{p: newFakeProducer(t), topics: test.topics}
		plain := &fakeCluster{p: c.p}
		runCmd(t.Context(), plain, input(""), "t")
		r := runCmd(t.Context(), c, input(""), "t", "--mirror", name)
		if test.want < 0 {
			if r.err == nil || r.err.Error() != "No partition found for mirror '"+name+"'" {
				t.Errorf("%s: %v", name, r.err)
			}
			continue
		}
		if r.err != nil || c.opts != plain.opts+test.want {
			t.Errorf("%s: %v, %d options", name, r.err, c.opts)
		}
	}
}
