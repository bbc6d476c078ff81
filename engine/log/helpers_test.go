package log

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
	"github.com/fluvio-go/fluvio/netproto/record"
)

var ctx = context.Background()

// makeBatch encodes a batch of n records whose records section has size
// random bytes behind the count. The log does not look into them.
func makeBatch(rng *rand.Rand, n, size int, ms int64) record.Batch {
	b := make(record.Batch, record.HeaderSize+4+size)
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-record.PreambleSize))
	b.SetLeaderEpoch(-1)
	b[16] = record.Magic
	binary.BigEndian.PutUint32(b[23:], uint32(n-1))
	binary.BigEndian.PutUint64(b[27:], uint64(ms))
	binary.BigEndian.PutUint64(b[35:], uint64(ms))
	for i := 43; i < record.HeaderSize; i++ {
		b[i] = 0xff
	}
	binary.BigEndian.PutUint32(b[57:], uint32(n))
	for i := 61; i < len(b); i++ {
		b[i] = byte(rng.Uint32())
	}
	b.SetCRC()
	return b
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func mustOpen(t testing.TB, dir string, o Options) *Log {
	t.Helper()
	l, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func mustAppend(t testing.TB, l *Log, batches ...record.Batch) Appended {
	t.Helper()
	var all []byte
	for _, b := range batches {
		all = append(all, b...)
	}
	a, err := l.Append(all, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range batches {
		copy(b, all)
		all = all[len(b):]
	}
	return a
}

func mustClose(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// readAll returns the batches from start to the end of the log, and the
// damage met on the way.
func readAll(t testing.TB, l *Log, start int64, maxBytes int) (batches []record.Batch, damaged []*Damaged) {
	t.Helper()
	end := l.EndOffset()
	for at := start; at < end; {
		s, err := l.Read(at, maxBytes, end)
		var d *Damaged
		if errors.As(err, &d) {
			if d.Next <= at {
				t.Fatalf("no progress at offset %d: %v", at, d)
			}
			damaged = append(damaged, d)
			at = d.Next
			continue
		}
		if err != nil {
			t.Fatalf("read offset %d: %v", at, err)
		}
		b, err := s.Bytes(nil)
		if err != nil {
			t.Fatalf("read bytes of offset %d: %v", at, err)
		}
		next := s.EndOffset()
		s.Release()
		if len(b) == 0 || next <= at {
			t.Fatalf("no progress at offset %d: %d bytes, next %d", at, len(b), next)
		}
		for len(b) > 0 {
			one, rest, err := record.Next(b)
			if err != nil {
				t.Fatalf("slice at offset %d holds no whole batch: %v", at, err)
			}
			if err := one.Verify(); err != nil {
				t.Fatalf("slice at offset %d: %v", at, err)
			}
			batches = append(batches, one)
			b = rest
		}
		at = next
	}
	return batches, damaged
}

func memLog(t testing.TB, c Config) *Log {
	t.Helper()
	return mustOpen(t, "d", Options{FS: vfs.NewMem(), Config: c})
}

func at(ms int64) func() time.Time { return func() time.Time { return time.UnixMilli(ms) } }
