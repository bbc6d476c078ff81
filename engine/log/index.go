package log

import (
	"encoding/binary"
	"io"
	"sort"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
)

// Index file: an array of entries, big-endian. The format must not move.
//
//	0 ┌──────────────────────────────────┐
//	  │ offset of a batch - base     u32 │
//	4 ├──────────────────────────────────┤
//	  │ position of its first byte   u32 │  0 marks an unused slot
//	8 └──────────────────────────────────┘
const indexEntrySize = 8

type entry struct{ rel, pos uint32 }

// index finds batches of one segment. The file is a prefix of the truth and
// is never synced; new entries gather in memory and go out a page at a time.
// Fields are guarded by Log.mu.
type index struct {
	path   string
	filed  int     // entries in the file
	cache  []entry // those entries, while somebody reads the segment
	loaded bool    // cache holds them
	tail   []entry // entries not yet in the file
	sum    int64   // bytes of batches since the last entry
}

// tailEntries are written at once: one page.
const tailEntries = 512

func (x *index) entries() int { return x.filed + len(x.tail) }
func (x *index) bytes() int64 { return int64(x.entries()) * indexEntrySize }

// add applies the rule of the format to one more batch: an entry for the
// first batch that begins at least interval bytes after the last one that had
// none counted. The first batch of a segment never gets an entry.
func (x *index) add(base int64, h head, c *Config) {
	if x.sum < c.IndexInterval {
		x.sum += h.size
		return
	}
	if x.bytes()+indexEntrySize <= c.IndexBytes {
		x.tail = append(x.tail, entry{uint32(h.base - base), uint32(h.pos)})
	}
	x.sum = 0
}

// floor returns the last entry at or below rel, or the zero entry, which
// means the start of the segment. The cache must be loaded.
func (x *index) floor(rel uint32) entry {
	for _, list := range [2][]entry{x.tail, x.cache} {
		if len(list) > 0 && list[0].rel <= rel {
			i := sort.Search(len(list), func(i int) bool { return list[i].rel > rel })
			return list[i-1]
		}
	}
	return entry{}
}

// floorPos returns the last entry at or below byte pos likewise.
func (x *index) floorPos(pos uint32) entry {
	for _, list := range [2][]entry{x.tail, x.cache} {
		if len(list) > 0 && list[0].pos <= pos {
			i := sort.Search(len(list), func(i int) bool { return list[i].pos > pos })
			return list[i-1]
		}
	}
	return entry{}
}

// after returns the first entry above byte pos.
func (x *index) after(pos int64) (entry, bool) {
	for _, list := range [2][]entry{x.cache, x.tail} {
		if i := sort.Search(len(list), func(i int) bool { return int64(list[i].pos) > pos }); i < len(list) {
			return list[i], true
		}
	}
	return entry{}, false
}

// unload frees the memory of an idle index.
func (x *index) unload() {
	x.cache, x.loaded = nil, false
}

// flushed moves n entries of the tail to the cache after they were written.
func (x *index) flushed(n int) {
	if x.loaded {
		x.cache = append(x.cache, x.tail[:n]...)
	}
	x.filed += n
	x.tail = x.tail[:copy(x.tail, x.tail[n:])]
}

func putEntries(b []byte, list []entry) []byte {
	for _, e := range list {
		b = binary.BigEndian.AppendUint32(b, e.rel)
		b = binary.BigEndian.AppendUint32(b, e.pos)
	}
	return b
}

func getEntry(b []byte) entry {
	return entry{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])}
}

// readIndex reads at most max entries of an index file up to the first unused
// slot. ok is false if what was read cannot be an index of a segment with
// size bytes.
func readIndex(fsys vfs.FS, path string, max int, size int64) (list []entry, ok bool, err error) {
	f, err := fsys.Open(path)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	n, err := f.Size()
	if err != nil {
		return nil, false, err
	}
	n = min(n/indexEntrySize, int64(max))
	buf := make([]byte, min(n*indexEntrySize, 64<<10))
	var last entry
	for at := int64(0); at < n; {
		b := buf[:min(int64(len(buf)), (n-at)*indexEntrySize)]
		if k, err := f.ReadAt(b, at*indexEntrySize); err != nil && !(err == io.EOF && k == len(b)) {
			return nil, false, err
		}
		if list == nil && getEntry(b).pos != 0 {
			list = make([]entry, 0, min(n, 1<<17))
		}
		for ; len(b) > 0; b = b[indexEntrySize:] {
			e := getEntry(b)
			if e.pos == 0 {
				return list, e.rel == 0, nil
			}
			if int64(e.pos) >= size || e.pos <= last.pos || e.rel <= last.rel {
				return nil, false, nil
			}
			list = append(list, e)
			last = e
			at++
		}
	}
	return list, true, nil
}
