package vfs

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestCrashClone checks what a power loss may do: synced bytes and names
// stay, unsynced ones may go in every way, and nothing else appears.
func TestCrashClone(t *testing.T) {
	m := NewMem()
	if err := m.MkdirAll("d"); err != nil {
		t.Fatal(err)
	}
	f, err := m.Create("d/a")
	if err != nil {
		t.Fatal(err)
	}
	synced, more := bytes.Repeat([]byte{1}, 700), bytes.Repeat([]byte{2}, 2000)
	f.WriteAt(synced, 0)
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{".", "d"} {
		if err := m.SyncDir(dir); err != nil {
			t.Fatal(err)
		}
	}
	f.WriteAt(more, 700)
	if _, err := m.Create("d/b"); err != nil {
		t.Fatal(err)
	}
	var none, all, some, holes, name int
	for seed := range uint64(500) {
		c := m.CrashClone(rand.New(rand.NewPCG(seed, 0)))
		b, err := ReadFile(c, "d/a")
		if err != nil || !bytes.HasPrefix(b, synced) {
			t.Fatalf("seed %d: synced content is lost, %v", seed, err)
		}
		rest := b[len(synced):]
		if len(bytes.Trim(rest, "\x00\x02")) > 0 || len(rest) > len(more) {
			t.Fatalf("seed %d: invented content", seed)
		}
		switch kept := bytes.Count(rest, []byte{2}); {
		case kept == 0:
			none++
		case kept == len(more):
			all++
		default:
			some++
			if kept < len(rest) {
				holes++
			}
		}
		if _, err := c.Stat("d/b"); err == nil {
			name++
		}
	}
	if none == 0 || all == 0 || some == 0 || holes == 0 || name == 0 || name == 500 {
		t.Errorf("not every outcome occurs: %d none, %d all, %d some, %d with holes, %d names", none, all, some, holes, name)
	}
}

// TestSyncFailed checks that a sync after a failed one saves nothing more.
func TestSyncFailed(t *testing.T) {
	m := NewMem()
	f, err := m.Create("a")
	if err != nil {
		t.Fatal(err)
	}
	m.SyncDir(".")
	f.WriteAt([]byte("lost"), 0)
	f.(*memFile).SyncFailed()
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if b, _ := ReadFile(m, "a"); string(b) != "lost" {
		t.Errorf("readers see %q", b)
	}
	if b, _ := ReadFile(m.CrashClone(rand.New(rand.NewPCG(1, 1))), "a"); len(b) != 0 {
		t.Errorf("%q survived", b)
	}
}
