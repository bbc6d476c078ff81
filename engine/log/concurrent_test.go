package log

import (
	"errors"
	"hash/crc32"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
	"github.com/fluvio-go/fluvio/netproto/record"
)

// TestReadersDuringCleaning lets 100 readers follow a log on disk whose
// segments are removed under them: right bytes or OffsetEvicted, nothing else.
func TestReadersDuringCleaning(t *testing.T) {
	l := mustOpen(t, t.TempDir()+"/t-0", Options{Config: Config{
		SegmentBytes: 8192, IndexInterval: 512, MaxBytes: 30_000, Durability: Never,
	}})
	var sums sync.Map // offset → checksum of the batch
	var stop atomic.Bool
	var readers, writer sync.WaitGroup
	news := sync.NewCond(new(sync.Mutex))
	writer.Go(func() {
		rng := newRand(9)
		for i := range 600 {
			b := makeBatch(rng, 1+i%3, 300, 1)
			offset := l.EndOffset() // the only writer
			b.SetBaseOffset(offset)
			b.SetLeaderEpoch(0)
			sums.Store(offset, crc32.ChecksumIEEE(b))
			if _, err := l.Append(b, 0); err != nil {
				t.Error(err)
				return
			}
			news.Broadcast()
			if i%20 == 0 {
				if _, err := l.Clean(); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	for i := range 100 {
		readers.Go(func() {
			at := int64(0)
			for !stop.Load() {
				s, err := l.Read(at, 2000, l.EndOffset())
				var evicted *OffsetEvicted
				if errors.As(err, &evicted) {
					at = evicted.Next
					continue
				}
				if err != nil {
					t.Errorf("reader %d at %d: %v", i, at, err)
					return
				}
				b, err := s.Bytes(nil)
				next := s.EndOffset()
				s.Release()
				if err != nil {
					t.Errorf("reader %d at %d: %v", i, at, err)
					return
				}
				for len(b) > 0 {
					one, rest, err := record.Next(b)
					if err != nil {
						t.Errorf("reader %d at %d: %v", i, at, err)
						return
					}
					if sum, ok := sums.Load(one.BaseOffset()); !ok || sum != crc32.ChecksumIEEE(one) {
						t.Errorf("reader %d: wrong bytes at %d", i, one.BaseOffset())
						return
					}
					b = rest
				}
				at = next
				news.L.Lock()
				for at == l.EndOffset() && !stop.Load() {
					news.Wait()
				}
				news.L.Unlock()
				if i%10 == 0 {
					at = l.StartOffset() // read everything again
				}
			}
		})
	}
	writer.Wait()
	news.L.Lock()
	stop.Store(true)
	news.L.Unlock()
	news.Broadcast()
	readers.Wait()
	mustClose(t, l)
}

// TestSliceOutlivesLog reads slices after their segment, the log and the
// directory are gone.
func TestSliceOutlivesLog(t *testing.T) {
	l := mustOpen(t, t.TempDir()+"/t-0", Options{Config: Config{SegmentBytes: 1024, MaxBytes: 1}})
	b := makeBatch(newRand(1), 1, 700, 1)
	mustAppend(t, l, b)
	read := func() *Slice {
		s, err := l.Read(l.StartOffset(), 1<<20, l.EndOffset())
		if err != nil {
			t.Fatal(err)
		}
		if f, pos, n, ok := s.File(); !ok || f == nil || pos != 0 || n != int64(s.Len()) {
			t.Fatalf("file %v %d %d", f, pos, n)
		}
		return s
	}
	early := read()
	mustAppend(t, l, makeBatch(newRand(2), 1, 700, 1))
	if n, err := l.Clean(); n != 1 || err != nil {
		t.Fatalf("cleaned %d, %v", n, err)
	}
	late := read()
	if err := l.Remove(); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Slice{early, late} {
		if n, err := s.WriteTo(io.Discard); err != nil || n != int64(len(b)) {
			t.Fatalf("%d bytes, %v", n, err)
		}
		s.Release()
	}
	if _, err := l.Append(b, 0); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
}

func TestRetention(t *testing.T) {
	start := time.UnixMilli(1_800_000_000_000)
	now := start
	m := vfs.NewMem()
	m.SetClock(func() time.Time { return now })
	l := mustOpen(t, "d", Options{FS: m, Now: func() time.Time { return now }, Config: Config{Retention: time.Hour}})
	add := func(ts time.Time) { mustAppend(t, l, makeBatch(newRand(1), 1, 10, ts.UnixMilli())) }
	clean := func(want int) {
		t.Helper()
		if n, err := l.Clean(); n != want || err != nil {
			t.Fatalf("cleaned %d, want %d, %v", n, want, err)
		}
	}
	add(now)
	clean(0)
	now = now.Add(time.Hour)
	clean(1) // a quiet log: rolled by age, then removed
	if l.StartOffset() != 1 || l.EndOffset() != 1 {
		t.Fatalf("log is %d to %d", l.StartOffset(), l.EndOffset())
	}
	add(now.Add(24 * time.Hour)) // a record from the future counts from now
	now = now.Add(59 * time.Minute)
	clean(0)
	mustClose(t, l)
	l = mustOpen(t, "d", Options{FS: m, Now: func() time.Time { return now }, Config: Config{Retention: time.Hour}})
	clean(0)
	now = now.Add(time.Minute)
	clean(1)
	mustClose(t, l)
}

// TestClockJumps moves the wall clock without time passing.
func TestClockJumps(t *testing.T) {
	start := time.Now()
	jump := time.Duration(0)
	// Readings share a monotonic clock; the wall clock jumps.
	c := newClock(func() time.Time { return start })
	for _, jump = range []time.Duration{24 * time.Hour, -24 * time.Hour, 87600 * time.Hour, -87600 * time.Hour} {
		c.mu.Lock()
		c.trusted = start.Round(0)
		c.mu.Unlock()
		if got := c.believe(start.Add(jump).Round(0), time.Second); got.Sub(start.Round(0)) > 2*time.Second {
			t.Errorf("jump of %v believed: %v", jump, got)
		}
	}
	// A machine that boots in 1970 learns the time and is believed.
	c.trusted = time.Unix(100, 0)
	if got := c.believe(start.Round(0), time.Second); !got.Equal(start.Round(0)) {
		t.Errorf("after 1970: %v", got)
	}
}
