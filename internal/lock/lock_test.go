package lock

import (
	"sync"
	"testing"
)

// The locks exclude each other. With the race detector this also checks that
// they order what they protect.
func TestRWMutex(t *testing.T) {
	var m RWMutex
	var wg sync.WaitGroup
	value, seen := 0, make([]int, 8)
	for i := range seen {
		wg.Go(func() {
			for range 500 {
				m.Lock()
				value++
				m.Unlock()
				m.RLock()
				if value < seen[i] {
					t.Error("a value went back")
				}
				seen[i] = value
				m.RUnlock()
			}
		})
	}
	wg.Wait()
	if want := 500 * len(seen); value != want {
		t.Errorf("counted %d, want %d", value, want)
	}
}

// Readers share the lock.
func TestReadersShare(t *testing.T) {
	var m RWMutex
	m.RLock()
	done := make(chan struct{})
	go func() {
		m.RLock()
		defer m.RUnlock()
		close(done)
	}()
	<-done
	m.RUnlock()
}

func TestMutex(t *testing.T) {
	var m Mutex
	var wg sync.WaitGroup
	n := 0
	for range 8 {
		wg.Go(func() {
			for range 500 {
				m.Lock()
				n++
				m.Unlock()
			}
		})
	}
	wg.Wait()
	if n != 4000 {
		t.Errorf("counted %d, want 4000", n)
	}
}
