//go:build sim

package lock

import "sync"

// Mutex is a mutual exclusion lock on which goroutines wait durably. Who waits
// longest gets it.
type Mutex struct{ rw RWMutex }

// Lock waits for the lock.
func (m *Mutex) Lock() { m.rw.Lock() }

// Unlock gives it back.
func (m *Mutex) Unlock() { m.rw.Unlock() }

// RWMutex is a reader/writer lock on which goroutines wait durably. Everybody
// gets it in turn; readers next to each other share it.
type RWMutex struct {
	mu      sync.Mutex
	readers int
	writer  bool
	queue   []waiting
}

type waiting struct {
	write bool
	ready chan struct{}
}

// Lock waits until nobody else has the lock.
func (m *RWMutex) Lock() {
	m.mu.Lock()
	if !m.writer && m.readers == 0 && len(m.queue) == 0 {
		m.writer = true
		m.mu.Unlock()
		return
	}
	m.wait(true)
}

// RLock waits until no writer has the lock.
func (m *RWMutex) RLock() {
	m.mu.Lock()
	if !m.writer && len(m.queue) == 0 {
		m.readers++
		m.mu.Unlock()
		return
	}
	m.wait(false)
}

// wait waits for a turn. m.mu is held.
func (m *RWMutex) wait(write bool) {
	w := waiting{write, make(chan struct{})}
	m.queue = append(m.queue, w)
	m.mu.Unlock()
	<-w.ready
}

// Unlock ends a Lock.
func (m *RWMutex) Unlock() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.writer {
		panic("lock: Unlock of an RWMutex that is not locked")
	}
	m.writer = false
	m.next()
}

// RUnlock ends an RLock.
func (m *RWMutex) RUnlock() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.readers == 0 {
		panic("lock: RUnlock of an RWMutex that is not locked for reading")
	}
	m.readers--
	m.next()
}

// next gives the lock to those whose turn it is. m.mu is held.
func (m *RWMutex) next() {
	for len(m.queue) > 0 && !m.writer {
		w := m.queue[0]
		if w.write {
			if m.readers > 0 {
				return
			}
			m.writer = true
		} else {
			m.readers++
		}
		m.queue = m.queue[1:]
		close(w.ready)
	}
}
