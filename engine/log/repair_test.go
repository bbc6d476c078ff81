package log

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
	"github.com/fluvio-go/fluvio/engine/log/vfs/errorfs"
	"github.com/fluvio-go/fluvio/netproto/record"
)

// recorder keeps the events of a log.
type recorder struct {
	truncated   []Truncated
	quarantined []Quarantined
	rebuilt     []Rebuilt
	aside       []SetAside
	healed      []Healed
	lost        []Lost
}

func (r *recorder) events() *Events {
	return &Events{
		Truncated:   func(e Truncated) { r.truncated = append(r.truncated, e) },
		Quarantined: func(e Quarantined) { r.quarantined = append(r.quarantined, e) },
		Rebuilt:     func(e Rebuilt) { r.rebuilt = append(r.rebuilt, e) },
		SetAside:    func(e SetAside) { r.aside = append(r.aside, e) },
		Healed:      func(e Healed) { r.healed = append(r.healed, e) },
		Lost:        func(e Lost) { r.lost = append(r.lost, e) },
	}
}

// fill appends n batches of one to four records and closes the log.
func fill(t testing.TB, m vfs.FS, c Config, n int) []record.Batch {
	t.Helper()
	rng := newRand(uint64(n))
	l := mustOpen(t, "d", Options{FS: m, Config: c})
	var all []record.Batch
	for range n {
		b := makeBatch(rng, 1+rng.IntN(4), 20+rng.IntN(60), 1)
		mustAppend(t, l, b)
		all = append(all, b)
	}
	mustClose(t, l)
	return all
}

func rewriteFile(t testing.TB, fsys vfs.FS, name string, change func([]byte) []byte) {
	t.Helper()
	b, err := vfs.ReadFile(fsys, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := vfs.WriteFile(fsys, name, change(b)); err != nil {
		t.Fatal(err)
	}
}

func equalBatches(t testing.TB, got, want []record.Batch) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d batches, want %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("batch %d differs: offset %d, want %d", i, got[i].BaseOffset(), want[i].BaseOffset())
		}
	}
}

const first0 = "d/00000000000000000000.log"

// TestTornTail cuts the log at every byte of its last three batches, and puts
// zeros, noise or a copy of earlier batches behind the cut.
func TestTornTail(t *testing.T) {
	m := vfs.NewMem()
	want := fill(t, m, Config{}, 12)
	whole, err := vfs.ReadFile(m, first0)
	if err != nil {
		t.Fatal(err)
	}
	keep := len(whole)
	for _, b := range want[9:] {
		keep -= len(b)
	}
	noise := make([]byte, 700)
	rng := newRand(7)
	for i := range noise {
		noise[i] = byte(rng.Uint32())
	}
	tails := map[string][]byte{
		"nothing": nil, "zeros": make([]byte, 700), "noise": noise, "copy of the last batches": whole[keep:], "copy of all": whole,
	}
	for name, tail := range tails {
		t.Run(name, func(t *testing.T) {
			for cut := keep; cut <= len(whole); cut++ {
				m := vfs.NewMem()
				fill(t, m, Config{}, 12)
				_ = m.Remove("d/" + pointName) // as if nothing had been synced
				vfs.WriteFile(m, first0, slices.Concat(whole[:cut], tail))
				left, size := want, 0
				for i, b := range want {
					if size += len(b); size > cut {
						left, size = want[:i], size-len(b)
						break
					}
				}
				var r recorder
				l := mustOpen(t, "d", Options{FS: m, Events: r.events()})
				got, damaged := readAll(t, l, 0, 1<<20)
				if len(damaged) > 0 {
					t.Fatalf("cut at %d: %v", cut, damaged[0])
				}
				if len(got) < len(left) {
					t.Fatalf("cut at %d: %d batches, want %d", cut, len(got), len(left))
				}
				// A copy may happen to continue the log exactly.
				equalBatches(t, got, want[:len(got)])
				if lost := cut+len(tail)-size > 0; lost && len(got) == len(left) && len(r.truncated) != 1 {
					t.Fatalf("cut at %d: %d truncations reported", cut, len(r.truncated))
				}
				next := makeBatch(rng, 1, 10, 1)
				if a := mustAppend(t, l, next); a.Base != got[len(got)-1].NextOffset() {
					t.Fatalf("append after repair at %d", a.Base)
				}
				mustClose(t, l)
			}
		})
	}
}

// TestFlippedBit flips each byte of a batch in the middle, in every state the
// log can be in. Exactly that batch becomes unreadable.
func TestFlippedBit(t *testing.T) {
	sealed := Config{SegmentBytes: 1024}
	tests := map[string]struct {
		cfg   Config
		point bool // keep the recovery point: the bytes are known to be durable
	}{
		"active, closed":         {Config{}, true},
		"active, nothing synced": {Config{}, false},
		"sealed, closed":         {sealed, true},
		"sealed, nothing synced": {sealed, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for pos := range 200 {
				m := vfs.NewMem()
				want := fill(t, m, tt.cfg, 30)
				if !tt.point {
					_ = m.Remove("d/" + pointName)
				}
				start := len(want[0]) + len(want[1])
				victim := want[2]
				if pos >= len(victim) {
					break
				}
				if pos >= 12 && pos < 16 {
					continue // leader epoch: not protected by anything
				}
				rewriteFile(t, m, first0, func(b []byte) []byte { b[start+pos] ^= 0x10; return b })
				var r recorder
				l := mustOpen(t, "d", Options{FS: m, Config: tt.cfg, Events: r.events()})
				for range 2 { // the second time it is remembered
					got, damaged := readAll(t, l, 0, 1<<20)
					equalBatches(t, got, slices.Concat(want[:2], want[3:]))
					if len(damaged) != 1 {
						t.Fatalf("byte %d: %d damaged ranges", pos, len(damaged))
					}
					d := damaged[0]
					if d.Offset != victim.BaseOffset() || d.Next != victim.NextOffset() || d.Position != int64(start) || d.File != first0 {
						t.Fatalf("byte %d: %v", pos, d)
					}
					if !errors.Is(d, ErrDamaged) || !errors.Is(d, record.ErrCorrupt) {
						t.Fatalf("byte %d: %#v", pos, d.Err)
					}
				}
				if len(r.quarantined) != 1 || r.quarantined[0].Aside == "" {
					t.Fatalf("byte %d: reported %+v", pos, r.quarantined)
				}
				aside, err := vfs.ReadFile(m, r.quarantined[0].Aside)
				if err != nil || len(aside) != len(victim) {
					t.Fatalf("byte %d: %d bytes set aside, %v", pos, len(aside), err)
				}
				end := l.EndOffset()
				if a := mustAppend(t, l, makeBatch(newRand(1), 1, 10, 1)); a.Base != end {
					t.Fatal(a)
				}
				mustClose(t, l)
				l = mustOpen(t, "d", Options{FS: m, Config: tt.cfg})
				got, damaged := readAll(t, l, 0, 300)
				if len(damaged) != 1 || len(got) != len(want) || l.EndOffset() != end+1 {
					t.Fatalf("byte %d: reopened: %d batches, %v", pos, len(got), damaged)
				}
				mustClose(t, l)
			}
		})
	}
}

// TestLastBatchFlipped damages the newest record of a closed log. It was
// acknowledged, so it must not be taken for a torn tail.
func TestLastBatchFlipped(t *testing.T) {
	for _, pos := range []int{0, 9, 16, 20, 30, 70} {
		m := vfs.NewMem()
		want := fill(t, m, Config{}, 10)
		last := want[9]
		rewriteFile(t, m, first0, func(b []byte) []byte { b[len(b)-len(last)+pos] ^= 1; return b })
		l := mustOpen(t, "d", Options{FS: m})
		got, damaged := readAll(t, l, 0, 1<<20)
		equalBatches(t, got, want[:9])
		if len(damaged) != 1 || damaged[0].Next != last.NextOffset() || l.EndOffset() != last.NextOffset() {
			t.Fatalf("byte %d: end %d, %v", pos, l.EndOffset(), damaged)
		}
		mustClose(t, l)
	}
}

// TestDerivedFiles damages every file that is not a segment. All records stay.
func TestDerivedFiles(t *testing.T) {
	noise := func(n int) []byte {
		b := make([]byte, n)
		rng := newRand(3)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}
	changes := map[string]func([]byte) []byte{
		"empty":     func([]byte) []byte { return nil },
		"cut":       func(b []byte) []byte { return b[:len(b)/2] },
		"odd":       func(b []byte) []byte { return append(b, 1, 2, 3) },
		"noise":     func(b []byte) []byte { return noise(len(b)) },
		"long":      func(b []byte) []byte { return append(b, noise(4096)...) },
		"zeros":     func(b []byte) []byte { return make([]byte, len(b)) },
		"more zero": func(b []byte) []byte { return append(b, make([]byte, 4096)...) },
		"past the end": func(b []byte) []byte {
			return append(b, 0x7f, 0, 0, 0, 0x7f, 0, 0, 0)
		},
		"shifted": func(b []byte) []byte {
			for i := 7; i < len(b); i += 8 {
				b[i]++
			}
			return b
		},
		"deleted": nil,
	}
	cfg := Config{SegmentBytes: 2048, IndexInterval: 100}
	probe := vfs.NewMem()
	fill(t, probe, cfg, 60)
	names, _ := probe.List("d")
	for _, name := range names {
		if strings.HasSuffix(name, logSuffix) {
			continue
		}
		for what, change := range changes {
			t.Run(name+"/"+what, func(t *testing.T) {
				m := vfs.NewMem()
				want := fill(t, m, cfg, 60)
				if change == nil {
					m.Remove("d/" + name)
				} else {
					rewriteFile(t, m, "d/"+name, change)
				}
				for range 2 {
					l := mustOpen(t, "d", Options{FS: m, Config: cfg})
					got, damaged := readAll(t, l, 0, 500)
					if len(damaged) > 0 {
						t.Fatal(damaged[0])
					}
					equalBatches(t, got, want)
					for o := range l.EndOffset() {
						s, err := l.Read(o, 1, l.EndOffset())
						if err != nil || s.StartOffset() > o || s.EndOffset() <= o {
							t.Fatalf("read %d: %v", o, err)
						}
						s.Release()
					}
					mustClose(t, l)
				}
			})
		}
	}
}

// TestStaleFiles opens a log beside derived files of an earlier and of a
// later state of it.
func TestStaleFiles(t *testing.T) {
	cfg := Config{SegmentBytes: 2048, IndexInterval: 100}
	for _, tt := range []struct{ log, files int }{{60, 20}, {20, 60}, {60, 1}, {14, 60}} {
		m, old := vfs.NewMem(), vfs.NewMem()
		rngFill := func(m vfs.FS, n int) []record.Batch {
			l := mustOpen(t, "d", Options{FS: m, Config: cfg})
			rng := newRand(5)
			var all []record.Batch
			for range n {
				b := makeBatch(rng, 1+rng.IntN(4), 20+rng.IntN(60), 1)
				mustAppend(t, l, b)
				all = append(all, b)
			}
			mustClose(t, l)
			return all
		}
		want := rngFill(m, tt.log)
		rngFill(old, tt.files)
		names, _ := old.List("d")
		for _, name := range names {
			if !strings.HasSuffix(name, logSuffix) {
				b, _ := vfs.ReadFile(old, "d/"+name)
				vfs.WriteFile(m, "d/"+name, b)
			}
		}
		l := mustOpen(t, "d", Options{FS: m, Config: cfg, Replicated: true})
		got, damaged := readAll(t, l, 0, 500)
		if len(damaged) > 0 {
			t.Fatal(damaged[0])
		}
		equalBatches(t, got, want)
		if hw := l.HighWatermark(); hw > l.EndOffset() {
			t.Fatalf("high watermark %d above the end %d", hw, l.EndOffset())
		}
		mustClose(t, l)
	}
}

// TestMissingSegment removes or blocks a segment in the middle.
// TestStaleTail brings back, after a truncation, the end of a segment and the
// index entries for it, as a power loss can. Both are beyond the next segment.
func TestStaleTail(t *testing.T) {
	m := vfs.NewMem()
	c := Config{IndexInterval: 64}
	want := fill(t, m, c, 8)
	const index = "d/00000000000000000000.index"
	oldLog, err := vfs.ReadFile(m, first0)
	if err != nil {
		t.Fatal(err)
	}
	oldIndex, err := vfs.ReadFile(m, index)
	if err != nil || len(oldIndex) < 2*indexEntrySize {
		t.Fatalf("index of %d bytes, %v", len(oldIndex), err)
	}
	l := mustOpen(t, "d", Options{FS: m, Config: c})
	if err := l.TruncateTo(want[3].BaseOffset()); err != nil {
		t.Fatal(err)
	}
	b := makeBatch(newRand(2), 30, 10, 1)
	mustAppend(t, l, b)
	want = append(want[:3], b)
	mustClose(t, l)
	for n := len(oldIndex); n >= 0; n -= indexEntrySize {
		vfs.WriteFile(m, first0, oldLog)
		vfs.WriteFile(m, index, oldIndex[:n])
		l = mustOpen(t, "d", Options{FS: m, Config: c})
		got, damaged := readAll(t, l, 0, 1<<20)
		if len(damaged) > 0 {
			t.Fatalf("index of %d bytes: %v", n, damaged[0])
		}
		equalBatches(t, got, want)
		mustClose(t, l)
	}
}

func TestMissingSegment(t *testing.T) {
	cfg := Config{SegmentBytes: 1024}
	for _, how := range []string{"removed", "unreadable", "unopenable"} {
		t.Run(how, func(t *testing.T) {
			m := vfs.NewMem()
			want := fill(t, m, cfg, 60)
			bases, _ := (&Log{fs: m, dir: "d"}).list()
			lost := filepath.Base(segmentPath("d", bases[2]))
			fs := errorfs.New(m)
			switch how {
			case "removed":
				m.Remove("d/" + lost)
			case "unreadable":
				fs.Inject(errorfs.Rule{Op: errorfs.OpRead, Match: lost, Err: syscall.EIO})
			case "unopenable":
				fs.Inject(errorfs.Rule{Op: errorfs.OpOpen, Match: lost, Err: syscall.EACCES})
				fs.Inject(errorfs.Rule{Op: errorfs.OpOpenRW, Match: lost, Err: syscall.EACCES})
			}
			var r recorder
			l := mustOpen(t, "d", Options{FS: fs, Config: cfg, Events: r.events()})
			if len(r.quarantined) != 1 || r.quarantined[0].Offset != bases[2] || r.quarantined[0].Next != bases[3] {
				t.Fatalf("reported %+v", r.quarantined)
			}
			got, damaged := readAll(t, l, 0, 1<<20)
			left := slices.DeleteFunc(slices.Clone(want), func(b record.Batch) bool {
				return b.BaseOffset() >= bases[2] && b.BaseOffset() < bases[3]
			})
			equalBatches(t, got, left)
			if len(damaged) == 0 {
				t.Fatal("no damage reported to the reader")
			}
			if l.EndOffset() != want[59].NextOffset() {
				t.Fatalf("end %d", l.EndOffset())
			}
			fs.Clear()
			if how != "removed" { // and comes back by itself
				got, damaged = readAll(t, l, 0, 1<<20)
				if len(damaged) > 0 {
					t.Fatal(damaged[0])
				}
				equalBatches(t, got, want)
			}
			mustClose(t, l)
		})
	}
}

// TestFluvioDirectory opens a directory as Fluvio leaves it: sparse index,
// 8-byte checkpoint, nothing else, epochs unknown.
func TestFluvioDirectory(t *testing.T) {
	dir := filepath.Join("testdata", "fluvio", "orders-0")
	tmp := filepath.Join(t.TempDir(), "orders-0")
	if err := os.CopyFS(tmp, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	// The active index is 10 MiB of mostly nothing; not for a repository.
	if err := os.Truncate(filepath.Join(tmp, "00000000000000000006.index"), 10<<20); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		l := mustOpen(t, tmp, Options{})
		if l.StartOffset() != 0 || l.EndOffset() != 40+int64(i) || l.HighWatermark() != l.EndOffset() {
			t.Fatalf("start %d end %d hw %d", l.StartOffset(), l.EndOffset(), l.HighWatermark())
		}
		got, damaged := readAll(t, l, 0, 1<<20)
		if len(damaged) > 0 {
			t.Fatal(damaged[0])
		}
		if len(got) < 20 || got[0].LeaderEpoch() != -1 {
			t.Fatalf("%d batches, epoch %d", len(got), got[0].LeaderEpoch())
		}
		if size := l.Size(); size > 64<<10 {
			t.Fatalf("size is %d bytes", size)
		}
		mustAppend(t, l, makeBatch(newRand(1), 1, 10, 1))
		mustClose(t, l)
	}
	if fi, err := os.Stat(filepath.Join(tmp, "00000000000000000006.index")); err != nil || fi.Size() > 1024 {
		t.Fatalf("index has %d bytes, %v", fi.Size(), err)
	}
}

// TestWriteFluvioDirectory writes the fixture of TestFluvioDirectory when
// asked to, byte by byte after the format of Fluvio.
func TestWriteFluvioDirectory(t *testing.T) {
	if os.Getenv("WRITE_FIXTURES") == "" {
		t.Skip("set WRITE_FIXTURES to write testdata/fluvio")
	}
	dir := filepath.Join("testdata", "fluvio", "orders-0")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	rng := newRand(42)
	offset := int64(0)
	segment := func(batches, size int) (base int64, log, index []byte) {
		base = offset
		sum := 0
		for range batches {
			b := makeBatch(rng, 2, size, 1_700_000_000_000)
			b.SetBaseOffset(offset)
			if sum < 4096 {
				sum += len(b)
			} else {
				index = putEntries(index, []entry{{uint32(offset - base), uint32(len(log))}})
				sum = 0
			}
			log = append(log, b...)
			offset = b.NextOffset()
		}
		return base, log, index
	}
	write := func(base int64, ext string, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%020d.%s", base, ext)), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	base, log, _ := segment(3, 200)
	write(base, "log", log)
	write(base, "index", make([]byte, 8)) // rolled below the interval: one zero entry
	base, log, index := segment(17, 900)
	write(base, "log", log)
	write(base, "index", index)
	if err := os.WriteFile(filepath.Join(dir, hwName), []byte{0, 0, 0, 0, 0, 0, 0, 38}, 0o644); err != nil {
		t.Fatal(err)
	}
}
