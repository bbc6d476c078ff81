package log

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
)

// deletedMark ends the name of a directory that is being deleted; a number
// may follow it.
const deletedMark = ".deleted"

// Remove deletes the directory of the log and closes it. Slices stay
// readable. A crash leaves either a whole log or a directory that
// RemoveLeftovers deletes; after an error Remove can be called again.
func (l *Log) Remove() error {
	l.wmu.Lock()
	defer l.wmu.Unlock()
	l.shut()
	return RemoveDir(l.fs, l.dir)
}

// RemoveDir does what Remove does to the directory of a log that is not open.
// A directory that is not there is no error. A nil fsys is the disk.
func RemoveDir(fsys vfs.FS, dir string) error {
	fsys, dir = orDisk(fsys), filepath.Clean(dir)
	if err := removeDir(fsys, dir); err != nil {
		return ioError(err, "remove log %s", dir)
	}
	return nil
}

// removeDir goes by way of another name, so that no half of a log can be
// taken for one.
func removeDir(fsys vfs.FS, dir string) error {
	to, err := freeName(fsys, dir+deletedMark)
	if err != nil {
		return err
	}
	if err := fsys.Rename(dir, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return removeInPlace(fsys, dir)
	}
	// Without the directory an earlier call did this much, and may have
	// ended here.
	parent, name := filepath.Split(dir)
	parent = filepath.Clean(parent)
	if err := fsys.SyncDir(parent); err != nil {
		return err
	}
	return removeMarked(fsys, parent, func(of string) bool { return of == name })
}

// removeInPlace is for systems that do not rename directories with open
// files. The files that say whose log it is go last, so that nobody else
// takes what is left of it.
func removeInPlace(fsys vfs.FS, dir string) error {
	names, err := fsys.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == metaName || name == metaCopyName {
			continue
		}
		if err := fsys.Remove(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	if err := fsys.SyncDir(dir); err != nil {
		return err
	}
	if err := fsys.RemoveAll(dir); err != nil {
		return err
	}
	return fsys.SyncDir(filepath.Dir(dir))
}

// RemoveLeftovers deletes directories in parent whose removal was cut short
// by a crash. A nil fsys is the disk.
func RemoveLeftovers(fsys vfs.FS, parent string) error {
	return removeMarked(orDisk(fsys), parent, func(string) bool { return true })
}

// removeMarked deletes the directories in parent that are marked as deleted
// and whose name before was one of those asked for.
func removeMarked(fsys vfs.FS, parent string, wanted func(name string) bool) error {
	names, err := fsys.List(parent)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		i := strings.LastIndex(name, deletedMark)
		if i <= 0 || strings.Trim(name[i+len(deletedMark):], "-0123456789") != "" || !wanted(name[:i]) {
			continue
		}
		errs = append(errs, fsys.RemoveAll(filepath.Join(parent, name)))
	}
	return errors.Join(errs...)
}

func orDisk(fsys vfs.FS) vfs.FS {
	if fsys == nil {
		return vfs.Disk
	}
	return fsys
}
