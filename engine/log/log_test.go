package log

import (
	"bytes"
	"testing"

	"github.com/fluvio-go/fluvio/netproto/record"
)

func TestAppendReadReopen(t *testing.T) {
	rng := newRand(1)
	dir := t.TempDir() + "/t-0"
	c := Config{SegmentBytes: 4096, IndexInterval: 256}
	l := mustOpen(t, dir, Options{Config: c})
	var want []record.Batch
	var offset int64
	for range 100 {
		b := makeBatch(rng, 1+rng.IntN(5), rng.IntN(600), 1)
		a := mustAppend(t, l, b)
		if a.Base != offset || a.End != b.NextOffset() {
			t.Fatalf("appended %+v, want base %d", a, offset)
		}
		offset = a.End
		want = append(want, b)
		if err := l.WaitAppended(ctx, a); err != nil {
			t.Fatal(err)
		}
	}
	check := func() {
		t.Helper()
		for _, max := range []int{1, 100, 2000, 1 << 20} {
			got, damaged := readAll(t, l, 0, max)
			if len(damaged) > 0 || len(got) != len(want) {
				t.Fatalf("%d batches and %d damaged, want %d", len(got), len(damaged), len(want))
			}
			for i := range got {
				if !bytes.Equal(got[i], want[i]) {
					t.Fatalf("batch %d differs", i)
				}
			}
		}
		for o := range offset {
			s, err := l.Read(o, 1, offset)
			if err != nil {
				t.Fatal(err)
			}
			if s.StartOffset() > o || s.EndOffset() <= o {
				t.Fatalf("read %d: slice %d to %d", o, s.StartOffset(), s.EndOffset())
			}
			s.Release()
		}
	}
	check()
	size := l.Size()
	mustClose(t, l)
	l = mustOpen(t, dir, Options{Config: c})
	if l.Size() != size || l.EndOffset() != offset || l.HighWatermark() != offset {
		t.Fatalf("size %d end %d hw %d, want %d %d", l.Size(), l.EndOffset(), l.HighWatermark(), size, offset)
	}
	check()
	mustClose(t, l)
}
