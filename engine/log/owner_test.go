package log

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
	"github.com/fluvio-go/fluvio/engine/log/vfs/errorfs"
)

func TestForeignDirectory(t *testing.T) {
	m := vfs.NewMem()
	open := func(topic byte, cluster string, r *recorder) *Log {
		return mustOpen(t, "base/d", Options{
			FS: m, TopicID: [16]byte{topic}, ClusterID: cluster, Events: r.events(), Now: at(1_800_000_000_000),
		})
	}
	var r recorder
	l := open(1, "a", &r)
	mustAppend(t, l, makeBatch(newRand(1), 3, 10, 1))
	mustClose(t, l)
	l = open(2, "a", &r)
	if l.EndOffset() != 0 || len(r.aside) != 1 {
		t.Fatalf("end %d, set aside %+v", l.EndOffset(), r.aside)
	}
	mustClose(t, l)
	l = open(2, "b", &r)
	mustClose(t, l)
	if len(r.aside) != 2 || r.aside[0].To == r.aside[1].To {
		t.Fatalf("set aside %+v", r.aside)
	}
	l = mustOpen(t, r.aside[0].To, Options{FS: m}) // nothing was lost
	if l.EndOffset() != 3 {
		t.Fatalf("end %d", l.EndOffset())
	}
	mustClose(t, l)
	vfs.WriteFile(m, "base/d/"+metaName, []byte(`{"format":2}`))
	if _, err := Open("base/d", Options{FS: m}); !errors.Is(err, ErrNewerFormat) {
		t.Fatal(err)
	}
}

// owned makes a log of three records in base/d that belongs to owner1.
func owned(t testing.TB) *vfs.Mem {
	t.Helper()
	m := vfs.NewMem()
	l := mustOpen(t, "base/d", Options{FS: m, TopicID: owner1.TopicID, ClusterID: owner1.ClusterID})
	mustAppend(t, l, makeBatch(newRand(1), 3, 10, 1))
	mustClose(t, l)
	return m
}

var (
	owner1 = Owner{TopicID: [16]byte{1, 0xab}, ClusterID: "a"}
	owner2 = Owner{TopicID: [16]byte{2, 0xcd}, ClusterID: "a"}
)

const (
	metaPath     = "base/d/" + metaName
	metaCopyPath = "base/d/" + metaCopyName
)

// endFor opens base/d for an owner and returns the end of what that owner
// gets.
func endFor(t testing.TB, fsys vfs.FS, o Owner, ev *Events) int64 {
	t.Helper()
	l := mustOpen(t, "base/d", Options{FS: fsys, TopicID: o.TopicID, ClusterID: o.ClusterID, Events: ev})
	end := l.EndOffset()
	mustClose(t, l)
	return end
}

func spoil(t testing.TB, m vfs.FS, path string, content []byte) {
	t.Helper()
	if content == nil {
		if err := m.Remove(path); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := vfs.WriteFile(m, path, content); err != nil {
		t.Fatal(err)
	}
}

// TestDamagedMeta damages meta.json, its copy, or both. One of them is enough;
// with none the records are served to nobody who asks whose they are.
func TestDamagedMeta(t *testing.T) {
	good, err := vfs.ReadFile(owned(t), metaPath)
	if err != nil {
		t.Fatal(err)
	}
	damage := map[string][]byte{
		"empty": {}, "cut": good[:len(good)/2], "zeros": make([]byte, len(good)), "other JSON": []byte(`{"a":1}`),
		"gone": nil, "bad id": []byte(`{"format":1,"topic_id":"xy"}`), "list": []byte(`[]`),
	}
	for name, b := range damage {
		t.Run(name, func(t *testing.T) {
			for _, one := range []string{metaPath, metaCopyPath} {
				m := owned(t)
				spoil(t, m, one, b)
				var r recorder
				if end := endFor(t, m, owner1, r.events()); end != 3 || len(r.rebuilt) != 1 {
					t.Fatalf("%s damaged: end %d, rebuilt %+v", one, end, r.rebuilt)
				}
				if got, _ := vfs.ReadFile(m, one); string(got) != string(good) {
					t.Fatalf("%s holds %q", one, got)
				}
				spoil(t, m, one, b)
				if end := endFor(t, m, owner2, nil); end != 0 {
					t.Fatalf("%s damaged: served to another topic", one)
				}
			}
			m := owned(t)
			spoil(t, m, metaPath, b)
			spoil(t, m, metaCopyPath, b)
			want := ErrDamaged
			if b == nil {
				want = fs.ErrNotExist
			}
			if _, err := ReadOwner(m, "base/d"); !errors.Is(err, want) {
				t.Fatalf("owner: %v", err)
			}
			if end := endFor(t, m, Owner{}, nil); end != 3 {
				t.Fatalf("end %d for somebody who does not ask", end)
			}
			var r recorder
			if end := endFor(t, m, owner1, r.events()); end != 0 || len(r.aside) != 1 {
				t.Fatalf("end %d, set aside %+v", end, r.aside)
			}
			if end := endFor(t, m, owner1, r.events()); end != 0 || len(r.aside) != 1 {
				t.Fatalf("again: end %d, set aside %+v", end, r.aside)
			}
			l := mustOpen(t, r.aside[0].To, Options{FS: m})
			if l.EndOffset() != 3 {
				t.Fatalf("%d records kept aside", l.EndOffset())
			}
			mustClose(t, l)
		})
	}
}

// TestMetaBits flips each bit of meta.json, then the same bit of both files:
// a directory never changes its owner.
func TestMetaBits(t *testing.T) {
	good, err := vfs.ReadFile(owned(t), metaPath)
	if err != nil {
		t.Fatal(err)
	}
	for bit := range len(good) * 8 {
		bad := slices.Clone(good)
		bad[bit/8] ^= 1 << (bit % 8)
		m := owned(t)
		spoil(t, m, metaPath, bad)
		if o, err := ReadOwner(m, "base/d"); o != owner1 || err != nil {
			t.Fatalf("bit %d, %q: owner %+v, %v", bit, bad, o, err)
		}
		spoil(t, m, metaCopyPath, bad)
		if o, err := ReadOwner(m, "base/d"); !errors.Is(err, ErrDamaged) && o != owner1 {
			t.Fatalf("bit %d, %q twice: owner %+v, %v", bit, bad, o, err)
		}
	}
}

// TestUnboundMeta: without records there is nothing to protect.
func TestUnboundMeta(t *testing.T) {
	m := vfs.NewMem()
	mustClose(t, mustOpen(t, "base/d", Options{FS: m, TopicID: owner1.TopicID}))
	spoil(t, m, metaPath, []byte{0})
	spoil(t, m, metaCopyPath, nil)
	var r recorder
	if endFor(t, m, owner2, r.events()); len(r.aside) > 0 {
		t.Fatalf("set aside %+v", r.aside)
	}
	if o, err := ReadOwner(m, "base/d"); o != owner2 || err != nil {
		t.Fatalf("owner %+v, %v", o, err)
	}
}

func TestMetaUnreadable(t *testing.T) {
	m := owned(t)
	e := errorfs.New(m)
	e.Inject(errorfs.Rule{Op: errorfs.OpOpen, Match: metaName, Err: syscall.EIO})
	if end := endFor(t, e, owner1, nil); end != 3 {
		t.Fatalf("end %d with a copy that can be read", end)
	}
	for _, content := range [][]byte{nil, {0}} {
		spoil(t, m, metaCopyPath, content)
		if _, err := Open("base/d", Options{FS: e, TopicID: owner1.TopicID}); !errors.Is(err, syscall.EIO) {
			t.Fatalf("open with copy %q: %v", content, err)
		}
		if err := vfs.WriteFile(m, metaCopyPath, nil); err != nil {
			t.Fatal(err)
		}
	}
	e.Clear()
	// Only what is needed is written: a full device can still be opened.
	e.Inject(errorfs.Rule{Op: errorfs.OpCreate, Match: "meta*", Err: syscall.ENOSPC})
	if end := endFor(t, e, owner1, nil); end != 3 {
		t.Fatalf("end %d", end)
	}
}

func TestReadOwner(t *testing.T) {
	m := owned(t)
	if o, err := ReadOwner(m, "base/d"); o != owner1 || err != nil {
		t.Errorf("owner %+v, %v", o, err)
	}
	if _, err := ReadOwner(m, "base/x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	spoil(t, m, metaCopyPath, nil) // as earlier releases left it
	spoil(t, m, metaPath, []byte(`{"format":1,"topic_id":"01ab0000000000000000000000000000","cluster_id":"a"}`))
	if o, err := ReadOwner(m, "base/d"); o != owner1 || err != nil {
		t.Errorf("without sum and copy: owner %+v, %v", o, err)
	}
	spoil(t, m, metaPath, []byte(`{"format":2}`))
	if _, err := ReadOwner(m, "base/d"); !errors.Is(err, ErrNewerFormat) || !strings.Contains(err.Error(), metaName) {
		t.Errorf("newer format: %v", err)
	}
	spoil(t, m, metaPath, nil)
	if _, err := ReadOwner(m, "base/d"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a directory of Fluvio: %v", err)
	}
}

// TestRemoveDir lets each step of a removal fail and the power go: what is
// left is the whole log, or nothing that anybody would take for one, and the
// next call ends it.
func TestRemoveDir(t *testing.T) {
	ops := []errorfs.Op{errorfs.OpStat, errorfs.OpRename, errorfs.OpSyncDir, errorfs.OpList, errorfs.OpRemove, errorfs.OpRemoveAll}
	for _, op := range ops {
		for skip := range 4 {
			m := owned(t)
			e := errorfs.New(m)
			if op == errorfs.OpRemove { // only used where the rename fails
				e.Inject(errorfs.Rule{Op: errorfs.OpRename, Err: syscall.EBUSY})
			}
			e.Inject(errorfs.Rule{Op: op, Skip: skip, Times: 1, Err: syscall.EIO})
			first := RemoveDir(e, "base/d")
			for seed := range uint64(20) {
				c := m.CrashClone(newRand(seed))
				if err := RemoveLeftovers(c, "base"); err != nil {
					t.Fatal(err)
				}
				if first == nil && !errors.Is(statError(c, "base/d"), fs.ErrNotExist) {
					t.Fatalf("%s %d: removed, and there again after a crash", op, skip)
				}
				if end := endFor(t, c, owner2, nil); end != 0 {
					t.Fatalf("%s %d: the next topic got the records", op, skip)
				}
			}
			e.Clear()
			if err := RemoveDir(e, "base/d"); err != nil {
				t.Fatalf("%s %d: second call: %v", op, skip, err)
			}
			if names, err := m.CrashClone(newRand(1)).List("base"); err != nil {
				t.Fatal(err)
			} else if slices.Contains(names, "d") {
				t.Fatalf("%s %d: %q left", op, skip, names)
			}
			if names, _ := m.List("base"); len(names) > 0 {
				t.Fatalf("%s %d: %q left", op, skip, names)
			}
		}
	}
}

func statError(fsys vfs.FS, name string) error {
	_, err := fsys.Stat(name)
	return err
}
