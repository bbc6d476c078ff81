package filelock

import (
	"errors"
	"fmt"
	"os"
)

// ErrHeld means that another process, or another Lock of this one, holds the
// lock.
var ErrHeld = errors.New("lock is held")

// Lock is a held lock.
type Lock struct {
	f *os.File
}

// Acquire waits for the exclusive lock on path, creating the file if need be.
func Acquire(path string) (*Lock, error) { return open(path, true) }

// Try takes the lock, or returns ErrHeld at once.
func Try(path string) (*Lock, error) { return open(path, false) }

func open(path string, wait bool) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f, wait); err != nil {
		f.Close()
		if errors.Is(err, ErrHeld) {
			return nil, err
		}
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &Lock{f}, nil
}

// Release gives the lock back. The file stays: removing it would let two
// processes hold locks on two files of the same name.
func (l *Lock) Release() error { return l.f.Close() }
