package log

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"path/filepath"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
)

// recovery-point.chk says up to where the log was on the device when the
// record was written. It has two slots of the same form, at bytes 0 and 512,
// written in turn, so that a torn write leaves the other. The one with the
// higher sequence whose CRC is right counts. All fields are big-endian; the
// format must not move.
//
//	 0 ┌────────────────────────────┐
//	   │ "FLRP"                     │
//	 4 │ version                u32 │  1
//	 8 │ sequence               u64 │
//	16 │ segment base           i64 │  offset
//	24 │ position               i64 │  bytes of that segment on the device
//	32 │ offset                 i64 │  of the record after them
//	40 │ zero                    20 │
//	60 │ CRC-32C of bytes 0–59  u32 │
//	64 └────────────────────────────┘
//
// It is written after each sync without a sync of its own: what it says is
// true whenever it can be read, and an older record only costs a longer scan.
// Before the log is cut it is lowered, in both slots, and synced.
const (
	pointName     = "recovery-point.chk"
	pointMagic    = "FLRP"
	pointVersion  = 1
	pointSize     = 64
	pointSlotStep = 512
)

type point struct {
	base, pos, offset int64
}

// noPoint makes recovery scan everything.
var noPoint = point{}

// pointFile is the open file. Its fields are guarded by Log.pmu.
type pointFile struct {
	path string
	file vfs.File
	seq  uint64
	last point
}

func (p *pointFile) close() {
	if p.file != nil {
		_ = p.file.Close() // nothing that needs to be durable is pending
		p.file = nil
	}
}

func encodePoint(b []byte, seq uint64, p point) {
	clear(b)
	copy(b, pointMagic)
	binary.BigEndian.PutUint32(b[4:], pointVersion)
	binary.BigEndian.PutUint64(b[8:], seq)
	for i, v := range []int64{p.base, p.pos, p.offset} {
		binary.BigEndian.PutUint64(b[16+8*i:], uint64(v))
	}
	binary.BigEndian.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
}

func decodePoint(b []byte) (seq uint64, p point, ok bool) {
	if len(b) < pointSize || string(b[:4]) != pointMagic ||
		binary.BigEndian.Uint32(b[4:]) != pointVersion ||
		binary.BigEndian.Uint32(b[60:]) != crc32.Checksum(b[:60], castagnoli) {
		return 0, noPoint, false
	}
	at := func(i int) int64 { return int64(binary.BigEndian.Uint64(b[i:])) }
	p = point{base: at(16), pos: at(24), offset: at(32)}
	ok = p.base >= 0 && p.pos >= 0 && p.offset >= p.base
	return binary.BigEndian.Uint64(b[8:]), p, ok
}

// readPoint returns the newest record, and false if there is none.
func readPoint(fsys vfs.FS, path string) (seq uint64, p point, ok bool, err error) {
	b, err := vfs.ReadFile(fsys, path)
	if err != nil {
		return 0, noPoint, false, err
	}
	for at := 0; at+pointSize <= len(b); at += pointSlotStep {
		if s, q, good := decodePoint(b[at:]); good && (!ok || s > seq) {
			seq, p, ok = s, q, true
		}
	}
	return seq, p, ok, nil
}

// point is how far the log is on the device. The caller holds mu.
func (l *Log) point() point {
	s := l.firstDirty()
	if s == nil {
		s = l.active()
	}
	return point{base: s.base, pos: s.syncedSize, offset: s.syncedNext}
}

// savePoint writes the point if it is ahead of what is written. Errors are
// ignored: an old record is true too.
func (l *Log) savePoint() {
	l.pmu.Lock()
	defer l.pmu.Unlock()
	l.mu.RLock()
	p := l.point()
	l.mu.RUnlock()
	if p.offset > l.points.last.offset || p.base > l.points.last.base {
		_ = l.writePoint(p)
	}
}

// lowerPoint makes durable that nothing above p is to be trusted, and then
// runs publish with mu held. No higher point can be written in between.
func (l *Log) lowerPoint(p point, publish func()) error {
	l.pmu.Lock()
	defer l.pmu.Unlock()
	l.mu.RLock()
	if q := l.point(); q.offset < p.offset {
		p = q
	}
	l.mu.RUnlock()
	if before := l.points.last; before.offset > p.offset || before.base > p.base {
		if err := l.writeBoth(p); err != nil {
			l.points.last = before // still to be lowered
			return ioError(err, "write %s", l.points.path)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	publish()
	return nil
}

func (l *Log) writeBoth(p point) error {
	for range 2 {
		if err := l.writePoint(p); err != nil {
			return err
		}
	}
	return l.points.file.Sync()
}

func (l *Log) writePoint(p point) error {
	f := &l.points
	if f.file == nil {
		file, err := l.fs.OpenRW(f.path)
		if errors.Is(err, fs.ErrNotExist) {
			file, err = l.fs.Create(f.path)
		}
		if err != nil {
			return err
		}
		f.file = file
	}
	var b [pointSize]byte
	f.seq++
	encodePoint(b[:], f.seq, p)
	if _, err := f.file.WriteAt(b[:], int64(f.seq%2)*pointSlotStep); err != nil {
		return err
	}
	f.last = p
	return nil
}

func pointPath(dir string) string { return filepath.Join(dir, pointName) }
