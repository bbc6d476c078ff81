package log

import (
	"fmt"
	"io"
	"strings"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
)

// maxAside bounds the copy of damaged bytes.
const maxAside = 32 << 20

// quarantine reports damage and keeps a copy of the damaged bytes beside the
// segment, as <base>.<position>.corrupt, for whoever wants to look: the
// segment itself goes away with retention. The bytes also stay where they
// are, so that positions around them remain right.
func (l *Log) quarantine(s *segment, h *handle, d hole) {
	aside := fmt.Sprintf("%s.%010d.corrupt", strings.TrimSuffix(s.path, logSuffix), d.from)
	if d.to == d.from {
		aside = ""
	} else if _, err := l.fs.Stat(aside); err != nil {
		if l.copyAside(aside, h.File, d) != nil {
			aside = ""
		}
	}
	l.events.quarantined(Quarantined{
		File: s.path, Position: d.from, Bytes: d.to - d.from,
		Offset: d.offset, Next: d.next, Aside: aside, Err: d.err,
	})
	l.noteDamage(d.offset, d.next, d.err)
}

func (l *Log) copyAside(path string, src io.ReaderAt, d hole) error {
	f, err := l.fs.Create(path)
	if err != nil {
		return err
	}
	err = copyAt(f, 0, src, d.from, min(d.to-d.from, maxAside))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = l.fs.Remove(path)
	}
	return err
}

// copyAt copies n bytes through a pooled buffer.
func copyAt(dst vfs.File, to int64, src io.ReaderAt, from, n int64) error {
	buf := copyPool.Get().(*[]byte)
	defer copyPool.Put(buf)
	for n > 0 {
		b := (*buf)[:min(int64(len(*buf)), n)]
		if k, err := src.ReadAt(b, from); k < len(b) {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
		if _, err := dst.WriteAt(b, to); err != nil {
			return err
		}
		k := int64(len(b))
		from, to, n = from+k, to+k, n-k
	}
	return nil
}
