package boltstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"go.uber.org/goleak"

	"github.com/fluvio-go/fluvio/engine/sc/meta"
	"github.com/fluvio-go/fluvio/engine/sc/meta/metatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func mustOpen(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path, Options{History: 16})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStore(t *testing.T) {
	metatest.Run(t, func(t *testing.T) meta.Store {
		return mustOpen(t, filepath.Join(t.TempDir(), "folder", "metadata.db"))
	})
}

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metadata.db")
	s := mustOpen(t, path)
	id := s.ClusterID()
	revs, err := s.Commit(t.Context(), []meta.Change{
		meta.Create("a", metatest.Topic(1)), meta.Create("a-0", metatest.Partition(1)), meta.Create("s", metatest.Spu(5001)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Commit(t.Context(), []meta.Change{meta.Delete(meta.KindPartition, "a-0", revs[1])}); err != nil {
		t.Fatal(err)
	}
	want, wantRev, _ := s.List(t.Context())
	s.Close()

	s = mustOpen(t, path)
	got, rev, err := s.List(t.Context())
	if err != nil || rev != wantRev || !reflect.DeepEqual(got, want) {
		t.Errorf("reopened: %+v at %d, %v; want %+v at %d", got, rev, err, want, wantRev)
	}
	if s.ClusterID() != id {
		t.Errorf("cluster id was %s, is %s", id, s.ClusterID())
	}
	if _, _, err := s.Watch(t.Context(), rev-1); !errors.Is(err, meta.ErrTooOld) {
		t.Errorf("watch from before the restart: %v", err)
	}
	if _, err := s.Commit(t.Context(), []meta.Change{meta.Update("a", metatest.Topic(2), revs[0])}); err != nil {
		t.Error(err)
	}
}

// A copy of the file taken between two commits is what a crash leaves.
func TestCrashBetweenCommits(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, filepath.Join(dir, "metadata.db"))
	var copies [][]meta.Object
	for i := range 20 {
		changes := []meta.Change{meta.Create(fmt.Sprintf("t%d", i), metatest.Topic(byte(i)))}
		for p := range i {
			changes = append(changes, meta.Create(fmt.Sprintf("t%d-%d", i, p), metatest.Partition(byte(i))))
		}
		if _, err := s.Commit(t.Context(), changes); err != nil {
			t.Fatal(err)
		}
		objects, _, _ := s.List(t.Context())
		copies = append(copies, objects)
		b, err := os.ReadFile(s.path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(i)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range copies {
		got, _, err := mustOpen(t, filepath.Join(dir, fmt.Sprint(i))).List(t.Context())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("after commit %d: %d objects, %v; want %d", i, len(got), err, len(want))
		}
	}
}

func TestInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "metadata.db")
	mustOpen(t, path)
	_, err := Open(path, Options{LockTimeout: time.Millisecond})
	if !errors.Is(err, ErrInUse) {
		t.Errorf("second open: %v", err)
	}
}

// Damaged files are refused by name and left as they are.
func TestDamage(t *testing.T) {
	sample := filepath.Join(t.TempDir(), "metadata.db")
	s := mustOpen(t, sample)
	changes := []meta.Change{meta.Create("a", metatest.Topic(1))}
	for p := range 300 {
		changes = append(changes, meta.Create(fmt.Sprintf("a-%d", p), metatest.Partition(1)))
	}
	if _, err := s.Commit(t.Context(), changes); err != nil {
		t.Fatal(err)
	}
	s.Close()
	whole, err := os.ReadFile(sample)
	if err != nil {
		t.Fatal(err)
	}
	edit := func(f func(tx *bolt.Tx) error) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			db, err := bolt.Open(path, 0o600, nil)
			if err == nil {
				err = errors.Join(db.Update(f), db.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	isCorrupt := func(err error) bool { var e *CorruptError; return errors.As(err, &e) }
	isVersion := func(err error) bool { var e *meta.VersionError; return errors.As(err, &e) && !isCorrupt(err) }
	resize := func(n int64) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			if err := os.Truncate(path, n); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tc := range []struct {
		name   string
		damage func(t *testing.T, path string)
		want   func(error) bool
	}{
		{"not a database", func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte("hello, this is a letter to my mother"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, isCorrupt},
		{"cut in half", resize(int64(len(whole) / 2)), isCorrupt},
		{"cut after the meta pages", resize(8192), isCorrupt},
		{"zeroed tail", func(t *testing.T, path string) {
			b := append([]byte(nil), whole...)
			clear(b[8192:])
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}, isCorrupt},
		{"newer file format", edit(func(tx *bolt.Tx) error {
			return tx.Bucket(bucketAbout).Put(keyFormat, binary.BigEndian.AppendUint32(nil, format+1))
		}), isVersion},
		{"flipped bit in a value", edit(func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte(meta.KindTopic))
			v := append([]byte(nil), b.Get([]byte("a"))...)
			v[len(v)-1] ^= 1
			return b.Put([]byte("a"), v)
		}), isCorrupt},
		{"short value", edit(func(tx *bolt.Tx) error {
			return tx.Bucket([]byte(meta.KindTopic)).Put([]byte("a"), []byte{1})
		}), isCorrupt},
		{"revision from the future", edit(func(tx *bolt.Tx) error {
			return tx.Bucket(bucketAbout).Put(keyRevision, make([]byte, 8))
		}), isCorrupt},
		{"no cluster id", edit(func(tx *bolt.Tx) error { return tx.Bucket(bucketAbout).Delete(keyClusterID) }), isCorrupt},
		{"missing bucket", edit(func(tx *bolt.Tx) error { return tx.DeleteBucket([]byte(meta.KindSpu)) }), isCorrupt},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "metadata.db")
			if err := os.WriteFile(path, whole, 0o600); err != nil {
				t.Fatal(err)
			}
			tc.damage(t, path)
			before, _ := os.ReadFile(path)
			s, err := Open(path, Options{})
			if err == nil {
				s.Close()
			}
			if !tc.want(err) {
				t.Fatalf("Open: %v", err)
			}
			t.Log(err)
			if after, _ := os.ReadFile(path); !reflect.DeepEqual(before, after) {
				t.Error("the file was changed")
			}
		})
	}
}

func BenchmarkCommitTopicOf1000(b *testing.B) {
	s := mustOpen(b, filepath.Join(b.TempDir(), "metadata.db"))
	for i := range b.N {
		changes := []meta.Change{meta.Create(fmt.Sprintf("t%d", i), metatest.Topic(1))}
		for p := range 1000 {
			changes = append(changes, meta.Create(fmt.Sprintf("t%d-%d", i, p), metatest.Partition(1)))
		}
		if _, err := s.Commit(b.Context(), changes); err != nil {
			b.Fatal(err)
		}
	}
}
