//go:build !linux && !windows

package vfs

import (
	"errors"
	"os"
	"syscall"
)

// fdatasync uses File.Sync, which asks for F_FULLFSYNC on darwin: a plain
// fsync there stops at the cache of the drive.
func fdatasync(f *os.File) error { return f.Sync() }

func startWriteback(*os.File, int64, int64) {}

// IsFull reports whether err says that no space or no quota is left.
func IsFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
