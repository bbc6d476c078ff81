package errorfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
)

// Op names an operation.
type Op string

// The operations. Opening for writing is OpOpenRW; reads and writes are those
// of files.
const (
	OpOpen      Op = "open"
	OpOpenRW    Op = "openrw"
	OpCreate    Op = "create"
	OpRead      Op = "read"
	OpWrite     Op = "write"
	OpTruncate  Op = "truncate"
	OpSync      Op = "sync"
	OpSyncDir   Op = "syncdir"
	OpRename    Op = "rename"
	OpRemove    Op = "remove"
	OpRemoveAll Op = "removeall"
	OpMkdir     Op = "mkdir"
	OpList      Op = "list"
	OpStat      Op = "stat"
)

// Rule makes operations fail or wait. Zero fields match everything.
type Rule struct {
	Op    Op
	Match string // pattern of filepath.Match for the last element of the path
	Skip  int    // let this many matching operations pass first
	Times int    // apply to this many; 0 means until removed
	Err   error  // what to return; nil only runs Do
	Short bool   // a failing write puts half of its bytes into the file first
	Lie   bool   // do nothing and report success; for writes, truncations, syncs, renames and removals
	Do    func() // called before, without locks: to delay, or to look around
}

// errLie stands for success of an operation that is not to be done.
var errLie = errors.New("not done")

// told is what the caller is told.
func told(err error) error {
	if errors.Is(err, errLie) {
		return nil
	}
	return err
}

func (r *Rule) matches(op Op, name string) bool {
	if r.Op != "" && r.Op != op {
		return false
	}
	if r.Match == "" {
		return true
	}
	ok, err := filepath.Match(r.Match, filepath.Base(name))
	return err == nil && ok
}

// FS is a file system with faults. See New.
type FS struct {
	inner vfs.FS

	mu     sync.Mutex
	rules  []*Rule
	counts map[Op]int
	bytes  map[Op]int64
	budget int64 // bytes that can still be written; negative is unlimited
	trace  *strings.Builder
}

// New wraps inner. Without rules it changes nothing.
func New(inner vfs.FS) *FS {
	return &FS{inner: inner, counts: map[Op]int{}, bytes: map[Op]int64{}, budget: -1}
}

// Inject adds a rule and returns a function that removes it. The first rule
// that matches and returns an error wins.
func (f *FS) Inject(r Rule) (remove func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := &r
	f.rules = append(f.rules, p)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		for i, q := range f.rules {
			if q == p {
				f.rules = append(f.rules[:i:i], f.rules[i+1:]...)
				return
			}
		}
	}
}

// Clear removes all rules and the limit of space.
func (f *FS) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules, f.budget = nil, -1
}

// SetBudget lets n more bytes be written before writes fail with ENOSPC, the
// last one short as on a real device. Removing files gives nothing back. A
// negative n is no limit.
func (f *FS) SetBudget(n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.budget = n
}

// Count is how often an operation was called, failures included.
func (f *FS) Count(op Op) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[op]
}

// Bytes is how many bytes an operation asked for.
func (f *FS) Bytes(op Op) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.bytes[op]
}

// ResetCounts sets all counts to zero.
func (f *FS) ResetCounts() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.counts)
	clear(f.bytes)
}

// StartTrace begins to record operations that change something, one per line.
func (f *FS) StartTrace() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trace = new(strings.Builder)
}

// Note adds a line of the caller's to the trace.
func (f *FS) Note(line string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.trace != nil {
		fmt.Fprintf(f.trace, "# %s\n", line)
	}
}

// Trace returns what was recorded.
func (f *FS) Trace() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.trace == nil {
		return ""
	}
	return f.trace.String()
}

// call counts and records an operation and returns the error of the rule that
// applies to it.
func (f *FS) call(op Op, name string, bytes int64, detail string) (*Rule, error) {
	f.mu.Lock()
	f.counts[op]++
	f.bytes[op] += bytes
	var do []func()
	var hit *Rule
	for _, r := range f.rules {
		if hit != nil || !r.matches(op, name) {
			continue
		}
		if r.Skip > 0 {
			r.Skip--
			continue
		}
		if r.Times < 0 {
			continue
		}
		if r.Times > 0 {
			if r.Times--; r.Times == 0 {
				r.Times = -1
			}
		}
		if r.Do != nil {
			do = append(do, r.Do)
		}
		if r.Err != nil || r.Lie {
			hit = r
		}
	}
	if f.trace != nil && detail != "" {
		if hit != nil {
			detail += " = " + hit.error().Error()
		}
		fmt.Fprintf(f.trace, "%s %s\n", op, detail)
	}
	f.mu.Unlock()
	for _, fn := range do {
		fn()
	}
	if hit != nil {
		return hit, &os.PathError{Op: string(op), Path: name, Err: hit.error()}
	}
	return nil, nil
}

func (r *Rule) error() error {
	if r.Lie {
		return errLie
	}
	return r.Err
}

func (f *FS) check(op Op, name, detail string) error {
	_, err := f.call(op, name, 0, detail)
	return err
}

// spend takes n bytes from the budget and returns how many there were.
func (f *FS) spend(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.budget < 0 {
		return n
	}
	n = int(min(int64(n), f.budget))
	f.budget -= int64(n)
	return n
}

func (f *FS) open(op Op, name, detail string, open func(string) (vfs.File, error)) (vfs.File, error) {
	if err := f.check(op, name, detail); err != nil {
		return nil, err
	}
	inner, err := open(name)
	if err != nil {
		return nil, err
	}
	return &file{File: inner, fs: f, name: name}, nil
}

// Open implements vfs.FS.
func (f *FS) Open(name string) (vfs.File, error) { return f.open(OpOpen, name, "", f.inner.Open) }

// OpenRW implements vfs.FS.
func (f *FS) OpenRW(name string) (vfs.File, error) { return f.open(OpOpenRW, name, "", f.inner.OpenRW) }

// Create implements vfs.FS.
func (f *FS) Create(name string) (vfs.File, error) {
	return f.open(OpCreate, name, filepath.Base(name), f.inner.Create)
}

// Rename implements vfs.FS.
func (f *FS) Rename(from, to string) error {
	if err := f.check(OpRename, from, filepath.Base(from)+" "+filepath.Base(to)); err != nil {
		return told(err)
	}
	return f.inner.Rename(from, to)
}

// Remove implements vfs.FS.
func (f *FS) Remove(name string) error {
	if err := f.check(OpRemove, name, filepath.Base(name)); err != nil {
		return told(err)
	}
	return f.inner.Remove(name)
}

// RemoveAll implements vfs.FS.
func (f *FS) RemoveAll(name string) error {
	if err := f.check(OpRemoveAll, name, filepath.Base(name)); err != nil {
		return told(err)
	}
	return f.inner.RemoveAll(name)
}

// MkdirAll implements vfs.FS.
func (f *FS) MkdirAll(name string) error {
	if err := f.check(OpMkdir, name, filepath.Base(name)); err != nil {
		return err
	}
	return f.inner.MkdirAll(name)
}

// List implements vfs.FS.
func (f *FS) List(dir string) ([]string, error) {
	if err := f.check(OpList, dir, ""); err != nil {
		return nil, err
	}
	return f.inner.List(dir)
}

// Stat implements vfs.FS.
func (f *FS) Stat(name string) (vfs.Info, error) {
	if err := f.check(OpStat, name, ""); err != nil {
		return vfs.Info{}, err
	}
	return f.inner.Stat(name)
}

// SyncDir implements vfs.FS.
func (f *FS) SyncDir(dir string) error {
	if err := f.check(OpSyncDir, dir, filepath.Base(dir)); err != nil {
		return told(err)
	}
	return f.inner.SyncDir(dir)
}

type file struct {
	vfs.File
	fs   *FS
	name string
}

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	if _, err := f.fs.call(OpRead, f.name, int64(len(p)), ""); err != nil {
		return 0, err
	}
	return f.File.ReadAt(p, off)
}

func (f *file) WriteAt(p []byte, off int64) (int, error) {
	detail := fmt.Sprintf("%s %d+%d", filepath.Base(f.name), off, len(p))
	r, err := f.fs.call(OpWrite, f.name, int64(len(p)), detail)
	if r != nil && r.Lie {
		return len(p), nil
	}
	if err != nil {
		n := 0
		if r.Short {
			n, _ = f.File.WriteAt(p[:len(p)/2], off)
		}
		return n, err
	}
	if room := f.fs.spend(len(p)); room < len(p) {
		n, err := f.File.WriteAt(p[:room], off)
		if err == nil {
			err = &os.PathError{Op: "write", Path: f.name, Err: syscall.ENOSPC}
		}
		return n, err
	}
	return f.File.WriteAt(p, off)
}

func (f *file) Truncate(size int64) error {
	if err := f.fs.check(OpTruncate, f.name, fmt.Sprintf("%s %d", filepath.Base(f.name), size)); err != nil {
		return told(err)
	}
	return f.File.Truncate(size)
}

func (f *file) Sync() error {
	err := f.fs.check(OpSync, f.name, filepath.Base(f.name))
	switch {
	case err == nil:
		return f.File.Sync()
	case errors.Is(err, errLie):
		return nil
	}
	// What was to be synced is lost, as on a real device.
	if lost, ok := f.File.(interface{ SyncFailed() }); ok {
		lost.SyncFailed()
	}
	return err
}

// StartWriteback passes the hint on.
func (f *file) StartWriteback(off, n int64) { vfs.StartWriteback(f.File, off, n) }
