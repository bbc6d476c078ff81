package vfs

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Mem is a file system in memory that can lose power: it remembers what was
// synced and what was not, and CrashClone returns what a disk might hold
// after a crash at this moment. The zero value is not usable; see NewMem.
type Mem struct {
	mu   sync.Mutex
	root *memNode
	now  func() time.Time
}

// NewMem returns an empty file system that has only a root directory.
func NewMem() *Mem {
	return &Mem{root: newMemDir(), now: time.Now}
}

// SetClock replaces the source of modification times.
func (m *Mem) SetClock(now func() time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = now
}

// memNode is a file or a directory. Everything in it is guarded by Mem.mu.
type memNode struct {
	mtime time.Time

	// Files: the content as readers see it, the content that survives, and
	// the writes between the two in order.
	data, synced []byte
	pending      []memWrite

	// Directories: names as seen, names that survive, changes in order.
	dir             bool
	names, survives map[string]*memNode
	changes         []memChange
}

// memWrite is one unsynced write, or a truncation when cut is set.
type memWrite struct {
	off  int64
	data []byte
	cut  bool
}

// memChange is one unsynced change of a directory: name becomes node (or
// vanishes when nil), and old, if set, vanishes in the same step (rename).
type memChange struct {
	name, old string
	node      *memNode
}

func newMemDir() *memNode {
	return &memNode{dir: true, names: map[string]*memNode{}, survives: map[string]*memNode{}}
}

func (c memChange) apply(names map[string]*memNode) {
	if c.old != "" {
		delete(names, c.old)
	}
	if c.node == nil {
		delete(names, c.name)
		return
	}
	names[c.name] = c.node
}

func (w memWrite) apply(b []byte) []byte {
	if w.cut {
		return resize(b, w.off)
	}
	if end := w.off + int64(len(w.data)); end > int64(len(b)) {
		b = resize(b, end)
	}
	copy(b[w.off:], w.data)
	return b
}

func resize(b []byte, n int64) []byte {
	if n <= int64(len(b)) {
		return b[:n:n]
	}
	return append(b, make([]byte, n-int64(len(b)))...)
}

func split(name string) []string {
	name = strings.Trim(filepath.ToSlash(filepath.Clean(name)), "/")
	if name == "" || name == "." {
		return nil
	}
	return strings.Split(name, "/")
}

func pathError(op, name string, err error) error {
	return &fs.PathError{Op: op, Path: name, Err: err}
}

func (m *Mem) walk(parts []string) *memNode {
	n := m.root
	for _, p := range parts {
		if n = n.names[p]; n == nil {
			return nil
		}
	}
	return n
}

// parent returns the directory of name and its last element.
func (m *Mem) parent(op, name string) (*memNode, string, error) {
	parts := split(name)
	if len(parts) == 0 {
		return nil, "", pathError(op, name, fs.ErrInvalid)
	}
	d := m.walk(parts[:len(parts)-1])
	if d == nil || !d.dir {
		return nil, "", pathError(op, name, fs.ErrNotExist)
	}
	return d, parts[len(parts)-1], nil
}

func (n *memNode) change(c memChange) {
	c.apply(n.names)
	n.changes = append(n.changes, c)
}

// Open implements FS.
func (m *Mem) Open(name string) (File, error) { return m.open(name, false) }

// OpenRW implements FS.
func (m *Mem) OpenRW(name string) (File, error) { return m.open(name, true) }

func (m *Mem) open(name string, rw bool) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.walk(split(name))
	if n == nil {
		return nil, pathError("open", name, fs.ErrNotExist)
	}
	if n.dir {
		return nil, pathError("open", name, fs.ErrInvalid)
	}
	return &memFile{m: m, n: n, name: name, rw: rw}, nil
}

// Create implements FS.
func (m *Mem) Create(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, base, err := m.parent("create", name)
	if err != nil {
		return nil, err
	}
	n := d.names[base]
	switch {
	case n == nil:
		n = &memNode{mtime: m.now()}
		d.change(memChange{name: base, node: n})
	case n.dir:
		return nil, pathError("create", name, fs.ErrExist)
	default:
		n.write(memWrite{cut: true}, m.now())
	}
	return &memFile{m: m, n: n, name: name, rw: true}, nil
}

// Rename implements FS. Both names must be in one directory.
func (m *Mem) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, old, err := m.parent("rename", from)
	if err != nil {
		return err
	}
	d2, base, err := m.parent("rename", to)
	if err != nil {
		return err
	}
	n := d.names[old]
	if n == nil {
		return pathError("rename", from, fs.ErrNotExist)
	}
	if t := d2.names[base]; d != d2 || (t != nil && t.dir) {
		return pathError("rename", to, fs.ErrInvalid)
	}
	d.change(memChange{name: base, old: old, node: n})
	return nil
}

// Remove implements FS.
func (m *Mem) Remove(name string) error {
	return m.remove(name, false)
}

// RemoveAll implements FS.
func (m *Mem) RemoveAll(name string) error {
	return m.remove(name, true)
}

func (m *Mem) remove(name string, all bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	d, base, err := m.parent("remove", name)
	if err == nil && d.names[base] == nil {
		err = pathError("remove", name, fs.ErrNotExist)
	}
	if err != nil {
		if all {
			return nil
		}
		return err
	}
	if n := d.names[base]; n.dir && len(n.names) > 0 && !all {
		return pathError("remove", name, fs.ErrExist)
	}
	d.change(memChange{name: base})
	return nil
}

// MkdirAll implements FS.
func (m *Mem) MkdirAll(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.root
	for _, p := range split(name) {
		next := n.names[p]
		if next == nil {
			next = newMemDir()
			next.mtime = m.now()
			n.change(memChange{name: p, node: next})
		}
		if n = next; !n.dir {
			return pathError("mkdir", name, fs.ErrExist)
		}
	}
	return nil
}

// List implements FS.
func (m *Mem) List(dir string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.walk(split(dir))
	if n == nil || !n.dir {
		return nil, pathError("list", dir, fs.ErrNotExist)
	}
	names := make([]string, 0, len(n.names))
	for name := range n.names {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// Stat implements FS.
func (m *Mem) Stat(name string) (Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.walk(split(name))
	if n == nil {
		return Info{}, pathError("stat", name, fs.ErrNotExist)
	}
	return Info{Size: int64(len(n.data)), ModTime: n.mtime, Dir: n.dir}, nil
}

// SyncDir implements FS.
func (m *Mem) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.walk(split(dir))
	if n == nil || !n.dir {
		return pathError("syncdir", dir, fs.ErrNotExist)
	}
	for _, c := range n.changes {
		c.apply(n.survives)
	}
	n.changes = nil
	return nil
}

func (n *memNode) write(w memWrite, now time.Time) {
	n.data = w.apply(n.data)
	n.pending = append(n.pending, w)
	n.mtime = now
}

func (n *memNode) sync() {
	for _, w := range n.pending {
		n.synced = w.apply(n.synced)
	}
	n.pending = nil
}

type memFile struct {
	m      *Mem
	n      *memNode
	name   string
	rw     bool
	closed bool
}

// use locks the file system and checks that the file may be used.
func (f *memFile) use(op string, write bool) error {
	f.m.mu.Lock()
	switch {
	case f.closed:
		f.m.mu.Unlock()
		return pathError(op, f.name, fs.ErrClosed)
	case write && !f.rw:
		f.m.mu.Unlock()
		return pathError(op, f.name, fs.ErrPermission)
	}
	return nil
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.use("read", false); err != nil {
		return 0, err
	}
	defer f.m.mu.Unlock()
	if off < 0 {
		return 0, pathError("read", f.name, fs.ErrInvalid)
	}
	if off >= int64(len(f.n.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.n.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.use("write", true); err != nil {
		return 0, err
	}
	defer f.m.mu.Unlock()
	if off < 0 {
		return 0, pathError("write", f.name, fs.ErrInvalid)
	}
	f.n.write(memWrite{off: off, data: slices.Clone(p)}, f.m.now())
	return len(p), nil
}

func (f *memFile) Truncate(size int64) error {
	if err := f.use("truncate", true); err != nil {
		return err
	}
	defer f.m.mu.Unlock()
	if size < 0 {
		return pathError("truncate", f.name, fs.ErrInvalid)
	}
	f.n.write(memWrite{off: size, cut: true}, f.m.now())
	return nil
}

func (f *memFile) Sync() error {
	if err := f.use("sync", false); err != nil {
		return err
	}
	defer f.m.mu.Unlock()
	f.n.sync()
	return nil
}

// SyncFailed is called by errorfs when it lets a Sync fail. As on Linux, the
// pages are then clean without being on the device: readers still see them,
// no later Sync writes them.
func (f *memFile) SyncFailed() {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	f.n.pending = nil
}

func (f *memFile) Size() (int64, error) {
	if err := f.use("stat", false); err != nil {
		return 0, err
	}
	defer f.m.mu.Unlock()
	return int64(len(f.n.data)), nil
}

func (f *memFile) Close() error {
	if err := f.use("close", false); err != nil {
		return err
	}
	defer f.m.mu.Unlock()
	f.closed = true
	return nil
}

func (f *memFile) OS() *os.File { return nil }

// ReadFile returns the content of a file, for tests.
func ReadFile(fsys FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	n, err := f.Size()
	if err != nil {
		return nil, err
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, n), b); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return b, nil
}

// WriteFile creates or replaces a file in place. It syncs nothing.
func WriteFile(fsys FS, name string, content []byte) error {
	f, err := fsys.Create(name)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(content, 0); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
