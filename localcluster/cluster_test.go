package localcluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/netproto/api"
)

func TestMain(m *testing.M) {
	if os.Getenv(helperEnv) != "" {
		os.Exit(helperMain())
	}
	goleak.VerifyTestMain(m)
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func open(t *testing.T, o Options) *Cluster {
	t.Helper()
	if o.SCAddr == "" {
		o.SCAddr = "127.0.0.1:0"
	}
	c, err := Open(testContext(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

func dial(t *testing.T, c *Cluster) *client.Client {
	t.Helper()
	cl, err := client.Dial(testContext(t), client.WithEndpoint(c.SCAddr()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cl.Close() })
	return cl
}

func createTopic(t *testing.T, cl *client.Client, name string, partitions uint32) {
	t.Helper()
	spec := api.TopicSpec{Replicas: api.Computed(partitions, 1), Compression: api.CompressionAny}
	if err := cl.Admin().CreateTopic(testContext(t), name, spec, client.CreateTopicOptions{}); err != nil {
		t.Fatal(err)
	}
}

func produce(t *testing.T, cl *client.Client, topic string, from, to int) {
	t.Helper()
	ctx := testContext(t)
	p, err := cl.Producer(ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	var last client.Future
	for i := from; i < to; i++ {
		last = p.Send(ctx, client.Record{Value: fmt.Appendf(nil, "record %d", i)})
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := last.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

// consume returns how often each value occurs in the whole topic.
func consume(t *testing.T, cl *client.Client, topic string) map[string]int {
	t.Helper()
	ctx := testContext(t)
	c, err := cl.Consumer(ctx, topic, client.From(client.Beginning()), client.UntilCurrentEnd())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got := map[string]int{}
	for rec, err := range c.Records(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		got[string(rec.Value)]++
	}
	return got
}

func checkAll(t *testing.T, got map[string]int, n int) {
	t.Helper()
	if len(got) != n {
		t.Errorf("%d different records, want %d", len(got), n)
	}
	for i := range n {
		if v := fmt.Sprintf("record %d", i); got[v] != 1 {
			t.Errorf("%q came %d times", v, got[v])
		}
	}
}

func TestRecordsSurviveARestart(t *testing.T) {
	o := Options{DataDir: t.TempDir(), SPUs: 2}
	c := open(t, o)
	cl := dial(t, c)
	createTopic(t, cl, "orders", 3)
	produce(t, cl, "orders", 0, 1000)
	cl.Close()
	if err := c.Close(testContext(t)); err != nil {
		t.Fatal(err)
	}

	c = open(t, o)
	cl = dial(t, c)
	produce(t, cl, "orders", 1000, 1100)
	checkAll(t, consume(t, cl, "orders"), 1100)
}

func TestKilledNodeComesBack(t *testing.T) {
	c := open(t, Options{DataDir: t.TempDir(), SPUs: 1})
	cl := dial(t, c)
	createTopic(t, cl, "orders", 1)
	produce(t, cl, "orders", 0, 100)
	node := c.Nodes()[0]

	node.Kill()
	waitPartition(t, cl, "orders-0", api.PartitionLeaderOffline)
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	waitPartition(t, cl, "orders-0", api.PartitionOnline)
	produce(t, cl, "orders", 100, 200)
	checkAll(t, consume(t, cl, "orders"), 200)

	if err := node.Stop(testContext(t)); err != nil {
		t.Fatal(err)
	}
	waitPartition(t, cl, "orders-0", api.PartitionLeaderOffline)
}

func waitPartition(t *testing.T, cl *client.Client, name string, want api.PartitionResolution) {
	t.Helper()
	ctx := testContext(t)
	for {
		parts, err := cl.Admin().Partitions(ctx, client.ListOptions{})
		if err != nil {
			t.Fatalf("waiting for %s to be %s: %v", name, want, err)
		}
		for _, p := range parts {
			if p.Name == name && p.Status.Resolution == want {
				return
			}
		}
		time.Sleep(time.Millisecond) // polling a condition, bounded by ctx
	}
}

func TestOpenRefuses(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	port := busy.Addr().(*net.TCPAddr).Port
	dir := t.TempDir()

	_, err = Open(testContext(t), Options{DataDir: dir, SCAddr: busy.Addr().String()})
	var inUse *PortError
	if !errors.As(err, &inUse) || inUse.Node != "SC" || !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("SC port in use: %v", err)
	}
	_, err = Open(testContext(t), Options{DataDir: dir, SPUs: 1, SCAddr: "127.0.0.1:0", SPUBasePort: port})
	if !errors.As(err, &inUse) || inUse.Node != "custom-spu-5001" {
		t.Errorf("SPU port in use: %v", err)
	}

	open(t, Options{DataDir: dir, SPUs: 1}) // nothing of the above is in the way
	_, err = Open(testContext(t), Options{DataDir: dir, SCAddr: "127.0.0.1:0"})
	var running *RunningError
	if !errors.As(err, &running) || running.DataDir != dir {
		t.Errorf("data folder in use: %v", err)
	}
}

func TestInterruptedOpenLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Open(ctx, Options{DataDir: dir, SPUs: 1, SCAddr: "127.0.0.1:0", Progress: func(Event) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted start: %v", err)
	}
	if _, running, err := Find(dir); running || err != nil {
		t.Fatalf("after it: running %v, %v", running, err)
	}
	open(t, Options{DataDir: dir, SPUs: 1})
}

func TestFindWithoutADaemon(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Join(dir, "missing")} {
		if _, running, err := Find(d); running || err != nil {
			t.Errorf("Find(%s) = %v, %v", d, running, err)
		}
		if st, was, err := Shutdown(testContext(t), d); was || err != nil {
			t.Errorf("Shutdown(%s) = %+v, %v, %v", d, st, was, err)
		}
	}
}
