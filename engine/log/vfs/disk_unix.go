//go:build !windows

package vfs

import (
	"errors"
	"os"
	"syscall"
)

func openShared(name string, flag int) (*os.File, error) {
	return os.OpenFile(name, flag, filePerm)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	// Some network file systems refuse to sync a directory and order their
	// metadata themselves.
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil
	}
	return errors.Join(err, d.Close())
}
