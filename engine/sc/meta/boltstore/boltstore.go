package boltstore

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/fluvio-go/fluvio/engine/sc/meta"
	"github.com/fluvio-go/fluvio/engine/sc/meta/memstore"
)

// format is the version of the file's buckets and keys; what is inside a
// value has its own (meta.Encode). Both must not move.
const format = 1

var (
	bucketAbout  = []byte("about")
	keyFormat    = []byte("format")     // u32
	keyClusterID = []byte("cluster_id") // 32 hexadecimal digits
	keyRevision  = []byte("revision")   // u64 of the last commit
)

// ErrInUse means that another process, or another Store of this one, has the
// file open.
var ErrInUse = errors.New("in use by another process")

// CorruptError says that the file is not what this package wrote. Nothing was
// changed or removed.
type CorruptError struct {
	Path string
	Err  error
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("metadata file %s is damaged: %v", e.Path, e.Err)
}

func (e *CorruptError) Unwrap() error { return e.Err }

// Options configure Open. The zero value means the defaults.
type Options struct {
	LockTimeout time.Duration // how long to wait for ErrInUse; 0 means 500 ms
	History     int           // changes that Watch remembers; 0 means memstore.DefaultHistory
}

// Store is a meta.Store on disk.
type Store struct {
	*memstore.Store
	db   *bolt.DB
	path string
}

// Open opens the store in that file, and makes a new one, with its folder, if
// there is none. The error wraps ErrInUse, a *CorruptError, a
// *meta.VersionError if a newer release wrote the file, or a file error.
func Open(path string, opts Options) (*Store, error) {
	if opts.LockTimeout <= 0 {
		opts.LockTimeout = 500 * time.Millisecond
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("metadata folder: %w", err)
	}
	s := &Store{path: path}
	if err := s.open(opts.LockTimeout); err != nil {
		return nil, err
	}
	begin, err := s.load()
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	begin.History = opts.History
	begin.Persist = s.persist
	s.Store = memstore.New(begin)
	return s, nil
}

func (s *Store) open(lockTimeout time.Duration) error {
	err := guard(func() (err error) {
		s.db, err = bolt.Open(s.path, 0o600, &bolt.Options{Timeout: lockTimeout, FreelistType: bolt.FreelistMapType})
		return err
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		err = ErrInUse
	}
	return s.explain(err)
}

// load reads everything, after setting up a new file.
func (s *Store) load() (memstore.Options, error) {
	var out memstore.Options
	err := guard(func() error {
		if err := s.checkSize(); err != nil {
			return err
		}
		empty, err := s.isEmpty()
		if err == nil && empty {
			err = s.db.Update(setUp)
		}
		if err != nil {
			return err
		}
		return s.db.View(func(tx *bolt.Tx) error { return read(tx, &out) })
	})
	return out, s.explain(err)
}

// explain tells damage from what is wrong around the file.
func (s *Store) explain(err error) error {
	var version *meta.VersionError
	var pathErr *fs.PathError
	var errno syscall.Errno
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrInUse), errors.As(err, &version), errors.As(err, &pathErr), errors.As(err, &errno):
		return fmt.Errorf("metadata file %s: %w", s.path, err)
	}
	return &CorruptError{Path: s.path, Err: err}
}

// isEmpty reports whether the file was just made, or its making was
// interrupted before anything was in it.
func (s *Store) isEmpty() (empty bool, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		name, _ := tx.Cursor().First()
		empty = name == nil
		return nil
	})
	return empty, err
}

// checkSize compares the file with the pages it says it has. bbolt maps the
// file and would touch memory that has no file behind it.
func (s *Store) checkSize() error {
	info, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	return s.db.View(func(tx *bolt.Tx) error {
		if want := tx.Size(); info.Size() < want {
			return fmt.Errorf("file has %d bytes, its pages need %d", info.Size(), want)
		}
		return nil
	})
}

// setUp fills a new file.
func setUp(tx *bolt.Tx) error {
	about, err := tx.CreateBucket(bucketAbout)
	if err != nil {
		return err
	}
	for _, k := range meta.Kinds() {
		if _, err := tx.CreateBucket([]byte(k)); err != nil {
			return err
		}
	}
	return errors.Join(
		about.Put(keyFormat, binary.BigEndian.AppendUint32(nil, format)),
		about.Put(keyClusterID, []byte(memstore.NewClusterID())),
		about.Put(keyRevision, make([]byte, 8)),
	)
}

func read(tx *bolt.Tx, out *memstore.Options) error {
	about := tx.Bucket(bucketAbout)
	if about == nil {
		return fmt.Errorf("bucket %q is missing", bucketAbout)
	}
	if v := about.Get(keyFormat); len(v) != 4 {
		return fmt.Errorf("format version has %d bytes", len(v))
	} else if n := binary.BigEndian.Uint32(v); n != format {
		return &meta.VersionError{What: "file format", Version: int(n), Min: format, Max: format}
	}
	out.ClusterID = string(about.Get(keyClusterID))
	if id, err := hex.DecodeString(out.ClusterID); err != nil || len(id) != 16 {
		return fmt.Errorf("cluster id %q is not 32 hexadecimal digits", out.ClusterID)
	}
	v := about.Get(keyRevision)
	if len(v) != 8 {
		return fmt.Errorf("revision has %d bytes", len(v))
	}
	out.Revision = binary.BigEndian.Uint64(v)
	for _, k := range meta.Kinds() {
		if err := readKind(tx, k, out); err != nil {
			return err
		}
	}
	return nil
}

func readKind(tx *bolt.Tx, k meta.Kind, out *memstore.Options) error {
	b := tx.Bucket([]byte(k))
	if b == nil {
		return fmt.Errorf("bucket %q is missing", k)
	}
	return b.ForEach(func(name, stored []byte) error {
		if len(stored) < 8 {
			return fmt.Errorf("%s %q: %d bytes", k, name, len(stored))
		}
		revision := binary.BigEndian.Uint64(stored)
		if revision > out.Revision {
			return fmt.Errorf("%s %q is at revision %d, the last commit at %d", k, name, revision, out.Revision)
		}
		v, err := meta.Decode(k, stored[8:])
		if err != nil {
			return fmt.Errorf("%s %q: %w", k, name, err)
		}
		out.Objects = append(out.Objects, meta.Object{Name: string(name), Revision: revision, Value: v})
		return nil
	})
}

// persist writes one commit. bbolt syncs the file before Update returns.
func (s *Store) persist(revision uint64, changes []meta.Change) error {
	err := guard(func() error {
		return s.db.Update(func(tx *bolt.Tx) error { return write(tx, revision, changes) })
	})
	if err != nil {
		return fmt.Errorf("metadata file %s: commit %d: %w", s.path, revision, err)
	}
	return nil
}

func write(tx *bolt.Tx, revision uint64, changes []meta.Change) error {
	rev := binary.BigEndian.AppendUint64(nil, revision)
	for i := range changes {
		c := &changes[i]
		b := tx.Bucket([]byte(c.Kind))
		if c.Value == nil {
			if err := b.Delete([]byte(c.Name)); err != nil {
				return err
			}
			continue
		}
		stored, err := meta.Encode(c.Value)
		if err != nil {
			return fmt.Errorf("%s %q: %w", c.Kind, c.Name, err)
		}
		if err := b.Put([]byte(c.Name), append(rev[:8:8], stored...)); err != nil {
			return fmt.Errorf("%s %q: %w", c.Kind, c.Name, err)
		}
	}
	return tx.Bucket(bucketAbout).Put(keyRevision, rev)
}

// Close closes the store and lets others open the file.
func (s *Store) Close() error {
	return errors.Join(s.Store.Close(), s.db.Close())
}

// guard turns a panic of bbolt, its reaction to a damaged page, and a fault
// in the mapped file into an error.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged page: %v", p)
		}
	}()
	return f()
}

// syncDir makes a new file's name durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
