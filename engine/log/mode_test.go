package log

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
	"github.com/fluvio-go/fluvio/engine/log/vfs/errorfs"
)

// TestDurabilityChanges switches a log between Always and Interval while it is
// appended to, waited for and flushed. Whoever is told under Always that his
// records are durable finds them after a power loss, the high watermark never
// falls, and the durable end never passes the end.
func TestDurabilityChanges(t *testing.T) {
	const rounds = 20
	for seed := range uint64(4) {
		m := vfs.NewMem()
		opts := Options{FS: m, Replicated: true, Config: Config{SegmentBytes: 4096, FlushBytes: 2000, FlushInterval: time.Millisecond}}
		l := mustOpen(t, "d", opts)
		always, interval := l.Config(), l.Config()
		interval.Durability = Interval

		var stop atomic.Bool
		var appends atomic.Int64
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() {
				rng := newRand(seed*10 + uint64(i))
				for !stop.Load() {
					a, err := l.Append(makeBatch(rng, 1, 100, 1), 1)
					if err != nil {
						t.Error(err)
						return
					}
					appends.Add(1)
					// As a leader does: the mode is read after the append.
					if l.Config().Durability == Always {
						err = l.WaitAppended(ctx, a)
					}
					if err != nil {
						t.Error(err)
						return
					}
					l.SetHighWatermark(l.DurableOffset())
				}
			})
		}
		wg.Go(func() {
			for !stop.Load() {
				if err := l.FlushIfDue(time.Now()); err != nil {
					t.Error(err)
					return
				}
			}
		})
		wg.Go(func() {
			hw := int64(0)
			for !stop.Load() {
				durable := l.DurableOffset()
				if end := l.EndOffset(); durable > end {
					t.Errorf("durable up to %d, end is %d", durable, end)
				}
				now := l.HighWatermark()
				if now < hw {
					t.Errorf("high watermark fell from %d to %d", hw, now)
				}
				hw = now
			}
		})
		for range rounds {
			for before := appends.Load(); appends.Load() < before+5; {
				time.Sleep(10 * time.Microsecond)
			}
			// What was appended under Interval becomes durable on demand, and
			// the order of these two is what a leader relies on.
			if err := l.Reconfigure(always); err != nil {
				t.Fatal(err)
			}
			end := l.EndOffset()
			if err := l.WaitDurable(ctx, end); err != nil {
				t.Fatal(err)
			}
			if d := l.DurableOffset(); d < end {
				t.Errorf("waited for %d under Always, durable up to %d", end, d)
			}
			clone := m.CrashClone(rand.New(rand.NewPCG(seed, uint64(end))))
			after := mustOpen(t, "d", Options{FS: clone, Replicated: true})
			if got := after.EndOffset(); got < end {
				t.Errorf("seed %d: %d records after a power loss, %d were durable", seed, got, end)
			}
			if err := after.Close(); err != nil {
				t.Error(err)
			}
			if err := l.Reconfigure(interval); err != nil {
				t.Fatal(err)
			}
		}
		stop.Store(true)
		wg.Wait()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Who waits when the mode becomes Interval is not forgotten: his sync goes on,
// and those who come now do not wait.
func TestWaitersAcrossDurabilityChange(t *testing.T) {
	fs := errorfs.New(vfs.NewMem())
	l := mustOpen(t, "d", Options{FS: fs, Replicated: true})
	a := mustAppend(t, l, makeBatch(newRand(1), 2, 10, 1))
	began, finish := make(chan struct{}), make(chan struct{})
	fs.Inject(errorfs.Rule{Op: errorfs.OpSync, Match: "*.log", Times: 1, Do: func() { close(began); <-finish }})
	waited := make(chan error, 1)
	go func() { waited <- l.WaitAppended(ctx, a) }()
	<-began
	c := l.Config()
	c.Durability = Interval
	if err := l.Reconfigure(c); err != nil {
		t.Fatal(err)
	}
	b := mustAppend(t, l, makeBatch(newRand(2), 2, 10, 1))
	if err := l.WaitAppended(ctx, b); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-waited:
		t.Fatalf("the wait ended before the sync: %v", err)
	default:
	}
	if d := l.DurableOffset(); d != 0 {
		t.Fatalf("durable up to %d during the sync", d)
	}
	c.Durability = Always
	if err := l.Reconfigure(c); err != nil {
		t.Fatal(err)
	}
	both := make(chan error, 1)
	go func() { both <- l.WaitAppended(ctx, b) }()
	close(finish)
	if err := errors.Join(<-waited, <-both); err != nil {
		t.Fatal(err)
	}
	if d := l.DurableOffset(); d != b.End {
		t.Errorf("durable up to %d, want %d", d, b.End)
	}
}
