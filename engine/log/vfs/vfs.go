package vfs

import (
	"io"
	"os"
	"time"
)

// FS is a file system. Implementations are safe for concurrent use. Errors
// satisfy errors.Is with fs.ErrNotExist and fs.ErrExist where they apply.
//
// Nothing is durable until it is synced: File.Sync makes the content of a
// file survive power loss, SyncDir its name. A crash keeps any part of what
// was not synced.
type FS interface {
	// Open opens an existing file for reading.
	Open(name string) (File, error)
	// OpenRW opens an existing file for reading and writing.
	OpenRW(name string) (File, error)
	// Create opens a file for reading and writing, empty. An existing file
	// is cut to zero.
	Create(name string) (File, error)
	// Rename moves a file or directory within its directory, atomically
	// replacing a file of the new name.
	Rename(from, to string) error
	// Remove unlinks a file or an empty directory. Open files of that name
	// keep working.
	Remove(name string) error
	// RemoveAll unlinks a file or a directory with all that it holds. A
	// missing one is not an error.
	RemoveAll(name string) error
	// MkdirAll creates a directory and its parents.
	MkdirAll(name string) error
	// List returns the names in a directory, sorted.
	List(dir string) ([]string, error)
	// Stat describes a file or directory.
	Stat(name string) (Info, error)
	// SyncDir makes the names in a directory durable.
	SyncDir(dir string) error
}

// Info is what Stat tells.
type Info struct {
	Size    int64
	ModTime time.Time
	Dir     bool
}

// File is an open file. Reads and writes carry their position, so that any
// number of readers can share one File.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Truncate sets the size in bytes.
	Truncate(size int64) error
	// Sync makes content and size durable (fdatasync). After an error the
	// state of everything written since the last good Sync is unknown, and a
	// later Sync that succeeds does not cover it.
	Sync() error
	// Size is the current size in bytes.
	Size() (int64, error)
	// OS is the file of the operating system, for sendfile with an explicit
	// position, or nil when there is none.
	OS() *os.File
}

// StartWriteback asks the kernel to begin writing n bytes at off to the
// device without waiting for them. It promises nothing; it only makes the
// next Sync shorter. Files that cannot do so ignore it.
func StartWriteback(f File, off, n int64) {
	if w, ok := f.(interface{ StartWriteback(off, n int64) }); ok {
		w.StartWriteback(off, n)
	}
}
