package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/engine/sc/meta/boltstore"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/nodeauth"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func secret(t *testing.T) nodeauth.Credentials {
	s, err := nodeauth.NewSecret([]byte("sixteen bytes is enough"))
	if err != nil {
		t.Fatal(err)
	}
	return nodeauth.WithSecret(s)
}

// running is a process of this test.
type running struct {
	Addrs
	t    *testing.T
	stop context.CancelFunc
	done chan error
}

// run starts a process, on the addresses of an earlier run of it if that is
// not nil, and waits until it is ready.
func run(t *testing.T, before *running, dir string, main func(context.Context, Process) error) *running {
	t.Helper()
	p := Process{
		Dir: dir, Public: Public{Addr: "127.0.0.1:0"}, Private: "127.0.0.1:0",
		Credentials: secret(t), Logger: slog.New(slog.DiscardHandler),
	}
	if before != nil {
		p.Public.Addr, p.Private = before.Public, before.Private
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &running{t: t, stop: stop, done: make(chan error, 1)}
	ready := make(chan Addrs, 1)
	p.Ready = func(a Addrs) { ready <- a }
	go func() {
		r.done <- main(ctx, p)
		close(r.done)
	}()
	select {
	case r.Addrs = <-ready:
	case err := <-r.done:
		t.Fatal(err)
	}
	t.Cleanup(r.end)
	return r
}

// end stops the process as SIGTERM does. It is idempotent.
func (r *running) end() {
	r.stop()
	if err := <-r.done; err != nil {
		r.t.Error(err)
	}
}

func endpoint(t *testing.T, addr string) (host string, port uint16) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return host, uint16(n)
}

func register(t *testing.T, cl *client.Client, id int32, a Addrs) {
	t.Helper()
	host, port := endpoint(t, a.Public)
	privateHost, privatePort := endpoint(t, a.Private)
	err := cl.Admin().RegisterCustomSpu(testContext(t), fmt.Sprintf("custom-spu-%d", id), api.CustomSpuSpec{
		ID:      id,
		Public:  api.IngressPort{Port: port, Ingress: []api.Ingress{{Hostname: &host}}},
		Private: api.Endpoint{Host: privateHost, Port: privatePort},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func dial(t *testing.T, addr string) *client.Client {
	t.Helper()
	cl, err := client.Dial(testContext(t), client.WithEndpoint(addr))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cl.Close() })
	return cl
}

// waitOnline asks until the SC sees the SPU.
func waitOnline(t *testing.T, cl *client.Client, id int32) {
	t.Helper()
	ctx := testContext(t)
	for {
		spus, err := cl.Admin().Spus(ctx, client.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range spus {
			if s.Spec.ID == id && s.Status.Resolution == api.SpuOnlineState {
				return
			}
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("SPU %d is not online: %+v", id, spus)
		}
	}
}

func send(t *testing.T, p *client.Producer, value string) {
	t.Helper()
	ctx := testContext(t)
	if _, err := p.Send(ctx, client.Record{Value: []byte(value)}).Wait(ctx); err != nil {
		t.Fatalf("send %q: %v", value, err)
	}
}

// While the SC is away an SPU serves those who know where it is; when the SC
// comes back it joins again, and newcomers find everything.
func TestSPUServesWhileTheSCIsAway(t *testing.T) {
	dir := t.TempDir()
	sc := run(t, nil, filepath.Join(dir, "metadata"), RunSC)
	spu := run(t, nil, dir, func(ctx context.Context, p Process) error {
		return RunSPU(ctx, p, 7, sc.Private)
	})
	cl := dial(t, sc.Public)
	register(t, cl, 7, spu.Addrs)
	waitOnline(t, cl, 7)
	ctx := testContext(t)
	spec := api.TopicSpec{Replicas: api.Computed(1, 1), Compression: api.CompressionAny}
	if err := cl.Admin().CreateTopic(ctx, "orders", spec, client.CreateTopicOptions{}); err != nil {
		t.Fatal(err)
	}
	p, err := cl.Producer(ctx, "orders")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close(context.Background()) })
	c, err := cl.Consumer(ctx, "orders", client.From(client.Beginning()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	got := make(chan string)
	go func() {
		defer close(got)
		for rec, err := range c.Records(ctx) {
			if err != nil {
				return // Close, or the test's end
			}
			got <- string(rec.Value)
		}
	}()
	expect := func(want string) {
		t.Helper()
		select {
		case v := <-got:
			if v != want {
				t.Fatalf("consumed %q, want %q", v, want)
			}
		case <-ctx.Done():
			t.Fatalf("%q did not come", want)
		}
	}
	send(t, p, "before")
	expect("before")

	sc.end()
	send(t, p, "meanwhile")
	expect("meanwhile")

	run(t, sc, filepath.Join(dir, "metadata"), RunSC)
	fresh := dial(t, sc.Public)
	waitOnline(t, fresh, 7)
	p2, err := fresh.Producer(ctx, "orders")
	if err != nil {
		t.Fatal(err)
	}
	defer p2.Close(ctx)
	send(t, p2, "after")
	expect("after")
}

// The private port of an SPU lets in nodes that mean this SPU.
func TestPrivatePortOfAnSPU(t *testing.T) {
	dir := t.TempDir()
	sc := run(t, nil, filepath.Join(dir, "metadata"), RunSC)
	spu := run(t, nil, dir, func(ctx context.Context, p Process) error { return RunSPU(ctx, p, 7, sc.Private) })
	ctx := testContext(t)
	nc, err := secret(t).Dial(ctx, spu.Private, ServiceSPU(7))
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	for _, service := range []string{ServiceSPU(8), ServiceSC} {
		if _, err := secret(t).Dial(ctx, spu.Private, service); !errors.Is(err, nodeauth.ErrRefused) {
			t.Errorf("dialled as %s: %v", service, err)
		}
	}
}

// The processes refuse to share what must not be shared, and leave nothing
// open when they do not start.
func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	sc := run(t, nil, filepath.Join(dir, "metadata"), RunSC)
	spu := run(t, nil, dir, func(ctx context.Context, p Process) error { return RunSPU(ctx, p, 1, sc.Private) })
	discard := slog.New(slog.DiscardHandler)
	free := Process{Dir: filepath.Join(dir, "metadata"), Public: Public{Addr: "127.0.0.1:0"}, Private: "127.0.0.1:0", Logger: discard}

	if err := RunSC(t.Context(), free); !errors.Is(err, boltstore.ErrInUse) {
		t.Errorf("second SC: %v", err)
	}
	var inUse *InUseError
	free.Dir = dir
	if err := RunSPU(t.Context(), free, 1, sc.Private); !errors.As(err, &inUse) || inUse.Dir != filepath.Join(dir, "spu-logs-1") {
		t.Errorf("second SPU: %v", err)
	}
	var port *PortError
	taken := free
	taken.Public.Addr = spu.Public
	if err := RunSPU(t.Context(), taken, 2, sc.Private); !errors.As(err, &port) || port.Addr != spu.Public {
		t.Errorf("port in use: %v", err)
	}
	taken.Public = Public{Addr: "127.0.0.1:0", Plain: sc.Public}
	if err := RunSPU(t.Context(), taken, 2, sc.Private); !errors.As(err, &port) || port.Addr != sc.Public {
		t.Errorf("plain port in use: %v", err)
	}
	open := free
	open.Private = "0.0.0.0:0"
	if err := RunSC(t.Context(), open); !errors.Is(err, nodeauth.ErrUnprotected) {
		t.Errorf("private port for everybody: %v", err)
	}
	if err := RunSPU(t.Context(), free, 3, "192.0.2.1:1"); !errors.Is(err, nodeauth.ErrUnprotected) {
		t.Errorf("SC on a network: %v", err)
	}
}

// An SPU whose folder cannot be used gives everything back.
func TestStartSPUFails(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, "spu-logs-1")
	if err := os.MkdirAll(root, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "spu.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	public, private := transport.NewMemListener("public"), transport.NewMemListener("private")
	sc := transport.NewMemListener("sc")
	_, err := StartSPU(SPUConfig{ID: 1, Dir: dir, Public: public, Private: private, DialSC: sc.Dial})
	if err == nil {
		t.Fatal("it started on a damaged folder")
	}
	for _, l := range []*transport.MemListener{public, private} {
		if _, err := l.Dial(t.Context()); err == nil {
			t.Errorf("%v is still open", l.Addr())
		}
	}
	if l, err := lockData(dir, 1); err != nil {
		t.Errorf("the lock is still held: %v", err)
	} else if err := l.Release(); err != nil {
		t.Error(err)
	}
}
