package log

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
)

// cutIndex drops the entries of s at and after byte pos. Nobody else uses the
// segment.
func (l *Log) cutIndex(s *segment, pos int64) {
	for n := len(s.idx.tail); n > 0 && int64(s.idx.tail[n-1].pos) >= pos; n-- {
		s.idx.tail = s.idx.tail[:n-1]
	}
	s.idx.unload()
	if s.idx.filed == 0 {
		return
	}
	list, ok, err := readIndex(l.fs, s.idx.path, s.idx.filed, maxOffset)
	if err != nil || !ok {
		list = nil // made anew by the next reader
	}
	n := len(list)
	for n > 0 && int64(list[n-1].pos) >= pos {
		n--
	}
	if l.writeIndex(s, nil, int64(n)*indexEntrySize) != nil {
		n = 0
		_ = l.fs.Remove(s.idx.path)
	}
	s.idx.filed = n
}

// flushIndex writes the entries gathered in memory. Errors are ignored: the
// entries stay in memory, and an index that is too short is completed from
// the log. The caller holds wmu, so the tail only grows by itself.
func (l *Log) flushIndex(s *segment) {
	l.mu.RLock()
	n, at := len(s.idx.tail), s.idx.filed
	b := putEntries(nil, s.idx.tail)
	l.mu.RUnlock()
	if n == 0 || l.writeIndex(s, b, int64(at)*indexEntrySize) != nil {
		return
	}
	l.mu.Lock()
	s.idx.flushed(n)
	l.mu.Unlock()
}

// sealIndex gives an empty index its one zero entry, which means the start of
// the segment: a file without bytes cannot be mapped by other readers.
func (l *Log) sealIndex(s *segment) {
	l.mu.RLock()
	empty := s.idx.entries() == 0
	l.mu.RUnlock()
	if empty {
		_ = l.writeIndex(s, make([]byte, indexEntrySize), 0)
	}
}

// writeIndex writes b at off and ends the file there.
func (l *Log) writeIndex(s *segment, b []byte, off int64) error {
	f, err := l.fs.OpenRW(s.idx.path)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = l.fs.Create(s.idx.path)
	}
	if err != nil {
		return err
	}
	if _, err = f.WriteAt(b, off); err == nil {
		err = f.Truncate(off + int64(len(b)))
	}
	return errors.Join(err, f.Close())
}

// lastEntry returns the last entry of an index file and their number. It
// reads 8 bytes, unless the file has unused slots as an active index of
// Fluvio has; then ok is false.
func lastEntry(fsys vfs.FS, path string, size int64) (last entry, n int, ok bool) {
	f, err := fsys.Open(path)
	if err != nil {
		// A segment without entries may have no file.
		return entry{}, 0, errors.Is(err, fs.ErrNotExist)
	}
	defer f.Close()
	bytes, err := f.Size()
	if err != nil || bytes%indexEntrySize != 0 {
		return entry{}, 0, false
	}
	if bytes == 0 {
		return entry{}, 0, true
	}
	var b [indexEntrySize]byte
	if _, err := f.ReadAt(b[:], bytes-indexEntrySize); err != nil && err != io.EOF {
		return entry{}, 0, false
	}
	last, n = getEntry(b[:]), int(bytes/indexEntrySize)
	if last == (entry{}) && n == 1 {
		return entry{}, 0, true
	}
	return last, n, last.pos > 0 && last.rel > 0 && int64(last.pos) < size
}

// loadIndex reads the index file of s into memory for a reader.
func (l *Log) loadIndex(s *segment, h *handle) error {
	l.mu.RLock()
	filed, size, loaded := s.idx.filed, s.size, s.idx.loaded
	l.mu.RUnlock()
	if loaded {
		return nil
	}
	var list []entry
	ok := true
	var err error
	if filed > 0 {
		list, ok, err = readIndex(l.fs, s.idx.path, filed, size)
	}
	if err != nil || !ok || len(list) != filed {
		return l.rebuildIndex(s, h, "file is missing or damaged")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !s.idx.loaded && s.idx.filed == filed {
		s.idx.cache, s.idx.loaded = list, true
	}
	return nil
}

// rebuildIndex makes the index of s anew from the headers of its batches.
func (l *Log) rebuildIndex(s *segment, h *handle, reason string) error {
	cfg := l.cfg.Load()
	l.mu.RLock()
	size, upper := s.size, s.next
	l.mu.RUnlock()
	fresh := index{path: s.idx.path, loaded: true}
	_, err := skim(h.File, entry{}, s.base, size, upper, func(b head) { fresh.add(s.base, b, cfg) })
	if err != nil {
		return fmt.Errorf("rebuild %s: %w", s.idx.path, err)
	}
	l.mu.Lock()
	// Entries that the writer added meanwhile stay; those that the file has
	// are replaced as a whole with the next flush.
	for _, e := range s.idx.tail {
		if int64(e.pos) >= size {
			fresh.tail = append(fresh.tail, e)
		}
	}
	if s.size != size {
		fresh.sum = s.idx.sum
	}
	s.idx = fresh
	l.mu.Unlock()
	l.events.rebuilt(Rebuilt{File: s.idx.path, Reason: reason})
	return nil
}
