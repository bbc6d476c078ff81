package log

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
	"github.com/fluvio-go/fluvio/engine/log/vfs/errorfs"
	"github.com/fluvio-go/fluvio/netproto/record"
)

// TestSyncOrder compares the order of writes and syncs with a recorded one.
// Run with UPDATE=1 to record it anew, and read the difference.
func TestSyncOrder(t *testing.T) {
	fs := errorfs.New(vfs.NewMem())
	fs.StartTrace()
	step := func(name string, fn func() error) {
		t.Helper()
		fs.Note(name)
		if err := fn(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	rng := newRand(1)
	var l *Log
	opts := Options{FS: fs, Config: Config{SegmentBytes: 1024, IndexInterval: 100}, Now: at(1_800_000_000_000)}
	open := func() (err error) { l, err = Open("base/t-0", opts); return err }
	add := func(epoch int32) func() error {
		return func() error { _, err := l.Append(makeBatch(rng, 1, 400, 1), epoch); return err }
	}
	wait := func() error { return l.WaitDurable(ctx, l.EndOffset()) }
	step("create", open)
	step("append, first epoch", add(0))
	step("wait", wait)
	step("append", add(0))
	step("append that rolls", add(0))
	step("wait", wait)
	step("truncate to 1", func() error { return l.TruncateTo(1) })
	step("append, next epoch", add(1))
	step("append that rolls", add(1))
	step("append that rolls", add(1))
	step("clean", func() error {
		if err := l.Reconfigure(Config{SegmentBytes: 1024, IndexInterval: 100, MaxBytes: 1024}); err != nil {
			return err
		}
		_, err := l.Clean()
		return err
	})
	step("close", func() error { return l.Close() })
	step("open", open)
	step("remove", func() error { return l.Remove() })
	golden := filepath.Join("testdata", "sync-order.trace")
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(fs.Trace()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := fs.Trace(); got != string(want) {
		t.Errorf("the order changed; got:\n%s", got)
	}
}

// TestFailedSync lets a sync fail in each mode: nobody is told that his
// records are safe, and the log works again by itself.
func TestFailedSync(t *testing.T) {
	tests := []struct {
		d          Durability
		replicated bool
		end        int64 // after the repair: 5 if the tail was rewritten, 2 if it was dropped
	}{
		{Always, false, 2},
		{Always, true, 5}, // a replica may have fetched it
		{Interval, false, 5},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s, replicated %v", tt.d, tt.replicated), func(t *testing.T) {
			m := vfs.NewMem()
			fs := errorfs.New(m)
			var r recorder
			l := mustOpen(t, "d", Options{FS: fs, Config: Config{Durability: tt.d}, Replicated: tt.replicated, Events: r.events()})
			rng := newRand(1)
			mustAppend(t, l, makeBatch(rng, 2, 10, 1))
			if err := l.Flush(); err != nil {
				t.Fatal(err)
			}
			a := mustAppend(t, l, makeBatch(rng, 3, 10, 1))
			fs.Inject(errorfs.Rule{Op: errorfs.OpSync, Match: "*.log", Times: 1, Err: syscall.EIO})
			if tt.d == Interval {
				l.SetHighWatermark(a.End)
			}
			if err := l.Flush(); !errors.Is(err, ErrSync) || !errors.Is(err, syscall.EIO) {
				t.Fatalf("flush: %v", err)
			}
			if l.EndOffset() != tt.end || l.DurableOffset() != tt.end || len(r.healed) != 1 {
				t.Fatalf("end %d durable %d, want %d; %+v", l.EndOffset(), l.DurableOffset(), tt.end, r.healed)
			}
			if err := l.WaitAppended(ctx, a); tt.end == 2 && !errors.Is(err, ErrTruncated) {
				t.Fatalf("wait for lost records: %v", err)
			}
			b := mustAppend(t, l, makeBatch(rng, 4, 10, 1))
			if err := l.WaitAppended(ctx, a); tt.end == 2 && !errors.Is(err, ErrTruncated) {
				t.Fatalf("wait for lost records after others took their place: %v", err)
			}
			if err := l.WaitAppended(ctx, b); err != nil {
				t.Fatal(err)
			}
			if err := l.Flush(); err != nil {
				t.Fatal(err)
			}
			l2 := mustOpen(t, "d", Options{FS: m.CrashClone(rng)})
			got, damaged := readAll(t, l2, 0, 1<<20)
			if len(damaged) > 0 || l2.EndOffset() != b.End {
				t.Fatalf("%d batches to %d, damaged %v", len(got), l2.EndOffset(), damaged)
			}
		})
	}
}

// TestTruncationWithFaults lets each step of a truncation fail in turn, so
// that what is left to do meets appends, waits and repairs. Nothing may end up
// in the middle of the log, in this process or after a power loss.
func TestTruncationWithFaults(t *testing.T) {
	ops := []errorfs.Op{
		errorfs.OpSync, errorfs.OpSyncDir, errorfs.OpCreate, errorfs.OpRename, errorfs.OpTruncate, errorfs.OpRemove,
		errorfs.OpWrite,
	}
	for _, op := range ops {
		for skip := range 5 {
			for times := 1; times < 4; times++ {
				for _, to := range []int64{29, 21} { // in the last segment, and in the synced one before
					t.Run(fmt.Sprintf("to %d, %s after %d, %d times", to, op, skip, times), func(t *testing.T) {
						testTruncationWithFault(t, to, errorfs.Rule{Op: op, Skip: skip, Times: times, Err: syscall.EIO})
					})
				}
			}
		}
	}
}

func testTruncationWithFault(t *testing.T, to int64, rule errorfs.Rule) {
	m := vfs.NewMem()
	fs := errorfs.New(m)
	l := mustOpen(t, "d", Options{FS: fs, Config: Config{SegmentBytes: 1024}})
	rng := newRand(1)
	check := func(durable int64) {
		t.Helper()
		for range 4 {
			l := mustOpen(t, "d", Options{FS: m.CrashClone(rng)})
			if _, damaged := readAll(t, l, 0, 1<<20); len(damaged) > 0 || l.EndOffset() < durable {
				t.Fatalf("after a crash the log ends at %d, want at least %d; damaged %v", l.EndOffset(), durable, damaged)
			}
		}
		if _, damaged := readAll(t, l, 0, 1<<20); len(damaged) > 0 {
			t.Fatal(damaged[0])
		}
	}
	for range 8 {
		mustAppend(t, l, makeBatch(rng, 4, 300, 1))
	}
	fs.Inject(rule)
	_ = l.TruncateTo(to)
	check(0)
	if end := l.EndOffset(); l.WaitDurable(ctx, end) == nil {
		check(end)
	}
	if a, err := l.Append(makeBatch(rng, 3, 10, 1), 0); err == nil && l.WaitAppended(ctx, a) == nil {
		check(a.End)
	}
	fs.Clear()
	a := mustAppend(t, l, makeBatch(rng, 2, 10, 1))
	if err := l.WaitAppended(ctx, a); err != nil {
		t.Fatal(err)
	}
	check(a.End)
	if err := l.TruncateTo(a.Base); err != nil || l.EndOffset() != a.Base {
		t.Fatalf("end %d, want %d: %v", l.EndOffset(), a.Base, err)
	}
	check(a.Base)
}

// TestFailedSyncDuringRollBack lets an append fail, then the cutting of what it
// wrote, then a sync: the file is cut before the repair puts another in its
// place, not after.
func TestFailedSyncDuringRollBack(t *testing.T) {
	m := vfs.NewMem()
	fs := errorfs.New(m)
	l := mustOpen(t, "d", Options{FS: fs, Config: Config{Durability: Interval}})
	rng := newRand(1)
	a := makeBatch(rng, 4, 10, 1)
	mustAppend(t, l, a)
	fs.Inject(errorfs.Rule{Op: errorfs.OpWrite, Match: "*.log", Times: 1, Err: syscall.EIO, Short: true})
	fs.Inject(errorfs.Rule{Op: errorfs.OpTruncate, Match: "*.log", Times: 2, Err: syscall.EIO})
	fs.Inject(errorfs.Rule{Op: errorfs.OpSync, Match: "*.log", Times: 1, Err: syscall.EIO})
	if _, err := l.Append(makeBatch(rng, 3, 10, 1), 0); !errors.Is(err, syscall.EIO) {
		t.Fatalf("append: %v", err)
	}
	if err := l.Flush(); !errors.Is(err, ErrSync) {
		t.Fatalf("flush: %v", err)
	}
	fs.Clear()
	b := makeBatch(rng, 2, 10, 1)
	mustAppend(t, l, b)
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, l := range []*Log{l, mustOpen(t, "d", Options{FS: m.CrashClone(rng)})} {
		got, damaged := readAll(t, l, 0, 1<<20)
		if len(damaged) > 0 {
			t.Fatal(damaged[0])
		}
		equalBatches(t, got, []record.Batch{a, b})
	}
}

// TestFull runs out of space and gets it back.
func TestFull(t *testing.T) {
	fs := errorfs.New(vfs.NewMem())
	l := mustOpen(t, "d", Options{FS: fs})
	rng := newRand(1)
	mustAppend(t, l, makeBatch(rng, 2, 100, 1))
	fs.SetBudget(50)
	for range 3 {
		if _, err := l.Append(makeBatch(rng, 2, 100, 1), 0); !errors.Is(err, ErrFull) {
			t.Fatalf("append to a full device: %v", err)
		}
		if got, damaged := readAll(t, l, 0, 1<<20); len(got) != 1 || damaged != nil {
			t.Fatal("reads must go on")
		}
	}
	fs.Clear()
	if a := mustAppend(t, l, makeBatch(rng, 2, 100, 1)); a.Base != 2 {
		t.Fatalf("%+v", a)
	}
	mustClose(t, l)
}

// TestGroupCommit lets many wait at once: they share few syncs.
func TestGroupCommit(t *testing.T) {
	fs := errorfs.New(vfs.NewMem())
	l := mustOpen(t, "d", Options{FS: fs})
	const waiters = 64
	var wg, appended sync.WaitGroup
	appended.Add(waiters)
	fs.ResetCounts()
	// The first sync ends only when everybody has appended.
	fs.Inject(errorfs.Rule{Op: errorfs.OpSync, Match: "*.log", Times: 1, Do: appended.Wait})
	for i := range waiters {
		wg.Go(func() {
			a, err := l.Append(makeBatch(newRand(uint64(i)), 1, 10, 1), -1)
			appended.Done()
			if err == nil {
				err = l.WaitAppended(ctx, a)
			}
			if err != nil || l.DurableOffset() < a.End {
				t.Errorf("waiter %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if n := fs.Count(errorfs.OpSync); n > 2 {
		t.Errorf("%d syncs for %d waiters", n, waiters)
	}
	mustClose(t, l)
}

// TestSlowSync holds a sync: reads, appends and impatient waiters go on.
func TestSlowSync(t *testing.T) {
	fs := errorfs.New(vfs.NewMem())
	l := mustOpen(t, "d", Options{FS: fs})
	began, finish := make(chan struct{}), make(chan struct{})
	fs.Inject(errorfs.Rule{Op: errorfs.OpSync, Match: "*.log", Times: 1, Do: func() { close(began); <-finish }})
	a := mustAppend(t, l, makeBatch(newRand(1), 1, 10, 1))
	done := make(chan error)
	go func() { done <- l.WaitAppended(ctx, a) }()
	<-began
	b := mustAppend(t, l, makeBatch(newRand(1), 1, 10, 1))
	if got, _ := readAll(t, l, 0, 1<<20); len(got) != 2 {
		t.Errorf("%d batches during a sync", len(got))
	}
	impatient, cancel := context.WithCancel(ctx)
	cancel()
	if err := l.WaitAppended(impatient, b); !errors.Is(err, context.Canceled) {
		t.Errorf("impatient waiter: %v", err)
	}
	close(finish)
	if err := <-done; err != nil {
		t.Error(err)
	}
	mustClose(t, l)
}

func TestFlushIfDue(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	fs := errorfs.New(vfs.NewMem())
	l := mustOpen(t, "d", Options{FS: fs, Now: func() time.Time { return now }, Config: Config{Durability: Interval, FlushBytes: 1000}})
	a := mustAppend(t, l, makeBatch(newRand(1), 1, 10, 1))
	if l.NeedsFlush(now) || l.DurableOffset() != 0 {
		t.Fatal("flush due at once")
	}
	now = now.Add(time.Second)
	if !l.NeedsFlush(now) {
		t.Fatal("no flush due after a second")
	}
	if err := l.FlushIfDue(now); err != nil || l.DurableOffset() != a.End || l.NeedsFlush(now) {
		t.Fatalf("durable %d, %v", l.DurableOffset(), err)
	}
	fs.ResetCounts()
	if err := l.FlushIfDue(now.Add(time.Hour)); err != nil || fs.Count(errorfs.OpSync)+fs.Count(errorfs.OpWrite) > 0 {
		t.Fatal("an idle log was flushed")
	}
	b := mustAppend(t, l, makeBatch(newRand(1), 1, 2000, 1))
	if l.DurableOffset() != b.End {
		t.Fatal("more than FlushBytes unsynced")
	}
	mustClose(t, l)
}
