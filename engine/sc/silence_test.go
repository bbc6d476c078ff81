package sc

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fluvio-go/fluvio/engine/sc/meta"
	"github.com/fluvio-go/fluvio/netproto/api"
)

func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var timeouts Timeouts
		timeouts.fill()
		var ended atomic.Int32
		s := newSilence(&timeouts, func() { ended.Add(1) })
		defer s.stop()
		step := func(name string, d time.Duration, want int32) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if n := ended.Load(); n != want {
				t.Errorf("%s: ended %d times, want %d", name, n, want)
			}
		}
		step("not yet", s.after-1, 0)
		s.begin()
		step("spoke", s.after-1, 0)
		s.stop()
		step("waits for us", time.Hour, 0)
		s.begin()
		step("again", s.after-1, 0)
		// As when the process did not run for a while.
		s.mu.Lock()
		s.due = s.due.Add(-time.Minute)
		s.mu.Unlock()
		step("we were away", s.after-1, 0)
		step("silent", 2, 1)
		step("once", time.Hour, 1)
	})
}

// slowStore takes its time for commits.
type slowStore struct {
	meta.Store
	pause atomic.Int64 // time.Duration
}

func (s *slowStore) Commit(ctx context.Context, changes []meta.Change) ([]uint64, error) {
	time.Sleep(time.Duration(s.pause.Load()))
	return s.Store.Commit(ctx, changes)
}

// SPUs that wait for a controller that is slow are not silent.
func TestSlowControllerKeepsSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &slowStore{Store: newWatchedStore(t)}
		c := startCluster(t, store, nil)
		spu := c.startSpu(5001, 1)
		go beat(spu)
		cl := c.client()
		want(t, "create", cl.createTopic("a", 1), "a: ok")
		store.pause.Store(int64(10 * time.Second))
		want(t, "create", cl.createTopic("b", 1), "b: ok")
		if spus := cl.spus(); spus[0].Status.Resolution != api.SpuOnlineState {
			t.Errorf("%+v", spus)
		}
		select {
		case <-spu.done:
			t.Error("the session ended")
		default:
		}
		spu.kill()
		cl.Close()
	})
}
