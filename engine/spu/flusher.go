package spu

import "sync"

// flusher brings the files of all logs up to date that were appended to:
// records where durability is interval, checkpoints and indexes in every mode.
// It sleeps while nothing is appended.
type flusher struct {
	srv  *Server
	wake chan struct{} // capacity 1

	mu    sync.Mutex
	dirty []*partition
}

func newFlusher(s *Server) *flusher { return &flusher{srv: s, wake: make(chan struct{}, 1)} }

// add notes that p was appended to. p.unsynced keeps it from being called
// once per append.
func (f *flusher) add(p *partition) {
	f.mu.Lock()
	f.dirty = append(f.dirty, p)
	first := len(f.dirty) == 1
	f.mu.Unlock()
	if first {
		select {
		case f.wake <- struct{}{}:
		default:
		}
	}
}

// run is the flusher's goroutine.
func (f *flusher) run() {
	for {
		select {
		case <-f.wake:
		case <-f.srv.ctx.Done():
			return
		}
		for f.pending() {
			// Half the interval: what was appended just after one round is
			// due a little after the next.
			sleep(f.srv.ctx, f.srv.cfg.Flush/2)
			if f.srv.ctx.Err() != nil {
				return
			}
			f.round()
		}
	}
}

func (f *flusher) pending() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.dirty) > 0
}

// round visits every partition on the list; those that will be due later are
// put back.
func (f *flusher) round() {
	f.mu.Lock()
	dirty := f.dirty
	f.dirty = nil
	f.mu.Unlock()
	for _, p := range dirty {
		if f.srv.ctx.Err() != nil {
			return
		}
		p.unsynced.Store(false)
		l := p.open()
		if l == nil {
			continue
		}
		now := f.srv.cfg.Now()
		if err := l.FlushIfDue(now); err != nil {
			p.noteDiskError("flush", err)
			p.rewind(l)
		} else {
			p.synced(l)
		}
		if l.NeedsFlush(now.Add(f.srv.cfg.Flush)) && p.unsynced.CompareAndSwap(false, true) {
			f.add(p)
		}
	}
}
