package log

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
)

// meta.json says what the directory is. A directory without it was written
// by Fluvio and belongs to whoever opens it first.
const (
	metaName   = "meta.json"
	metaFormat = 1
)

type meta struct {
	Format    int    `json:"format"`
	TopicID   string `json:"topic_id,omitempty"` // 32 hexadecimal digits
	ClusterID string `json:"cluster_id,omitempty"`
}

// adopt makes sure that the directory exists and belongs to the topic. One
// that belongs to another is renamed aside and never served.
func (l *Log) adopt(topic [16]byte, cluster string) error {
	want := meta{Format: metaFormat, ClusterID: cluster}
	if topic != ([16]byte{}) {
		want.TopicID = hex.EncodeToString(topic[:])
	}
	have, err := l.readMeta()
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case have.Format > metaFormat:
		return fmt.Errorf("%w: %d, this release reads up to %d", ErrNewerFormat, have.Format, metaFormat)
	default:
		reason := foreign("topic", have.TopicID, want.TopicID)
		if reason == "" {
			reason = foreign("cluster", have.ClusterID, want.ClusterID)
		}
		if reason != "" {
			if err := l.setAside(reason); err != nil {
				return err
			}
			break
		}
		want.TopicID = first(want.TopicID, have.TopicID)
		want.ClusterID = first(want.ClusterID, have.ClusterID)
		if want == have {
			return nil
		}
	}
	// The name of the directory must be durable before its meta.json says
	// that there is nothing left to do.
	if err := makeDir(l.fs, l.dir); err != nil {
		return err
	}
	b, err := json.Marshal(want)
	if err != nil {
		return err
	}
	return replaceFile(l.fs, filepath.Join(l.dir, metaName), append(b, '\n'))
}

// makeDir creates a directory with its parents, durably.
func makeDir(fsys vfs.FS, dir string) error {
	parents := []string{filepath.Dir(dir)}
	for p := parents[0]; ; p = filepath.Dir(p) {
		if _, err := fsys.Stat(p); err == nil || p == filepath.Dir(p) {
			break
		}
		parents = append(parents, filepath.Dir(p))
	}
	if err := fsys.MkdirAll(dir); err != nil {
		return err
	}
	for _, p := range slices.Backward(parents) {
		if err := fsys.SyncDir(p); err != nil {
			return ioError(err, "sync directory %s", p)
		}
	}
	return nil
}

func foreign(what, have, want string) string {
	if have == "" || want == "" || have == want {
		return ""
	}
	return fmt.Sprintf("it belongs to %s %s, not %s", what, have, want)
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// readMeta returns the content of meta.json. A damaged file counts as one
// that says nothing.
func (l *Log) readMeta() (meta, error) {
	path := filepath.Join(l.dir, metaName)
	b, err := vfs.ReadFile(l.fs, path)
	if err != nil {
		return meta{}, err
	}
	var m meta
	if err := json.Unmarshal(b, &m); err != nil {
		l.events.rebuilt(Rebuilt{File: path, Reason: err.Error()})
		return meta{}, nil
	}
	return m, nil
}

// setAside renames the directory to <dir>.orphan-<time>.
func (l *Log) setAside(reason string) error {
	to, err := freeName(l.fs, l.dir+".orphan-"+l.clock.wall().UTC().Format("20060102T150405Z"))
	if err != nil {
		return err
	}
	if err := l.fs.Rename(l.dir, to); err != nil {
		return err
	}
	l.events.setAside(SetAside{Dir: l.dir, To: to, Reason: reason})
	return nil
}

// freeName returns name, or name with a number behind it, whichever is free.
func freeName(fsys vfs.FS, name string) (string, error) {
	for n := 1; ; n++ {
		try := name
		if n > 1 {
			try = fmt.Sprintf("%s-%d", name, n)
		}
		switch _, err := fsys.Stat(try); {
		case errors.Is(err, fs.ErrNotExist):
			return try, nil
		case err != nil:
			return "", err
		}
	}
}

const deletedMark = ".deleted"

// removeDir deletes dir by way of another name, so that no half of it can be
// taken for a log.
func removeDir(fsys vfs.FS, dir string) error {
	to, err := freeName(fsys, dir+deletedMark)
	if err != nil {
		return ioError(err, "remove log %s", dir)
	}
	if err := fsys.Rename(dir, to); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		to = dir // where directories with open files cannot be renamed
	}
	if err := fsys.SyncDir(filepath.Dir(dir)); err != nil {
		return ioError(err, "remove log %s", dir)
	}
	if err := fsys.RemoveAll(to); err != nil {
		return ioError(err, "remove log %s", dir)
	}
	return nil
}

// RemoveLeftovers deletes directories in parent whose Remove was cut short by
// a crash. A nil fsys is the disk.
func RemoveLeftovers(fsys vfs.FS, parent string) error {
	if fsys == nil {
		fsys = vfs.Disk
	}
	names, err := fsys.List(parent)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		if i := strings.LastIndex(name, deletedMark); i > 0 && strings.Trim(name[i+len(deletedMark):], "-0123456789") == "" {
			errs = append(errs, fsys.RemoveAll(filepath.Join(parent, name)))
		}
	}
	return errors.Join(errs...)
}
