package errorfs

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
)

func content(t *testing.T, fsys vfs.FS, name string) string {
	t.Helper()
	b, err := vfs.ReadFile(fsys, name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRule(t *testing.T) {
	m := vfs.NewMem()
	f := New(m)
	a, err := f.Create("a.log")
	if err != nil {
		t.Fatal(err)
	}
	remove := f.Inject(Rule{Op: OpWrite, Match: "*.log", Skip: 1, Times: 2, Err: syscall.EIO, Short: true})
	for i, fails := range []bool{false, true, true, false} {
		if _, err := a.WriteAt([]byte("abcd"), int64(4*i)); errors.Is(err, syscall.EIO) != fails {
			t.Errorf("write %d: %v", i, err)
		}
	}
	if got := content(t, m, "a.log"); got != "abcdab\x00\x00ab\x00\x00abcd" {
		t.Errorf("file holds %q", got)
	}
	remove()
	called := 0
	f.Inject(Rule{Op: OpStat, Do: func() { called++ }})
	if _, err := f.Stat("a.log"); err != nil || called != 1 {
		t.Errorf("stat: %v, %d calls", err, called)
	}
	f.Inject(Rule{Match: "b*", Err: syscall.EACCES})
	if _, err := f.Create("b"); !errors.Is(err, syscall.EACCES) {
		t.Errorf("create: %v", err)
	}
	if f.Count(OpWrite) != 4 || f.Bytes(OpWrite) != 16 {
		t.Errorf("%d writes of %d bytes", f.Count(OpWrite), f.Bytes(OpWrite))
	}
}

// TestLie checks that nothing happens, and that the trace tells.
func TestLie(t *testing.T) {
	m := vfs.NewMem()
	if err := vfs.WriteFile(m, "a", []byte("old")); err != nil {
		t.Fatal(err)
	}
	f := New(m)
	a, err := f.OpenRW("a")
	if err != nil {
		t.Fatal(err)
	}
	f.StartTrace()
	f.Inject(Rule{Lie: true})
	if n, err := a.WriteAt([]byte("new"), 0); n != 3 || err != nil {
		t.Errorf("write: %d, %v", n, err)
	}
	for what, err := range map[string]error{
		"truncate": a.Truncate(0), "sync": a.Sync(), "sync directory": f.SyncDir("."),
		"rename": f.Rename("a", "b"), "remove": f.Remove("a"), "remove all": f.RemoveAll("a"),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got := content(t, m, "a"); got != "old" {
		t.Errorf("file holds %q", got)
	}
	if got := f.Trace(); strings.Count(got, "= not done") != 7 {
		t.Errorf("trace:\n%s", got)
	}
}

func TestBudget(t *testing.T) {
	m := vfs.NewMem()
	f := New(m)
	a, err := f.Create("a")
	if err != nil {
		t.Fatal(err)
	}
	f.SetBudget(6)
	if _, err := a.WriteAt([]byte("abcd"), 0); err != nil {
		t.Fatal(err)
	}
	if n, err := a.WriteAt([]byte("efgh"), 4); n != 2 || !vfs.IsFull(err) {
		t.Errorf("write beyond the budget: %d, %v", n, err)
	}
	if got := content(t, m, "a"); got != "abcdef" {
		t.Errorf("file holds %q", got)
	}
	f.Clear()
	if _, err := a.WriteAt([]byte("efgh"), 4); err != nil {
		t.Error(err)
	}
}
