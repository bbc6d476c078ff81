package profiles

import (
	"os"

	"golang.org/x/sys/windows"
)

// lockFile waits for the exclusive lock on path and returns its release. The
// file stays: removing it would let two writers hold two different locks.
func lockFile(path string) (func(), error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, newFileMode)
	if err != nil {
		return nil, err
	}
	err = windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, new(windows.Overlapped))
	if err != nil {
		f.Close()
		return nil, os.NewSyscallError("LockFileEx", err)
	}
	return func() { f.Close() }, nil // closing releases
}

// syncDir does nothing: Windows has no way to flush a folder.
func syncDir(string) error { return nil }
