package memstore_test

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/fluvio-go/fluvio/engine/sc/meta"
	"github.com/fluvio-go/fluvio/engine/sc/meta/memstore"
	"github.com/fluvio-go/fluvio/engine/sc/meta/metatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStore(t *testing.T) {
	metatest.Run(t, func(t *testing.T) meta.Store {
		s := memstore.New(memstore.Options{History: 16})
		t.Cleanup(func() { s.Close() })
		return s
	})
}

func TestFailedPersistChangesNothing(t *testing.T) {
	broken := errors.New("disk is gone")
	s := memstore.New(memstore.Options{Persist: func(uint64, []meta.Change) error { return broken }})
	defer s.Close()
	if _, err := s.Commit(t.Context(), []meta.Change{meta.Create("a", metatest.Topic(1))}); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	objects, rev, err := s.List(t.Context())
	if err != nil || len(objects) != 0 || rev != 0 {
		t.Errorf("List = %v, %d, %v", objects, rev, err)
	}
}
