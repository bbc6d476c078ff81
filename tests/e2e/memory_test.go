//go:build e2e && linux

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/tests/harness"
)

const (
	spus       = 2
	pairs      = 2 // producers, each with a consumer that follows
	recordSize = 1000
	// What is older than this makes room, or a minute at full speed would fill
	// many gigabytes of disk.
	partitionSize = uint64(256 << 20)
	segmentSize   = uint32(32 << 20)
	sampling      = 50 * time.Millisecond
)

// usage is resident memory in bytes; anonymous is the part that is not backed
// by a file, such as the binary's own code.
type usage struct{ resident, anonymous int64 }

func (u usage) String() string {
	return fmt.Sprintf("%.1f MB resident, %.1f MB of it anonymous", float64(u.resident)/1e6, float64(u.anonymous)/1e6)
}

func (u usage) max(o usage) usage {
	return usage{max(u.resident, o.resident), max(u.anonymous, o.anonymous)}
}

func measure(t *testing.T, pid int) usage {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		t.Fatal(err)
	}
	var u usage
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		name, rest, _ := strings.Cut(lines.Text(), ":")
		kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		switch name {
		case "Rss":
			u.resident = kb << 10
		case "Anonymous":
			u.anonymous = kb << 10
		}
	}
	if u.resident == 0 {
		t.Fatalf("no Rss in\n%s", data)
	}
	return u
}

func setting(t *testing.T, name string, def int) int {
	s := os.Getenv(name)
	if s == "" {
		return def
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q, want a number", name, s)
	}
	return n
}

// TestMemory holds the daemon to its budget while it works as hard as it can.
func TestMemory(t *testing.T) {
	seconds, limit := setting(t, "MEMORY_SECONDS", 60), setting(t, "MEMORY_LIMIT_MB", 100)
	bin, err := harness.Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := harness.New(t, bin)
	c.Start("--spu", strconv.Itoa(spus))
	pid := c.PID()
	t.Logf("idle with %d SPUs: %v", spus, measure(t, pid))

	cl := c.Dial(t.Context())
	defer cl.Close()
	segment, partition := segmentSize, partitionSize
	spec := api.TopicSpec{
		Replicas:    api.Computed(spus, 1),
		Compression: api.CompressionAny,
		Storage:     &api.TopicStorage{SegmentSize: &segment, MaxPartitionSize: &partition},
	}
	if err := cl.Admin().CreateTopic(t.Context(), "stream", spec, client.CreateTopicOptions{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(seconds)*time.Second)
	defer cancel()
	var in, out atomic.Int64
	var load sync.WaitGroup
	for range pairs {
		load.Go(func() { produce(ctx, t, c, &in) })
		load.Go(func() { consume(ctx, t, c, &out) })
	}
	var most usage
	tick := time.NewTicker(sampling)
	defer tick.Stop()
	for ctx.Err() == nil {
		most = most.max(measure(t, pid))
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	load.Wait()
	t.Logf("%d s with %d producers and %d consumers: at most %v; %d records/s in, %d records/s out",
		seconds, pairs, pairs, most, in.Load()/int64(seconds), out.Load()/int64(seconds))
	if in.Load() == 0 || out.Load() == 0 {
		t.Error("nothing was streamed")
	}
	if most.resident > int64(limit)*1e6 {
		t.Errorf("the limit is %d MB", limit)
	}
}

// produce sends until ctx ends. What is under way then is given up.
func produce(ctx context.Context, t *testing.T, c *harness.Cluster, n *atomic.Int64) {
	cl, err := client.Dial(ctx, client.WithEndpoint(c.SCAddr))
	if err != nil {
		t.Error(err)
		return
	}
	defer cl.Close()
	p, err := cl.Producer(ctx, "stream")
	if err != nil {
		t.Error(err)
		return
	}
	value := bytes.Repeat([]byte("x"), recordSize)
	for ctx.Err() == nil {
		p.SendFunc(ctx, client.Record{Value: value}, func(_ client.RecordMeta, err error) {
			switch {
			case err == nil:
				n.Add(1)
			case ctx.Err() == nil:
				t.Error(err)
			}
		})
	}
}

// consume follows the end of the topic until ctx ends.
func consume(ctx context.Context, t *testing.T, c *harness.Cluster, n *atomic.Int64) {
	cl, err := client.Dial(ctx, client.WithEndpoint(c.SCAddr))
	if err != nil {
		t.Error(err)
		return
	}
	defer cl.Close()
	co, err := cl.Consumer(ctx, "stream", client.From(client.Beginning()))
	if err != nil {
		t.Error(err)
		return
	}
	for rec, err := range co.Records(ctx) {
		switch {
		case err == nil && len(rec.Value) != recordSize:
			t.Errorf("a record has %d bytes", len(rec.Value))
			return
		case err == nil:
			n.Add(1)
		case ctx.Err() == nil:
			t.Error(err)
		}
	}
}
