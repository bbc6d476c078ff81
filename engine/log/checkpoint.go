package log

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
)

// replication.chk is the high watermark: 8 bytes, i64, big-endian, written in
// place. The format must not move.
const (
	hwName = "replication.chk"
	hwSize = 8
)

// readHW returns the saved high watermark, 0 if there is none. The caller
// holds pmu.
func (l *Log) readHW() int64 {
	b, err := vfs.ReadFile(l.fs, filepath.Join(l.dir, hwName))
	l.savedHW = -1
	if err != nil || len(b) != hwSize {
		return 0
	}
	l.savedHW = int64(binary.BigEndian.Uint64(b))
	return max(l.savedHW, 0)
}

func (l *Log) writeHW(hw int64, sync bool) error {
	l.pmu.Lock()
	defer l.pmu.Unlock()
	if hw == l.savedHW && !sync {
		return nil
	}
	path := filepath.Join(l.dir, hwName)
	f, err := l.fs.OpenRW(path)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = l.fs.Create(path)
	}
	if err != nil {
		return ioError(err, "write %s", path)
	}
	defer f.Close()
	var b [hwSize]byte
	binary.BigEndian.PutUint64(b[:], uint64(hw))
	if _, err := f.WriteAt(b[:], 0); err != nil {
		return ioError(err, "write %s", path)
	}
	if err := f.Truncate(hwSize); err != nil {
		return ioError(err, "write %s", path)
	}
	if sync {
		if err := f.Sync(); err != nil {
			return ioError(err, "sync %s", path)
		}
	}
	l.savedHW = hw
	return nil
}

// lowerHW makes durable that nothing from offset on is committed, before it is
// cut: otherwise the next Open would take it for lost. The caller holds wmu.
func (l *Log) lowerHW(offset int64) error {
	l.pmu.Lock()
	saved := l.savedHW
	l.pmu.Unlock()
	if saved <= offset {
		return nil
	}
	return l.writeHW(offset, true)
}

// checkpoint brings the files beside the log up to date, and makes them
// durable if sync is set. The caller holds wmu.
func (l *Log) checkpoint(sync bool) error {
	l.mu.Lock()
	hw, s := l.hw, l.active()
	stale := !l.stale.IsZero()
	l.mu.Unlock()
	l.flushIndex(s)
	err := l.writeHW(hw, sync && stale)
	if sync {
		l.savePoint()
		l.pmu.Lock()
		if l.points.file != nil {
			err = errors.Join(err, l.points.file.Sync())
		}
		l.pmu.Unlock()
	}
	if err == nil {
		l.mu.Lock()
		l.stale = time.Time{}
		l.mu.Unlock()
	}
	return err
}

// replaceFile gives a file new content: afterwards that is there, whatever
// happens, and until then the old is.
func replaceFile(fsys vfs.FS, path string, content []byte) error {
	if err := renameInto(fsys, path, content); err != nil {
		return err
	}
	if err := fsys.SyncDir(filepath.Dir(path)); err != nil {
		return ioError(err, "write %s", path)
	}
	return nil
}

// renameInto writes a file aside, syncs it and renames it into place. The name
// is durable only after a sync of the directory.
func renameInto(fsys vfs.FS, path string, content []byte) error {
	tmp := path + tempSuffix
	f, err := fsys.Create(tmp)
	if err != nil {
		return ioError(err, "create %s", tmp)
	}
	_, err = f.WriteAt(content, 0)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = fsys.Rename(tmp, path)
	}
	if err != nil {
		return ioError(err, "write %s", path)
	}
	return nil
}
