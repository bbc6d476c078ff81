//go:build sim && exact

package sim

import (
	"flag"
	"log/slog"
	"strings"
	"testing"
)

var replaysFlag = flag.Uint64("sim.replays", 10, "number of seeds that TestReplay plays twice")

// TestReplay plays seeds twice: the same things happen at the same times.
func TestReplay(t *testing.T) {
	logger := slog.New(slog.DiscardHandler)
	for seed := *firstFlag; seed < *firstFlag+*replaysFlag; seed++ {
		a, b := play(t, seed, logger), play(t, seed, logger)
		if a.trace != b.trace || a.delivered != b.delivered || a.story != b.story {
			t.Errorf("seed %d is not the same the second time:\n%v\n%v\n%s", seed, a, b, firstDifference(a.story, b.story)+"\n"+firstDifference(strings.Join(a.lines, "\n"), strings.Join(b.lines, "\n")))
		}
	}
}

func firstDifference(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return strings.Join(as[max(0, i-4):i+1], "\n") + "\n" + bs[i]
		}
	}
	return "one story goes on after the other's end"
}
