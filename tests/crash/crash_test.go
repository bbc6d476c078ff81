//go:build crash

package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/tests/harness"
)

const (
	firstAckPatience = 30 * time.Second
	checkPatience    = 2 * time.Minute
)

var (
	fluvioBin string
	rounds    = 3
	seed      = uint64(time.Now().UnixNano())
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "fluvio-crash")
		if err == nil {
			defer os.RemoveAll(dir)
			fluvioBin, err = harness.Build(dir)
		}
		if err == nil {
			err = settings()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return m.Run()
	}())
}

func settings() error {
	if s := os.Getenv("CRASH_ROUNDS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return fmt.Errorf("CRASH_ROUNDS is %q, want a number of rounds", s)
		}
		rounds = n
	}
	if s := os.Getenv("CRASH_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return fmt.Errorf("CRASH_SEED is %q, want a number", s)
		}
		seed = n
	}
	return nil
}

// TestKill: no mode loses an acknowledged record to a process that dies; only
// a power loss tells them apart.
func TestKill(t *testing.T) {
	for _, tt := range []struct {
		name       string
		partitions uint32
		segment    uint32 // bytes; 0 is the default
		durability api.Durability
	}{
		{"one partition", 1, 0, api.DurabilityAlways},
		{"segments of 1 MiB, 3 partitions", 3, 1 << 20, api.DurabilityAlways},
		{"segments of 64 KiB, 3 partitions", 3, 64 << 10, api.DurabilityAlways},
		{"segments of 64 KiB, interval", 1, 64 << 10, api.DurabilityInterval},
		{"segments of 64 KiB, never", 1, 64 << 10, api.DurabilityNever},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Logf("CRASH_SEED=%d", seed)
			rng := rand.New(rand.NewPCG(seed, 0))
			c := harness.New(t, fluvioBin)
			c.Start()
			spec := api.TopicSpec{Replicas: api.Computed(tt.partitions, 1), Compression: api.CompressionAny}
			if tt.segment != 0 {
				spec.Storage = &api.TopicStorage{SegmentSize: &tt.segment}
			}
			cl := c.Dial(t.Context())
			err := cl.Admin().CreateTopic(t.Context(), "ledger", spec,
				client.CreateTopicOptions{Config: api.TopicConfig{Durability: tt.durability}})
			cl.Close()
			if err != nil {
				t.Fatal(err)
			}
			killRounds(t, c, tt.partitions, rng)
		})
	}
}

// totals is the line that a case reports.
type totals struct {
	startKills int
	slowest    time.Duration // resume
	last       Report
}

func killRounds(t *testing.T, c *harness.Cluster, partitions uint32, rng *rand.Rand) {
	file, err := os.Create(filepath.Join(t.TempDir(), "ledger"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	l := NewLedger(file)
	w := newWorkload(c, "ledger", l, rng)
	var sum totals
	for round := range rounds {
		loadAndKill(t, w, rng)
		for range rng.IntN(3) {
			c.KillStart(time.Duration(1+rng.IntN(200)) * time.Millisecond)
			sum.startKills++
		}
		began := time.Now()
		c.Resume()
		sum.slowest = max(sum.slowest, time.Since(began))

		ctx, cancel := context.WithTimeout(t.Context(), checkPatience)
		sum.last, err = w.check(ctx, partitions)
		cancel()
		switch {
		case err != nil:
			t.Fatalf("round %d: %v\n%s", round, err, keep(t, c, file.Name()))
		case sum.last.Violations > 0:
			t.Fatalf("round %d: %d violations in %d records, %d acknowledged ones lost\n%s\n%s", round, sum.last.Violations,
				sum.last.Records, sum.last.Lost, strings.Join(sum.last.Problems, "\n"), keep(t, c, file.Name()))
		}
	}
	if err := l.Err(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rounds, %d kills during start-up; sent %d, acknowledged %d, lost %d; stored %d, of them %d unacknowledged and %d repeated; slowest resume %v",
		rounds, sum.startKills, l.Attempted(), l.Acked(), sum.last.Lost, sum.last.Records, sum.last.Unacked, sum.last.Duplicates, sum.slowest.Round(time.Millisecond))
}

// loadAndKill runs the workload, kills the daemon at a random moment after the
// first acknowledgement, and returns when all producers have given up.
func loadAndKill(t *testing.T, w *workload, rng *rand.Rand) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	select {
	case <-w.acks: // of the last round
	default:
	}
	go func() {
		defer close(done)
		w.run(ctx)
	}()
	defer func() {
		stop()
		<-done
	}()
	select {
	case <-w.acks:
	case <-time.After(firstAckPatience):
		t.Fatalf("no record was acknowledged within %v", firstAckPatience)
	}
	// The moment of the fault, not a wait for anything.
	time.Sleep(time.Duration(rng.IntN(400_000)) * time.Microsecond)
	w.cluster.Kill()
}

// keep saves ledger, data and logs of a failed case, if CRASH_KEEP names a
// folder for them.
func keep(t *testing.T, c *harness.Cluster, ledger string) string {
	dir := os.Getenv("CRASH_KEEP")
	if dir == "" {
		return "set CRASH_KEEP to a folder to keep ledger, data and logs"
	}
	dir, err := os.MkdirTemp(dir, "crash")
	if err == nil {
		err = os.CopyFS(filepath.Join(dir, "home"), os.DirFS(c.Home))
	}
	if err == nil {
		err = os.CopyFS(filepath.Join(dir, "ledger"), os.DirFS(filepath.Dir(ledger)))
	}
	if err != nil {
		t.Error(err)
	}
	return "kept in " + dir
}
