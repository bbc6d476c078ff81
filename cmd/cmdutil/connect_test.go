package cmdutil

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
	"github.com/fluvio-go/fluvio/profiles"
)

func TestExplainDial(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	refused := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	lookup := &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "sc.example", IsNotFound: true}}
	for _, test := range []struct {
		name, addr string
		err        error
		what       string
		why        string // part
		next       string // first command, empty for none
		code       uerr.Code
	}{
		{"refused here", "127.0.0.1:9003", refused, "Socket io Connection refused (os error 111), can't connect to 127.0.0.1:9003", "no cluster answers on this machine", "fluvio cluster start", uerr.Unreachable},
		{"refused there", "10.0.0.1:9003", refused, "Socket io Connection refused (os error 111), can't connect to 10.0.0.1:9003", `profile "p" (10.0.0.1:9003)`, "fluvio profile list", uerr.Unreachable},
		{"no such name", "sc.example:9003", lookup, "Socket io failed to lookup address information: Name or service not known, can't connect to sc.example:9003", `"sc.example" does not resolve`, "fluvio profile list", uerr.Unreachable},
		{"TLS there", "10.0.0.1:1", &transport.FirstReadError{Guess: transport.PeerSpeaksTLS, Err: net.ErrClosed}, "Socket io peer speaks TLS, this side does not, can't connect to 10.0.0.1:1", "TLS", "fluvio -c 10.0.0.1:1 --tls version", uerr.Denied},
		{"TLS here", "10.0.0.1:1", &transport.FirstReadError{Guess: transport.PeerSpeaksPlain, TLS: true, Err: net.ErrClosed}, "Socket io peer does not speak TLS, this side does, can't connect to 10.0.0.1:1", "TLS", "fluvio -c 10.0.0.1:1 version", uerr.Denied},
	} {
		err := explainDial(&transport.ConnError{Addr: test.addr, Err: test.err}, profiles.Target{Profile: "p", Cluster: profiles.Cluster{Endpoint: test.addr}})
		var e *uerr.Error
		if !errors.As(err, &e) || e.What != test.what || e.Code != test.code || !strings.Contains(e.Why, test.why) || len(e.Next) == 0 || e.Next[0] != test.next {
			t.Errorf("%s: %+v", test.name, e)
		}
	}
	if err := explainDial(context.Canceled, profiles.Target{}); err != context.Canceled {
		t.Error(err)
	}
	if code := uerr.ExitCode(explainDial(fmt.Errorf("x: %w", transport.ErrTimeout), profiles.Target{})); code != uerr.TimedOut {
		t.Errorf("time-out ends with %d", code)
	}
}

// TestStoppedCluster: who has a local cluster is told to resume it.
func TestStoppedCluster(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	if err := os.MkdirAll(filepath.Join(home, ".fluvio"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, ".fluvio", "local-config"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var e *uerr.Error
	err := explainDial(&transport.ConnError{Addr: "localhost:1", Err: syscall.ECONNREFUSED}, profiles.Target{})
	if !errors.As(err, &e) || e.Next[0] != "fluvio cluster resume" {
		t.Errorf("%+v", e)
	}
}

func TestExplainAdmin(t *testing.T) {
	refusal := func(code api.Code, message string) error {
		return &client.Error{Code: api.ErrorCode{ID: code}, Partition: -1, Message: message}
	}
	for _, test := range []struct {
		err  error
		what string
		code uerr.Code
	}{
		{refusal(api.TopicNotFound, "whatever"), "Topic not found", uerr.NotFound},
		{refusal(api.TopicAlreadyExists, ""), "Topic already exists", uerr.Conflict},
		{refusal(api.MirrorNotFound, ""), "Mirror not found", uerr.NotFound},
		{refusal(api.PermissionDenied, ""), "permission denied", uerr.Denied},
		{refusal(api.Other, "only 0 out of 1 provisioned"), "only 0 out of 1 provisioned", uerr.Failed},
		{&transport.ConnError{Addr: "a:1", Err: syscall.ECONNRESET}, "Socket error: Connection reset by peer (os error 104)", uerr.Unreachable},
		{context.DeadlineExceeded, "context deadline exceeded", uerr.TimedOut},
	} {
		err := ExplainAdmin(test.err, "")
		if err.Error() != test.what || uerr.ExitCode(err) != test.code || !errors.Is(err, test.err) {
			t.Errorf("%v: %v (%d)", test.err, err, uerr.ExitCode(err))
		}
	}
	if ExplainAdmin(nil, "") != nil || ExplainStream(nil, "") != nil {
		t.Error("no error became one")
	}
	if err := ExplainStream(refusal(api.TopicNotFound, "Topic not found: t"), ""); err.Error() != "Topic not found: t" {
		t.Error(err)
	}
}

func TestFileError(t *testing.T) {
	_, err := os.ReadFile(filepath.Join(t.TempDir(), "none"))
	if e := FileError("none", err); e.Error() != "No such file or directory (os error 2)" || uerr.ExitCode(e) != uerr.NotFound || !errors.Is(e, fs.ErrNotExist) {
		t.Error(e)
	}
}

type fakeLister []string

func (l fakeLister) Topics(ctx context.Context, _ client.ListOptions) ([]api.Topic, error) {
	if l == nil {
		<-ctx.Done() // a cluster that does not answer
		return nil, ctx.Err()
	}
	var out []api.Topic
	for _, name := range l {
		out = append(out, api.Topic{Name: name})
	}
	return out, nil
}

func TestNoSuchTopic(t *testing.T) {
	for _, test := range []struct {
		known fakeLister
		why   string
		next  string
	}{
		{fakeLister{}, `the cluster has no topics; none is called "ordrs"`, "fluvio topic list"},
		{fakeLister{"other"}, `the cluster has 1 topic; none is called "ordrs"`, "fluvio topic list"},
		{fakeLister{"orders", "x"}, `the cluster has 2 topics; none is called "ordrs"`, "fluvio consume orders;fluvio topic list"},
	} {
		why, next := NoSuchTopic(t.Context(), test.known, "ordrs", "fluvio consume %s")
		if why != test.why || strings.Join(next, ";") != test.next {
			t.Errorf("%v: %q, %q", test.known, why, next)
		}
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if why, next := NoSuchTopic(canceled, fakeLister(nil), "x", "%s"); why != "" || len(next) != 1 {
		t.Errorf("%q, %q", why, next)
	}
}

func TestParsers(t *testing.T) {
	for _, s := range []string{"read_committed", "ReadCommitted", "readCommitted", "readcommitted"} {
		if v, err := ParseIsolation(s); err != nil || v != api.ReadCommitted {
			t.Error(s, v, err)
		}
	}
	for _, s := range []string{"at_most_once", "at-most-once", "AtMostOnce", "atMostOnce", "atmostonce"} {
		if v, err := ParseDelivery(s); err != nil || v != client.AtMostOnce {
			t.Error(s, v, err)
		}
	}
	for _, s := range []string{"READ_COMMITTED", "", "committed"} {
		if _, err := ParseIsolation(s); err == nil {
			t.Error(s)
		}
	}
	if _, err := ParseOffset("-1"); err == nil {
		t.Error("negative offset")
	}
}
