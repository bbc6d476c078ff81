package sc

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/engine/sc/meta/memstore"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

func TestConfig(t *testing.T) {
	_, err := New(Config{PlatformVersion: "1.2", MaxPartitions: 1 << 20, Timeouts: Timeouts{Heartbeat: time.Second, Lease: time.Second}})
	if err == nil {
		t.Fatal("nonsense was accepted")
	}
	for _, what := range []string{"Store", "Public", `"1.2"`, "1048576", "Heartbeat 1s"} {
		if !strings.Contains(err.Error(), what) {
			t.Errorf("%v does not mention %s", err, what)
		}
	}
}

func TestLifeCycle(t *testing.T) {
	newSC := func(store *memstore.Store) *SC {
		s, err := New(Config{
			Store: store, Public: transport.NewMemListener("a"), Private: transport.NewMemListener("b"), PlatformVersion: "0.18.2-dev-1",
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	ctx := context.Background()

	s := newSC(memstore.New(memstore.Options{}))
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err == nil {
		t.Error("second start succeeded")
	}
	for range 2 {
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	}
	if err := s.EnsureCustomSpu(ctx, customSpu(1), "a"); err != errStopped {
		t.Errorf("after close: %v", err)
	}

	s = newSC(memstore.New(memstore.Options{}))
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
	if err := s.Start(); err == nil {
		t.Error("start after close succeeded")
	}

	closed := memstore.New(memstore.Options{})
	closed.Close()
	if err := newSC(closed).Start(); err == nil {
		t.Error("start without metadata succeeded")
	}
}
