package log

import (
	"io"
	"testing"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
)

func benchLog(b *testing.B, c Config) *Log {
	b.Helper()
	l := mustOpen(b, b.TempDir()+"/t-0", Options{Config: c})
	b.Cleanup(func() { _ = l.Remove() })
	return l
}

func BenchmarkAppend16K(b *testing.B) {
	l := benchLog(b, Config{Durability: Never})
	batch := makeBatch(newRand(1), 100, 16<<10-61, 1)
	b.SetBytes(int64(len(batch)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Append(batch, 0); err != nil {
			b.Fatal(err)
		}
		if l.EndOffset()%(100*16384) == 0 { // keep to a quarter of a gigabyte
			b.StopTimer()
			if err := l.TruncateAndStartAt(0); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	}
}

func BenchmarkGroupCommit(b *testing.B) {
	l := benchLog(b, Config{})
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		batch := makeBatch(newRand(1), 10, 1000, 1)
		for pb.Next() {
			a, err := l.Append(batch, -1)
			if err == nil {
				err = l.WaitAppended(ctx, a)
			}
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkIndexLookup(b *testing.B) {
	// A segment of 1 GiB has about 262,144 entries.
	var x index
	for i := range uint32(262_144) {
		x.cache = append(x.cache, entry{i*40 + 40, i*4096 + 4096})
	}
	rng := newRand(1)
	targets := make([]uint32, 4096)
	for i := range targets {
		targets[i] = uint32(rng.IntN(262_144 * 40))
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if e := x.floor(targets[i%len(targets)]); e.rel > targets[i%len(targets)] {
			b.Fatal("wrong entry")
		}
		i++
	}
}

func benchFilled(b *testing.B, batches, size int) *Log {
	b.Helper()
	l := benchLog(b, Config{Durability: Never})
	batch := makeBatch(newRand(1), 100, size-61, 1)
	for range batches {
		if _, err := l.Append(batch, 0); err != nil {
			b.Fatal(err)
		}
	}
	return l
}

func BenchmarkReadSequential(b *testing.B) {
	l := benchFilled(b, 4096, 16<<10)
	end, at := l.EndOffset(), int64(0)
	b.SetBytes(1 << 20)
	b.ReportAllocs()
	for b.Loop() {
		s, err := l.Read(at, 1<<20, end)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.WriteTo(io.Discard); err != nil {
			b.Fatal(err)
		}
		if at = s.EndOffset(); at >= end {
			at = 0
		}
		s.Release()
	}
}

// BenchmarkReadTail finds the newest batch, as a consumer at the end does.
func BenchmarkReadTail(b *testing.B) {
	l := benchFilled(b, 4096, 1<<10)
	end := l.EndOffset()
	b.ReportAllocs()
	for b.Loop() {
		s, err := l.Read(end-1, 1<<20, end)
		if err != nil {
			b.Fatal(err)
		}
		s.Release()
	}
}

func BenchmarkRecoveryScan(b *testing.B) {
	l := benchFilled(b, 16384, 16<<10)
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(16384 * 16 << 10)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		_ = vfs.Disk.Remove(pointPath(l.dir))
		b.StartTimer()
		r, err := Open(l.dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		_ = r.Close()
		b.StartTimer()
	}
}
