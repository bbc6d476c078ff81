package log

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
	"github.com/fluvio-go/fluvio/engine/log/vfs/errorfs"
	"github.com/fluvio-go/fluvio/netproto/record"
)

const lossPath = "base/d/" + lossName

// replica opens base/d as a replica of owner1.
func replica(t testing.TB, fsys vfs.FS, expected bool, ev *Events) *Log {
	t.Helper()
	return mustOpen(t, "base/d", replicaOptions(fsys, expected, ev))
}

func replicaOptions(fsys vfs.FS, expected bool, ev *Events) Options {
	return Options{
		FS: fsys, TopicID: owner1.TopicID, ClusterID: owner1.ClusterID, Replicated: true, Expected: expected,
		Epoch: 7, Events: ev, Config: Config{SegmentBytes: 1024, Durability: Interval},
	}
}

// replicaOf makes such a log with n batches of one record, all committed.
func replicaOf(t testing.TB, n int) (*vfs.Mem, []record.Batch) {
	t.Helper()
	m := vfs.NewMem()
	l := replica(t, m, false, nil)
	rng := newRand(uint64(n))
	var all []record.Batch
	for range n {
		b := makeBatch(rng, 1, 40, 1)
		mustAppend(t, l, b)
		all = append(all, b)
	}
	l.SetHighWatermark(l.EndOffset())
	mustClose(t, l)
	return m, all
}

// TestMissingLog takes away the log in every way that Open can tell.
func TestMissingLog(t *testing.T) {
	tests := map[string]struct {
		spoil func(t *testing.T, m *vfs.Mem)
		lost  bool
	}{
		"nothing":         {func(*testing.T, *vfs.Mem) {}, false},
		"everything":      {func(_ *testing.T, m *vfs.Mem) { _ = m.RemoveAll("base") }, true},
		"the directory":   {func(_ *testing.T, m *vfs.Mem) { _ = m.RemoveAll("base/d") }, true},
		"all files":       {func(t *testing.T, m *vfs.Mem) { removeFiles(t, m, "") }, true},
		"all segments":    {func(t *testing.T, m *vfs.Mem) { removeFiles(t, m, logSuffix) }, true},
		"another's":       {func(t *testing.T, m *vfs.Mem) { endFor(t, m, owner2, nil) }, true},
		"nobody knows":    {func(t *testing.T, m *vfs.Mem) { spoil(t, m, metaPath, []byte{0}); spoil(t, m, metaCopyPath, nil) }, true},
		"that of Fluvio":  {func(t *testing.T, m *vfs.Mem) { removeFiles(t, m, ".json"); removeFiles(t, m, epochsName) }, false},
		"only meta files": {func(t *testing.T, m *vfs.Mem) { removeFiles(t, m, ".json") }, true}, // epochs without an owner
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			for _, expected := range []bool{true, false} {
				m, _ := replicaOf(t, 3)
				tt.spoil(t, m)
				var r recorder
				l := replica(t, m, expected, r.events())
				want := NoLoss
				switch {
				case expected && tt.lost:
					want = LossAll
				case name == "all segments":
					want = LossTail // the other files tell of them
				}
				if x := l.Loss(); x.Kind != want || len(r.lost) > 1 || want != NoLoss && (x.Epoch != 7 || x.Reason == "") {
					t.Fatalf("expected %v: %+v, told %+v", expected, x, r.lost)
				}
				mustClose(t, l)
			}
		})
	}
}

func isSegment(name string) bool {
	_, ok := parseSegmentName(name)
	return ok
}

func removeFiles(t *testing.T, m *vfs.Mem, suffix string) {
	t.Helper()
	names, err := m.List("base/d")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, suffix) {
			if err := m.Remove("base/d/" + name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// powerCuts runs do and returns what a power loss before any of its steps, or
// after the last, may leave.
func powerCuts(m *vfs.Mem, do func(fs *errorfs.FS)) []*vfs.Mem {
	e := errorfs.New(m)
	var out []*vfs.Mem
	cut := func() {
		for seed := range uint64(12) {
			out = append(out, m.CrashClone(newRand(seed)))
		}
	}
	e.Inject(errorfs.Rule{Do: cut})
	do(e)
	cut()
	return out
}

// TestMissingLogCrash: from the moment that there is anything of the new log
// it is known to be one, whatever happens.
func TestMissingLogCrash(t *testing.T) {
	for name, gone := range map[string]func(m *vfs.Mem){
		"gone":      func(m *vfs.Mem) { _ = m.RemoveAll("base/d"); _ = m.SyncDir("base") },
		"another's": func(m *vfs.Mem) { endFor(t, m, owner2, nil) },
		"no segments": func(m *vfs.Mem) {
			removeFiles(t, m, logSuffix)
			_ = m.SyncDir("base/d")
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := replicaOf(t, 3)
			gone(m)
			known, unknown := 0, 0
			for _, c := range powerCuts(m, func(e *errorfs.FS) { replica(t, e, true, nil) }) {
				// The next start may not even be told that a log is expected.
				before := c.CrashClone(newRand(1))
				l := replica(t, c, false, nil)
				end, x := l.EndOffset(), l.Loss()
				mustClose(t, l)
				if x.Kind == LossAll {
					known++
					continue
				}
				unknown++
				o, _ := ReadOwner(before, "base/d")
				if names, _ := before.List("base/d"); end == 0 && o == owner1 && slices.ContainsFunc(names, isSegment) {
					t.Fatal("the new log is there, and nothing tells that it is one")
				}
				if end > 0 {
					continue // the rename of the other's directory was undone
				}
				// Nothing was there yet, so a start that is told finds out.
				if l := replica(t, before, true, nil); l.Loss().Kind != LossAll {
					t.Fatal("not noticed by the next start")
				}
			}
			if known == 0 || unknown == 0 {
				t.Fatalf("%d crashes before it was known, %d after", unknown, known)
			}
		})
	}
}

// TestMissingLogNothingFirst checks the order on the device: the note is there
// before any other file of the new log.
func TestMissingLogNothingFirst(t *testing.T) {
	m := vfs.NewMem()
	for _, c := range powerCuts(m, func(e *errorfs.FS) { replica(t, e, true, nil) }) {
		names, err := c.List("base/d")
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		names = slices.DeleteFunc(names, func(n string) bool { return strings.HasSuffix(n, tempSuffix) })
		if len(names) > 0 && !slices.Contains(names, lossName) {
			t.Fatalf("a crash may leave %q", names)
		}
	}
}

// TestMissingLogFaults: a log that cannot note its loss is not opened.
func TestMissingLogFaults(t *testing.T) {
	for _, op := range []errorfs.Op{errorfs.OpCreate, errorfs.OpWrite, errorfs.OpSync, errorfs.OpRename} {
		m := vfs.NewMem()
		e := errorfs.New(m)
		e.Inject(errorfs.Rule{Op: op, Match: lossName + "*", Err: syscall.EIO})
		if _, err := Open("base/d", replicaOptions(e, true, nil)); !errors.Is(err, syscall.EIO) {
			t.Fatalf("%s: %v", op, err)
		}
		e.Clear()
		if l := replica(t, e, true, nil); l.Loss().Kind != LossAll {
			t.Fatalf("%s: %+v", op, l.Loss())
		}
	}
}

func TestClearLoss(t *testing.T) {
	m := vfs.NewMem()
	e := errorfs.New(m)
	l := replica(t, e, true, nil)
	for _, op := range []errorfs.Op{errorfs.OpRemove, errorfs.OpSyncDir} {
		e.Inject(errorfs.Rule{Op: op, Times: 1, Err: syscall.EIO})
		if err := l.ClearLoss(); !errors.Is(err, syscall.EIO) || l.Loss().Kind != LossAll {
			t.Fatalf("%s: %v, %+v", op, err, l.Loss())
		}
	}
	cuts := powerCuts(m, func(*errorfs.FS) {
		if err := l.ClearLoss(); err != nil || l.Loss() != (Loss{}) {
			t.Fatalf("%v, %+v", err, l.Loss())
		}
	})
	for _, c := range cuts {
		if l := replica(t, c, false, nil); l.Loss().Kind != NoLoss {
			t.Fatalf("after a crash: %+v", l.Loss())
		}
	}
	if err := l.ClearLoss(); err != nil {
		t.Fatal(err)
	}
}

// TestShortLog cuts a log below what is known to have been there.
func TestShortLog(t *testing.T) {
	cut := func(t *testing.T, m *vfs.Mem, want []record.Batch) {
		names, err := m.List("base/d")
		if err != nil {
			t.Fatal(err)
		}
		active := ""
		for _, n := range names {
			if strings.HasSuffix(n, logSuffix) {
				active = "base/d/" + n
			}
		}
		rewriteFile(t, m, active, func(b []byte) []byte { return b[:len(b)-len(want[len(want)-1])] })
	}
	tests := map[string]struct {
		spoil func(t *testing.T, m *vfs.Mem, want []record.Batch)
		end   int64 // −1: nothing is missing
	}{
		"nothing":                  {func(*testing.T, *vfs.Mem, []record.Batch) {}, -1},
		"below the recovery point": {func(t *testing.T, m *vfs.Mem, w []record.Batch) { cut(t, m, w); spoil(t, m, "base/d/"+hwName, nil) }, 29},
		"below the high watermark": {func(t *testing.T, m *vfs.Mem, w []record.Batch) { cut(t, m, w); spoil(t, m, "base/d/"+pointName, nil) }, 29},
		"no trace of it":           {func(t *testing.T, m *vfs.Mem, w []record.Batch) { cut(t, m, w); removeFiles(t, m, ".chk") }, -1},
		"the last segment is gone": {func(t *testing.T, m *vfs.Mem, _ []record.Batch) { spoil(t, m, lastSegment(t, m), nil) }, 20},
		"zeros at the end, unsynced": {func(t *testing.T, m *vfs.Mem, w []record.Batch) {
			zeroEnd(t, m, w)
			spoil(t, m, "base/d/"+pointName, nil)
		}, 29},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m, want := replicaOf(t, 30)
			tt.spoil(t, m, want)
			syncAll(t, m)
			cuts := powerCuts(m.CrashClone(newRand(1)), func(e *errorfs.FS) {
				l := replica(t, e, true, nil)
				mustAppend(t, l, makeBatch(newRand(5), 9, 40, 1)) // the log grows beyond its old end
				l.SetHighWatermark(l.EndOffset())
				mustClose(t, l)
			})
			for i, c := range append([]*vfs.Mem{m}, cuts...) {
				l := replica(t, c, true, nil)
				x := l.Loss()
				if tt.end < 0 {
					if x.Kind != NoLoss {
						t.Fatalf("cut %d: %+v", i, x)
					}
				} else if x.Kind != LossTail || x.Offset != tt.end || x.Next != 30 || x.Epoch != 7 {
					t.Fatalf("cut %d: %+v, end %d, want %d", i, x, l.EndOffset(), tt.end)
				}
			}
		})
	}
}

// syncAll makes what a test did to the files durable.
func syncAll(t *testing.T, m *vfs.Mem) {
	t.Helper()
	names, err := m.List("base/d")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		f, err := m.OpenRW("base/d/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.SyncDir("base/d"); err != nil {
		t.Fatal(err)
	}
}

func lastSegment(t *testing.T, m *vfs.Mem) string {
	t.Helper()
	names, err := m.List("base/d")
	if err != nil {
		t.Fatal(err)
	}
	last := ""
	for _, n := range names {
		if strings.HasSuffix(n, logSuffix) {
			last = n
		}
	}
	return "base/d/" + last
}

func zeroEnd(t *testing.T, m *vfs.Mem, want []record.Batch) {
	t.Helper()
	n := len(want[len(want)-1])
	rewriteFile(t, m, lastSegment(t, m), func(b []byte) []byte { clear(b[len(b)-n:]); return b })
}

// TestShortLogAlone: without replicas the high watermark promises nothing.
func TestShortLogAlone(t *testing.T) {
	m, want := replicaOf(t, 30)
	zeroEnd(t, m, want)
	spoil(t, m, "base/d/"+pointName, nil)
	l := mustOpen(t, "base/d", Options{FS: m, Expected: true})
	if l.Loss().Kind != NoLoss || l.EndOffset() != 29 {
		t.Fatalf("%+v, end %d", l.Loss(), l.EndOffset())
	}
}

// TestDamageIsNoted flips a byte in the middle. Whoever finds it, it is known
// from then on, until the records are replaced, or expire.
func TestDamageIsNoted(t *testing.T) {
	for _, found := range []string{"open", "read"} {
		t.Run(found, func(t *testing.T) {
			m, want := replicaOf(t, 30)
			if found == "open" {
				spoil(t, m, "base/d/"+pointName, nil) // everything is read
			}
			rewriteFile(t, m, "base/d/00000000000000000000.log", func(b []byte) []byte { b[len(want[0])+70] ^= 1; return b })
			syncAll(t, m)
			var r recorder
			l := replica(t, m, true, r.events())
			if found == "read" {
				if len(r.lost) > 0 {
					t.Fatalf("known before anybody read it: %+v", r.lost)
				}
			}
			if _, damaged := readAll(t, l, 0, 1<<20); len(damaged) != 1 {
				t.Fatalf("damaged: %v", damaged)
			}
			x := l.Loss()
			if x.Kind != LossDamage || x.Offset != 1 || x.Next != 2 || len(r.lost) != 1 || l.EndOffset() != 30 {
				t.Fatalf("%+v, end %d, told %d times", x, l.EndOffset(), len(r.lost))
			}
			for _, c := range powerCuts(m, func(*errorfs.FS) {}) {
				if got := replica(t, c, true, nil).Loss(); got != x {
					t.Fatalf("after a crash: %+v", got)
				}
			}
			// Replaced by what a leader has.
			if err := l.TruncateTo(x.Offset); err != nil {
				t.Fatal(err)
			}
			if err := l.ClearLoss(); err != nil {
				t.Fatal(err)
			}
			for _, b := range want[1:] {
				if _, err := l.AppendReplica(b); err != nil {
					t.Fatal(err)
				}
			}
			got, damaged := readAll(t, l, 0, 1<<20)
			if len(damaged) > 0 {
				t.Fatal(damaged[0])
			}
			equalBatches(t, got, want)
			mustClose(t, l)
			if l = replica(t, m, true, nil); l.Loss().Kind != NoLoss {
				t.Fatalf("after the repair: %+v", l.Loss())
			}
		})
	}
}

// TestDamageExpires: records that retention removes need not be replaced.
func TestDamageExpires(t *testing.T) {
	m, want := replicaOf(t, 30)
	rewriteFile(t, m, "base/d/00000000000000000000.log", func(b []byte) []byte { b[len(want[0])+70] ^= 1; return b })
	l := replica(t, m, true, nil)
	readAll(t, l, 0, 1<<20)
	cfg := l.Config()
	cfg.MaxBytes = 2000
	if err := l.Reconfigure(cfg); err != nil {
		t.Fatal(err)
	}
	if l.Loss().Kind != LossDamage {
		t.Fatalf("%+v", l.Loss())
	}
	if n, err := l.Clean(); err != nil || n == 0 {
		t.Fatal(n, err)
	}
	if l.Loss().Kind != NoLoss {
		t.Fatalf("%+v, the log begins at %d", l.Loss(), l.StartOffset())
	}
}

// TestUnreadableSegment: a segment on a bad sector can be replaced without
// being read; any other error may pass.
func TestUnreadableSegment(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want LossKind
	}{{syscall.EIO, LossDamage}, {syscall.EMFILE, NoLoss}} {
		m, _ := replicaOf(t, 30)
		e := errorfs.New(m)
		e.Inject(errorfs.Rule{Op: errorfs.OpRead, Match: "00000000000000000000.log", Err: tt.err})
		l := replica(t, e, true, nil)
		if _, err := l.Read(3, 1<<20, 30); !errors.Is(err, ErrDamaged) {
			t.Fatalf("%v: %v", tt.err, err)
		}
		x := l.Loss()
		if x.Kind != tt.want || x.Offset != 0 {
			t.Fatalf("%v: %+v", tt.err, x)
		}
		if tt.want == LossDamage {
			if err := l.TruncateTo(x.Offset); err != nil || l.EndOffset() != 0 {
				t.Fatalf("end %d, %v", l.EndOffset(), err)
			}
		}
	}
}

// TestDroppedTail: what a replica gave up after a failed sync may have been
// counted by others.
func TestDroppedTail(t *testing.T) {
	for _, replicated := range []bool{true, false} {
		m := vfs.NewMem()
		e := errorfs.New(m)
		o := replicaOptions(e, false, nil)
		o.Replicated = replicated
		l := mustOpen(t, "base/d", o)
		mustAppend(t, l, makeBatch(newRand(1), 2, 40, 1))
		if err := l.Flush(); err != nil {
			t.Fatal(err)
		}
		l.SetEpoch(9)
		mustAppend(t, l, makeBatch(newRand(2), 3, 40, 1))
		e.Inject(errorfs.Rule{Op: errorfs.OpSync, Match: "*.log", Times: 1, Err: syscall.EIO, Do: func() {
			rewriteFile(t, m, "base/d/00000000000000000000.log", func(b []byte) []byte { clear(b[105:]); return b })
		}})
		if err := l.Flush(); !errors.Is(err, ErrSync) {
			t.Fatal(err)
		}
		x, want := l.Loss(), Loss{}
		if replicated {
			want = Loss{Kind: LossTail, Epoch: 9, Offset: 2, Next: 5, Reason: x.Reason}
		}
		if x != want || l.EndOffset() != 2 {
			t.Fatalf("replicated %v: %+v, end %d", replicated, x, l.EndOffset())
		}
	}
}

// TestLossNote damages the note itself: every bit, or all of it.
func TestLossNote(t *testing.T) {
	m := vfs.NewMem()
	mustClose(t, replica(t, m, true, nil))
	good, err := vfs.ReadFile(m, lossPath)
	if err != nil {
		t.Fatal(err)
	}
	bad := [][]byte{{}, good[:len(good)/2], make([]byte, len(good)), []byte(`{"format":2}`), []byte(`[]`)}
	for bit := range len(good) * 8 {
		b := slices.Clone(good)
		b[bit/8] ^= 1 << (bit % 8)
		bad = append(bad, b)
	}
	for _, b := range bad {
		spoil(t, m, lossPath, b)
		l := replica(t, m, false, nil)
		if x := l.Loss(); x.Kind != LossTail && x.Kind != LossAll || x.Epoch != 7 {
			t.Fatalf("%q: %+v", b, x)
		}
		mustClose(t, l)
	}
	e := errorfs.New(m)
	e.Inject(errorfs.Rule{Op: errorfs.OpOpen, Match: lossName, Err: syscall.EIO})
	if _, err := Open("base/d", replicaOptions(e, false, nil)); !errors.Is(err, syscall.EIO) {
		t.Fatalf("a note that cannot be read: %v", err)
	}
}

// TestLossAdds: several losses are one that is as bad as the worst.
func TestLossAdds(t *testing.T) {
	l := replica(t, vfs.NewMem(), false, nil)
	steps := []struct {
		kind         LossKind
		offset, next int64
		want         string
	}{
		{LossDamage, 10, 12, "damage 10-12 7 a"},
		{LossDamage, 4, 5, "damage 4-12 7 a"},
		{LossTail, 20, 30, "tail 4-30 7 c"},
		{LossDamage, 3, 4, "tail 3-30 7 c"},
		{LossAll, 0, 0, "all 0-30 7 e"},
	}
	for i, s := range steps {
		if err := l.noteLoss(s.kind, s.offset, s.next, string(rune('a'+i))); err != nil {
			t.Fatal(err)
		}
		x := l.Loss()
		if got := fmt.Sprintf("%s %d-%d %d %s", x.Kind, x.Offset, x.Next, x.Epoch, x.Reason); got != s.want {
			t.Errorf("step %d: %s, want %s", i, got, s.want)
		}
	}
	if got, want := l.Loss().Damage, (Range{3, 12}); got != want {
		t.Errorf("damage is %v, want %v", got, want)
	}
}

// TestAcceptEnd: a log whose end is accepted still has records in the middle
// that cannot be read.
func TestAcceptEnd(t *testing.T) {
	m := vfs.NewMem()
	e := errorfs.New(m)
	l := replica(t, e, true, nil) // all is gone
	if err := l.AcceptEnd(); err != nil || l.Loss() != (Loss{}) {
		t.Fatalf("%v, %+v", err, l.Loss())
	}
	for _, x := range []Loss{{Kind: LossDamage, Offset: 4, Next: 6}, {Kind: LossTail, Offset: 20, Next: 30}} {
		if err := l.noteLoss(x.Kind, x.Offset, x.Next, "why"); err != nil {
			t.Fatal(err)
		}
	}
	before := l.Loss()
	for _, op := range []errorfs.Op{errorfs.OpWrite, errorfs.OpSync, errorfs.OpRename, errorfs.OpSyncDir} {
		remove := e.Inject(errorfs.Rule{Op: op, Err: syscall.EIO})
		if err := l.AcceptEnd(); !errors.Is(err, syscall.EIO) || l.Loss() != before {
			t.Fatalf("%s: %v, %+v", op, err, l.Loss())
		}
		remove()
	}
	cuts := powerCuts(m, func(*errorfs.FS) {
		if err := l.AcceptEnd(); err != nil {
			t.Fatal(err)
		}
	})
	for _, c := range append(cuts, m) {
		if x := replica(t, c, false, nil).Loss(); x.Kind != LossDamage || x.Offset != 4 || x.Next != 6 || x.Damage != (Range{4, 6}) {
			t.Fatalf("%+v", x)
		}
	}
	if err := l.AcceptEnd(); err != nil || l.Loss().Kind != LossDamage {
		t.Fatalf("%v, %+v", err, l.Loss())
	}
}

// TestTruncationIsNoLoss: what was removed on request is not missing after a
// crash at any step, though it was committed.
func TestTruncationIsNoLoss(t *testing.T) {
	for name, cut := range map[string]func(l *Log) error{
		"truncate": func(l *Log) error { return l.TruncateTo(4) },
		"restart":  func(l *Log) error { return l.TruncateAndStartAt(2) },
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := replicaOf(t, 30)
			cuts := powerCuts(m, func(e *errorfs.FS) {
				if err := cut(replica(t, e, true, nil)); err != nil {
					t.Fatal(err)
				}
			})
			for _, c := range cuts {
				if x := replica(t, c, true, nil).Loss(); x.Kind != NoLoss {
					t.Fatalf("%+v", x)
				}
			}
		})
	}
}
