package vfs

import (
	"os"
)

// Disk is the file system of the operating system.
var Disk FS = disk{}

type disk struct{}

const (
	filePerm = 0o644
	dirPerm  = 0o755
)

func (disk) Open(name string) (File, error) {
	return newDiskFile(openShared(name, os.O_RDONLY))
}

func (disk) OpenRW(name string) (File, error) {
	return newDiskFile(openShared(name, os.O_RDWR))
}

func (disk) Create(name string) (File, error) {
	return newDiskFile(openShared(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC))
}

func (disk) Rename(from, to string) error { return os.Rename(from, to) }
func (disk) Remove(name string) error     { return os.Remove(name) }
func (disk) RemoveAll(name string) error  { return os.RemoveAll(name) }
func (disk) MkdirAll(name string) error   { return os.MkdirAll(name, dirPerm) }
func (disk) SyncDir(dir string) error     { return syncDir(dir) }
func (disk) Stat(name string) (Info, error) {
	fi, err := os.Stat(name)
	if err != nil {
		return Info{}, err
	}
	return Info{Size: fi.Size(), ModTime: fi.ModTime(), Dir: fi.IsDir()}, nil
}

func (disk) List(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

type diskFile struct{ f *os.File }

func newDiskFile(f *os.File, err error) (File, error) {
	if err != nil {
		return nil, err
	}
	return diskFile{f}, nil
}

func (d diskFile) ReadAt(p []byte, off int64) (int, error)  { return d.f.ReadAt(p, off) }
func (d diskFile) WriteAt(p []byte, off int64) (int, error) { return d.f.WriteAt(p, off) }
func (d diskFile) Close() error                             { return d.f.Close() }
func (d diskFile) Truncate(size int64) error                { return d.f.Truncate(size) }
func (d diskFile) Sync() error                              { return fdatasync(d.f) }
func (d diskFile) OS() *os.File                             { return d.f }
func (d diskFile) StartWriteback(off, n int64)              { startWriteback(d.f, off, n) }

func (d diskFile) Size() (int64, error) {
	fi, err := d.f.Stat()
	if err != nil {
		return 0, err
	}
	return fi.Size(), nil
}
