package log

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
)

const (
	logSuffix   = ".log"
	indexSuffix = ".index"
	tempSuffix  = ".tmp"

	stemDigits = 20
)

// segmentPath is the path of the segment file whose first offset is base.
func segmentPath(dir string, base int64) string {
	return filepath.Join(dir, fmt.Sprintf("%0*d%s", stemDigits, base, logSuffix))
}

// parseSegmentName is the reverse. Names that are not exactly of that form
// are not segments.
func parseSegmentName(name string) (base int64, ok bool) {
	stem, ok := strings.CutSuffix(name, logSuffix)
	if !ok || len(stem) != stemDigits || strings.Trim(stem, "0123456789") != "" {
		return 0, false
	}
	base, err := strconv.ParseInt(stem, 10, 64)
	return base, err == nil
}

// segment is one .log file and its index. All fields but base and path are
// guarded by Log.mu.
type segment struct {
	base int64
	path string

	size int64 // bytes of whole batches
	next int64 // offset after the last record
	idx  index

	syncedSize int64 // bytes known to be on the device
	syncedNext int64 // offset there

	named bool // its name is on the device

	born    time.Time // of the first append, as near as can be told
	touched time.Time // of the last append: stands in for a missing maxTime
	maxTime int64     // ms, the newest record seen
	timed   bool      // maxTime covers every batch

	file   *handle     // nil while idle
	used   atomic.Bool // since the last sweep of idle files
	good   spans       // bytes whose CRC was checked while the file was in use
	broken []hole
}

func newSegment(dir string, base int64, now time.Time) *segment {
	s := &segment{
		base: base, path: segmentPath(dir, base), next: base, syncedNext: base,
		born: now, touched: now, maxTime: -1, timed: true,
	}
	s.idx.path = strings.TrimSuffix(s.path, logSuffix) + indexSuffix
	return s
}

// reset forgets everything that was read of s.
func (s *segment) reset() {
	s.size, s.next, s.maxTime = 0, s.base, -1
	s.idx = index{path: s.idx.path}
}

func (s *segment) dirty() bool { return s.syncedSize < s.size }

// bytes is what the segment takes on disk.
func (s *segment) bytes() int64 { return s.size + s.idx.bytes() }

// handle is an open file that closes when its last user is done with it. The
// segment is one user; each Slice and each walk is another.
type handle struct {
	vfs.File
	refs atomic.Int32
}

func newHandle(f vfs.File) *handle {
	h := &handle{File: f}
	h.refs.Store(1)
	return h
}

func (h *handle) retain() *handle {
	h.refs.Add(1)
	return h
}

func (h *handle) release() {
	if h.refs.Add(-1) == 0 {
		// Whatever was written through the file has been synced or given up
		// long before; there is nobody to tell.
		_ = h.Close()
	}
}

// span is a range of bytes.
type span struct{ from, to int64 }

// spans is a sorted list of disjoint ranges.
type spans []span

// maxSpans bounds the memory of one segment. Readers move forward, so a few
// are the rule.
const maxSpans = 64

func (s spans) covers(from, to int64) bool {
	i, _ := slices.BinarySearchFunc(s, from, func(v span, from int64) int {
		if v.to <= from {
			return -1
		}
		return 1
	})
	return from >= to || (i < len(s) && s[i].from <= from && to <= s[i].to)
}

// add merges [from, to) into the list.
func (s *spans) add(from, to int64) {
	if from >= to {
		return
	}
	v := *s
	if n := len(v); n > 0 && v[n-1].from <= from && from <= v[n-1].to {
		v[n-1].to = max(v[n-1].to, to) // the usual case: the end grows
		return
	}
	i := 0
	for i < len(v) && v[i].to < from {
		i++
	}
	j := i
	for j < len(v) && v[j].from <= to {
		from, to = min(from, v[j].from), max(to, v[j].to)
		j++
	}
	if j == i && len(v) >= maxSpans {
		return // checked again on the next read
	}
	*s = slices.Replace(v, i, j, span{from, to})
}

// cut forgets everything from byte n on.
func (s *spans) cut(n int64) {
	v := *s
	for len(v) > 0 && v[len(v)-1].from >= n {
		v = v[:len(v)-1]
	}
	if k := len(v); k > 0 {
		v[k-1].to = min(v[k-1].to, n)
	}
	*s = v
}

// hole is damage that was found in a segment.
type hole struct {
	from, to     int64 // bytes
	offset, next int64
	err          error
}
