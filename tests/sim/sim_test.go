//go:build sim

package sim

import (
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"
)

var (
	seedFlag    = flag.Uint64("sim.seed", 0, "play only this seed, and tell what happens")
	firstFlag   = flag.Uint64("sim.first", 1, "first seed")
	seedsFlag   = flag.Uint64("sim.seeds", 20, "number of seeds")
	untilBroken = flag.Bool("sim.untilbroken", false, "end with the first seed that breaks a promise")
	keepFlag    = flag.Bool("sim.keep", false, "remember every delivery, to show where two runs of a seed part")
	logFlag     = flag.String("sim.log", "", "with -sim.seed, write the log of the nodes to this file")
)

func TestMain(m *testing.M) {
	flag.Parse()
	// One goroutine at a time, in the order in which they became ready, and no
	// collector that would interrupt them: with the same seed everything
	// happens in the same order.
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(3 << 30) // for a run that does not come to an end
	os.Exit(m.Run())
}

// play runs one seed.
func play(t *testing.T, seed uint64, logger *slog.Logger) (r *result) {
	t.Helper()
	// Twice empties every sync.Pool. What is in them belongs to the bubble of
	// the seed before and must not be used in another.
	runtime.GC()
	runtime.GC()
	cryptotest.SetGlobalRandom(t, seed)
	watchdog := time.AfterFunc(time.Minute, func() {
		fmt.Printf("\n        \nit does not come to an end\n    play it again: go test -tags sim ./tests/sim -run TestSeeds -sim.seed=%d\n", seed)
		os.Exit(3)
	})
	defer watchdog.Stop()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, seed, optionsOf(seed), logger)
		w.net.keep = *keepFlag
		r = w.play()
		r.lines = w.net.lines
	})
	return r
}

// TestSeeds plays one cluster after another.
func TestSeeds(t *testing.T) {
	first, n := *firstFlag, *seedsFlag
	logger := slog.New(slog.DiscardHandler)
	if *seedFlag != 0 {
		first, n = *seedFlag, 1
		if *logFlag != "" {
			f, err := os.Create(*logFlag)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			logger = slog.New(slog.NewTextHandler(f, &slog.HandlerOptions{Level: slog.LevelDebug}))
		}
	}
	var acks, epochs int
	for seed := first; seed < first+n; seed++ {
		r := play(t, seed, logger)
		for _, line := range r.lines {
			logger.Debug("delivered " + line)
		}
		acks, epochs = acks+r.acks, epochs+int(r.epochs)
		if len(r.violations) > 0 {
			t.Errorf("%v\n%v\n%s\n\n%s", r, r.opts, r.story, strings.Join(r.violations, "\n"))
			t.Logf("play it again: go test -tags sim ./tests/sim -run TestSeeds -sim.seed=%d", seed)
			if *untilBroken {
				return
			}
		} else if testing.Verbose() {
			t.Log(r)
		}
	}
	if acks == 0 {
		t.Error("nothing was acknowledged")
	}
	t.Logf("%d seeds from %d: %d records acknowledged, %d elections", n, first, acks, epochs)
}
