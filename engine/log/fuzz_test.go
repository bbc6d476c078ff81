package log

import (
	"slices"
	"testing"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
)

// FuzzRecover opens a directory with arbitrary bytes as segment and index.
// Whatever is kept must read the same after another start, and the log must
// take appends.
func FuzzRecover(f *testing.F) {
	m := vfs.NewMem()
	fill(f, m, Config{IndexInterval: 64}, 5)
	log, _ := vfs.ReadFile(m, first0)
	index, _ := vfs.ReadFile(m, "d/00000000000000000000.index")
	f.Add(log, index)
	f.Add(log[:len(log)-7], index[:3])
	f.Add(append(make([]byte, 100), log...), []byte{})
	f.Add(append(log[:200:200], log[190:]...), append(index, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1))
	f.Add([]byte{}, []byte{0, 0, 0, 1, 0, 0, 0, 61})
	f.Fuzz(func(t *testing.T, log, index []byte) {
		m := vfs.NewMem()
		m.MkdirAll("d")
		vfs.WriteFile(m, first0, log)
		vfs.WriteFile(m, "d/00000000000000000000.index", index)
		l := mustOpen(t, "d", Options{FS: m})
		first, damaged := readAll(t, l, 0, 1<<20)
		end := l.EndOffset()
		mustClose(t, l)
		l = mustOpen(t, "d", Options{FS: m})
		second, damaged2 := readAll(t, l, 0, 100)
		equalBatches(t, second, first)
		if l.EndOffset() != end || (len(damaged) == 0) != (len(damaged2) == 0) {
			t.Fatalf("end %d, then %d; %d damaged, then %d", end, l.EndOffset(), len(damaged), len(damaged2))
		}
		mustAppend(t, l, makeBatch(newRand(1), 1, 10, 1))
		mustClose(t, l)
	})
}

// FuzzDecode decodes the small files beside the log. What is accepted must
// encode to something that decodes to the same.
func FuzzDecode(f *testing.F) {
	mark := make([]byte, pointSize)
	encodePoint(mark, 7, point{base: 5, pos: 100, offset: 9})
	owner, err := newMeta(owner1).encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(mark)
	f.Add(owner)
	f.Add([]byte(`{"format":1,"topic_id":"00"}`))
	f.Add(epochs{{0, 0}, {3, 4711}}.encode())
	f.Add([]byte("1\n1\n0 0\ncrc 00000000\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if seq, p, ok := decodePoint(b); ok {
			again := make([]byte, pointSize)
			encodePoint(again, seq, p)
			if s, q, ok := decodePoint(again); s != seq || q != p || !ok {
				t.Fatalf("point %+v of sequence %d became %+v of %d", p, seq, q, s)
			}
		}
		if m, err := decodeMeta(b); err == nil {
			again, err := m.encode()
			if err != nil {
				t.Fatal(err)
			}
			if n, err := decodeMeta(again); n != m || err != nil {
				t.Fatalf("meta %+v became %+v, %v", m, n, err)
			}
		}
		if e, err := decodeEpochs(b); err == nil {
			if d, err := decodeEpochs(e.encode()); !slices.Equal(d, e) || err != nil {
				t.Fatalf("epochs %v became %v, %v", e, d, err)
			}
		}
	})
}
