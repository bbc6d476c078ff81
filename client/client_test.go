package client

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/client/internal/fakecluster"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
	"github.com/fluvio-go/fluvio/profiles"
)

func TestDialChecksThePlatform(t *testing.T) {
	for version, ok := range map[string]bool{
		"0.18.1": true, "0.18.2-dev-1": true, "0.9.0": true, "1.0.0+build": true,
		"0.9.0-alpha.1": false, "0.8.9": false, "v0.18.1": false, "0.18": false, "": false,
	} {
		fc := fakecluster.New(0)
		fc.Platform = version
		cl, err := Dial(t.Context(), WithEndpoint(fakecluster.SCAddr), WithDialer(fc.Dial))
		if ok != (err == nil) || !ok && !errors.Is(err, ErrIncompatible) {
			t.Errorf("platform %q: %v", version, err)
		}
		if err == nil {
			if cl.PlatformVersion() != version {
				t.Errorf("platform is %q", cl.PlatformVersion())
			}
			cl.Close()
			cl.Close()
		}
		fc.Close()
	}
}

func TestDialErrors(t *testing.T) {
	fc := fakecluster.New(0)
	defer fc.Close()
	_, err := Dial(t.Context(), WithEndpoint("nowhere:1"), WithDialer(fc.Dial))
	var conn *transport.ConnError
	if !errors.As(err, &conn) || conn.Addr != "nowhere:1" || !Retryable(err) {
		t.Errorf("unknown address: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Dial(ctx, WithEndpoint(fakecluster.SCAddr), WithDialer(fc.Dial)); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
	if _, err := Dial(t.Context(), WithEndpoint("x:1"), WithProfile("p"), WithRequestTimeout(-1)); !errors.Is(err, ErrConfig) {
		t.Errorf("contradiction: %v", err)
	}
}

func TestProfiles(t *testing.T) {
	fc := fakecluster.New(0)
	defer fc.Close()
	path := filepath.Join(t.TempDir(), "config")
	err := profiles.UpdateOrCreate(path, func(c *profiles.Config) error {
		c.Put("far", "nowhere:1", profiles.TLSPolicy{})
		c.Put("near", fakecluster.SCAddr, profiles.TLSPolicy{})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	dial := func(opts ...Option) error {
		cl, err := Dial(t.Context(), append(opts, WithProfileFile(path), WithDialer(fc.Dial))...)
		if err == nil {
			err = cl.Close()
		}
		return err
	}
	if err := dial(); err != nil {
		t.Errorf("active profile: %v", err)
	}
	if err := dial(WithProfile("near")); err != nil {
		t.Errorf("named profile: %v", err)
	}
	if err := dial(WithProfile("none")); !errors.Is(err, profiles.ErrUnknownProfile) {
		t.Errorf("unknown profile: %v", err)
	}
	if err := os.WriteFile(path, []byte("version = \"2.0\"\n[profile]\n[cluster]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := dial(); !errors.Is(err, profiles.ErrNoActiveProfile) {
		t.Errorf("no active profile: %v", err)
	}
	cl, err := Dial(t.Context(), WithCluster(profiles.Cluster{Endpoint: fakecluster.SCAddr}), WithDialer(fc.Dial))
	if err != nil {
		t.Fatal(err)
	}
	cl.Close()
}

func TestTopicNotFoundIsPrompt(t *testing.T) {
	// Without any topic the SC's first updates are empty, and count.
	e := start(t, 1)
	for _, make := range []func() error{
		func() error { _, err := e.cl.Producer(e.ctx, "x"); return err },
		func() error { _, err := e.cl.Consumer(e.ctx, "x"); return err },
	} {
		err := make()
		if !errors.Is(err, ErrTopicNotFound) || !errors.Is(err, api.TopicNotFound) || err.Error() != "Topic not found: x" {
			t.Errorf("error is %v", err)
		}
	}
}

// TestTopicNewerThanMetadata: the SC lists a topic that the watch has not told
// us about yet.
func TestTopicNewerThanMetadata(t *testing.T) {
	e := start(t, 1)
	if err := e.cl.meta.ready(e.ctx); err != nil {
		t.Fatal(err)
	}
	var once atomic.Bool
	e.fc.SetHooks(fakecluster.Hooks{List: func() {
		if once.CompareAndSwap(false, true) {
			e.fc.CreateTopic("new", 1, api.CompressionAny)
		}
	}})
	if _, err := e.cl.Producer(e.ctx, "new"); err != nil {
		t.Error(err)
	}
}

func TestLookupTimesOut(t *testing.T) {
	a, b := transport.MemPipe(nil, nil)
	defer a.Close()
	go answerHandshakeOnly(b)
	cl, err := Dial(t.Context(), WithEndpoint("sc"), WithMetadataTimeout(20*time.Millisecond),
		WithDialer(func(context.Context, string, string) (net.Conn, error) { return a, nil }))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	_, err = cl.Producer(t.Context(), "x")
	if want := "timed out searching metadata Partition failed due to timeout: 20 ms"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error is %v, want %s", err, want)
	}
}

// answerHandshakeOnly is an SC that says nothing more.
func answerHandshakeOnly(nc net.Conn) {
	conn := transport.NewServerConn(context.Background(), nc, transport.ServerOptions{})
	defer conn.Close()
	for {
		req, err := conn.ReadRequest()
		if err != nil {
			return
		}
		if req.Key == api.KeyApiVersions {
			_ = conn.WriteResponse(req.CorrelationID, req.Version, &api.ApiVersionsResponse{PlatformVersion: "0.18.1", APIs: api.ScAPIs()})
		}
	}
}

func TestStalePooledConnectionIsReplaced(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	p := e.producer("t")
	for i := range 3 {
		if m, err := p.SendSync(e.ctx, value("a")); err != nil || m[0].Offset != int64(i) {
			t.Fatalf("round %d: %v %v", i, m, err)
		}
		e.fc.Disconnect(5001)
	}
}

func TestAddedPartitionsAreUsed(t *testing.T) {
	e := start(t, 1)
	e.topic("t", 1)
	p := e.producer("t")
	if err := e.cl.Admin().AddPartitions(e.ctx, "t", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := e.cl.meta.await(e.ctx, "t", func(v *topicView) bool { return v != nil && len(v.online) == 2 }); err != nil {
		t.Fatal(err)
	}
	m, err := p.SendSync(e.ctx, value("a"), value("b"))
	if err != nil || m[0].Partition == m[1].Partition {
		t.Errorf("%v %v", m, err)
	}
}

func TestServerNameOfSPUs(t *testing.T) {
	for _, tc := range []struct{ base, spu, want string }{
		{"fluvio.local", "", "fluvio.local"},
		{"fluvio.local", "custom-spu-5001", "custom-spu-5001.fluvio.local"},
		{"", "custom-spu-5001", "10.0.0.1"},
	} {
		cfg, err := fixedTLS(&tls.Config{ServerName: tc.base}).config(tc.spu, "10.0.0.1:9010")
		if err != nil || cfg.ServerName != tc.want {
			t.Errorf("%+v: %q %v", tc, cfg.ServerName, err)
		}
		if tc.base == "" {
			continue
		}
		cfg, err = policyTLS(profiles.TLSPolicy{Mode: profiles.TLSAnonymous, Domain: tc.base}).config(tc.spu, "10.0.0.1:9010")
		if err != nil || cfg.ServerName != tc.want {
			t.Errorf("policy %+v: %q %v", tc, cfg.ServerName, err)
		}
	}
}

func TestLocalAddress(t *testing.T) {
	host := "public"
	spec := &api.SpuSpec{
		Public:      api.IngressPort{Port: 1, Ingress: []api.Ingress{{Hostname: &host}}},
		PublicLocal: &api.Endpoint{Port: 2, Host: "local"},
	}
	if got := (&config{}).spuAddr(spec); got != "public:1" {
		t.Errorf("outside: %s", got)
	}
	if got := (&config{local: true}).spuAddr(spec); got != "local:2" {
		t.Errorf("inside: %s", got)
	}
	spec.PublicLocal = nil
	if got := (&config{local: true}).spuAddr(spec); got != "public:1" {
		t.Errorf("inside without a local address: %s", got)
	}
}
