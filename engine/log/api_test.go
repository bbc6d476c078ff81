package log

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
	"github.com/fluvio-go/fluvio/engine/log/vfs/errorfs"
	"github.com/fluvio-go/fluvio/netproto/record"
)

// TestRefused offers batches that must not get in, alone and behind a good
// one. The log stays as it was and usable.
func TestRefused(t *testing.T) {
	fs := errorfs.New(vfs.NewMem())
	l := mustOpen(t, "d", Options{FS: fs, Config: Config{SegmentBytes: 1024}})
	rng := newRand(1)
	good := func() record.Batch { return makeBatch(rng, 2, 10, 1) }
	bad := func(change func(b record.Batch)) record.Batch {
		b := good()
		change(b)
		return b
	}
	tests := map[string]struct {
		b    []byte
		want error
	}{
		"nothing":        {nil, ErrEmpty},
		"torn":           {good()[:70], record.ErrTorn},
		"wrong CRC":      {bad(func(b record.Batch) { b[60] ^= 1 }), record.ErrCorrupt},
		"wrong magic":    {bad(func(b record.Batch) { b[16] = 1 }), record.ErrCorrupt},
		"no records":     {bad(func(b record.Batch) { b[26], b[25], b[24], b[23] = 255, 255, 255, 255; b.SetCRC() }), record.ErrCorrupt},
		"wrong count":    {bad(func(b record.Batch) { b[26] = 9; b.SetCRC() }), record.ErrCorrupt},
		"over a segment": {makeBatch(rng, 1, 1025-61, 1), ErrTooLarge},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			fs.ResetCounts()
			if _, err := l.Append(tt.b, 0); !errors.Is(err, tt.want) {
				t.Errorf("alone: %v, want %v", err, tt.want)
			}
			if tt.b != nil {
				if _, err := l.Append(slices.Concat(good(), tt.b), 0); !errors.Is(err, tt.want) {
					t.Errorf("behind a good one: %v, want %v", err, tt.want)
				}
			}
			if l.EndOffset() != 0 || fs.Count(errorfs.OpWrite) > 0 {
				t.Error("something was written")
			}
		})
	}
	exact := makeBatch(rng, 1, 1024-61, 1)
	for want := range int64(3) { // each fills a segment to the last byte
		if a := mustAppend(t, l, exact); a.Base != want {
			t.Fatalf("%+v", a)
		}
	}
	if len(l.segs) != 3 {
		t.Fatalf("%d segments", len(l.segs))
	}
	mustClose(t, l)
}

func TestReplicaAndEpochs(t *testing.T) {
	m := vfs.NewMem()
	leader, follower := mustOpen(t, "a", Options{FS: m}), mustOpen(t, "b", Options{FS: m, Replicated: true})
	for i, epoch := range []int32{1, 1, 4, 7} {
		if _, err := leader.Append(makeBatch(newRand(uint64(i)), 5, 10, int64(i+1)), epoch); err != nil {
			t.Fatal(err)
		}
	}
	s, err := leader.Read(0, 1<<20, leader.EndOffset())
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Bytes(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Release()
	if a, err := follower.AppendReplica(b); err != nil || a.Base != 0 || a.End != 20 {
		t.Fatalf("%+v %v", a, err)
	}
	var mismatch *OffsetMismatch
	if _, err := follower.AppendReplica(b); !errors.As(err, &mismatch) || mismatch.Want != 20 {
		t.Fatal(err)
	}
	check := func(l *Log) {
		t.Helper()
		for _, tt := range []struct {
			ask, epoch int32
			end        int64
		}{{0, -1, 0}, {1, 1, 10}, {3, 1, 10}, {4, 4, 15}, {6, 4, 15}, {7, 7, 20}, {math.MaxInt32, 7, 20}} {
			if e, end := l.EpochEnd(tt.ask); e != tt.epoch || end != tt.end {
				t.Errorf("epoch %d ends: %d %d, want %d %d", tt.ask, e, end, tt.epoch, tt.end)
			}
		}
	}
	check(leader)
	check(follower)
	follower.SetHighWatermark(12)
	for ms, want := range map[int64]int64{0: 0, 1: 0, 2: 5, 4: 15, 5: 20} {
		if o, err := follower.OffsetForTime(ms); o != want || err != nil {
			t.Errorf("offset for %d ms: %d %v, want %d", ms, o, err, want)
		}
	}
	mustClose(t, follower)
	if err := m.Remove("b/" + epochsName); err != nil {
		t.Fatal(err)
	}
	follower = mustOpen(t, "b", Options{FS: m, Replicated: true})
	check(follower)
	if hw := follower.HighWatermark(); hw != 12 {
		t.Errorf("high watermark %d", hw)
	}
	if err := follower.TruncateTo(12); err != nil || follower.EndOffset() != 10 || follower.HighWatermark() != 10 {
		t.Fatalf("end %d, %v", follower.EndOffset(), err)
	}
	if e, start := follower.LatestEpoch(); e != 1 || start != 0 {
		t.Errorf("latest epoch %d from %d", e, start)
	}
	mustClose(t, follower)
	mustClose(t, leader)
}

func TestReadBounds(t *testing.T) {
	l := memLog(t, Config{SegmentBytes: 1024})
	for i := range uint64(10) {
		mustAppend(t, l, makeBatch(newRand(i), 3, 300, 1))
	}
	end := l.EndOffset()
	var out *OffsetOutOfRange
	if _, err := l.Read(end+1, 1, end); !errors.As(err, &out) || out.Offset != end+1 || out.End != end {
		t.Error(err)
	}
	for hw := range end + 1 {
		for start := range end + 1 {
			s, err := l.Read(start, 1<<20, hw)
			if err != nil {
				t.Fatal(err)
			}
			if s.Len() > 0 && s.EndOffset() > hw {
				t.Fatalf("read %d below %d returned up to %d", start, hw, s.EndOffset())
			}
			if (s.Len() > 0) != (start/3*3+3 <= hw && start < hw) {
				t.Fatalf("read %d below %d returned %d bytes", start, hw, s.Len())
			}
			s.Release()
		}
	}
	mustClose(t, l)
}

func TestConfig(t *testing.T) {
	_, err := Open("d", Options{FS: vfs.NewMem(), Config: Config{SegmentBytes: 1023, Retention: -1, Durability: Auto}})
	if err == nil || len(err.(interface{ Unwrap() error }).Unwrap().(interface{ Unwrap() []error }).Unwrap()) != 3 {
		t.Errorf("not everything wrong is reported: %v", err)
	}
	for d := Always; d <= Auto; d++ {
		if got, err := ParseDurability(d.String()); got != d || err != nil {
			t.Errorf("%v: %v %v", d, got, err)
		}
	}
	if _, err := ParseDurability("often"); err == nil {
		t.Error("often was accepted")
	}
}

// TestIdleCost opens many logs: none keeps a file open or reads content.
func TestIdleCost(t *testing.T) {
	l := memLog(t, Config{SegmentBytes: 1024})
	for i := range uint64(20) {
		mustAppend(t, l, makeBatch(newRand(i), 1, 300, 1))
	}
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := l.Clean(); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range l.segs {
		if s.file != nil || s.idx.loaded || s.good != nil {
			t.Fatalf("segment %d is still open", s.base)
		}
	}
	if got, damaged := readAll(t, l, 0, 100); len(got) != 20 || damaged != nil {
		t.Fatalf("%d batches, %v", len(got), damaged)
	}
	mustAppend(t, l, makeBatch(newRand(1), 1, 300, 1))
	mustClose(t, l)
}

// TestManyOffsets appends small batches that claim as many records as a header
// can. Offsets relative to a segment must not overflow.
func TestManyOffsets(t *testing.T) {
	rng := newRand(1)
	m := vfs.NewMem()
	c := Config{IndexInterval: 1}
	l := mustOpen(t, "d", Options{FS: m, Config: c})
	var want []record.Batch
	for i := range 9 {
		b := makeBatch(rng, math.MaxInt32-i, 10, 1)
		b[22] = 1 // gzip: the count cannot be checked
		b.SetCRC()
		mustAppend(t, l, b)
		want = append(want, b)
	}
	check := func() {
		t.Helper()
		got, damaged := readAll(t, l, 0, 100)
		if len(damaged) > 0 {
			t.Fatal(damaged[0])
		}
		equalBatches(t, got, want)
		for _, b := range want {
			s, err := l.Read(b.NextOffset()-1, 1, l.EndOffset())
			if err != nil || s.StartOffset() != b.BaseOffset() {
				t.Fatalf("read offset %d: %+v, %v", b.NextOffset()-1, s, err)
			}
			s.Release()
		}
	}
	check()
	mustClose(t, l)
	l = mustOpen(t, "d", Options{FS: m, Config: c})
	check()
	if err := m.Remove(pointPath("d")); err != nil {
		t.Fatal(err)
	}
	l = mustOpen(t, "d", Options{FS: m, Config: c})
	check()
	if err := l.TruncateTo(want[7].BaseOffset() + 1); err != nil || l.EndOffset() != want[7].BaseOffset() {
		t.Fatalf("end %d, %v", l.EndOffset(), err)
	}
	mustClose(t, l)
}
