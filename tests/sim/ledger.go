//go:build sim

package sim

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
	"github.com/fluvio-go/fluvio/netproto/record"
)

// ledger is what clients were promised, and finds out when a promise is
// broken.
type ledger struct {
	mu         sync.Mutex
	parts      []*account
	violations []string
	acks       int
	reads      int
}

// account is the ledger of one partition.
type account struct {
	sent  map[string]bool  // every value that may be in the log
	known map[int64]string // by offset: acknowledged, or read by a committed reader
	by    map[int64]string // who said so
}

func newLedger(partitions uint32) *ledger {
	l := new(ledger)
	for range partitions {
		l.parts = append(l.parts, &account{sent: make(map[string]bool), known: make(map[int64]string), by: make(map[int64]string)})
	}
	return l
}

// maxViolations keeps a broken run readable.
const maxViolations = 20

// fail notes a broken promise.
func (l *ledger) fail(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failLocked(format, args...)
}

func (l *ledger) failLocked(format string, args ...any) {
	if len(l.violations) < maxViolations {
		l.violations = append(l.violations, fmt.Sprintf(format, args...))
	}
}

func (l *ledger) broken() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.violations)
}

func (l *ledger) sent(partition uint32, values []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range values {
		l.parts[partition].sent[v] = true
	}
}

// acknowledged notes that a producer was told that its records are kept at
// an offset.
func (l *ledger) acknowledged(partition uint32, base int64, values []string, by string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acks += len(values)
	for i, v := range values {
		l.promise(partition, base+int64(i), v, "acknowledged by "+by)
	}
}

// promise notes what is at an offset for good. l.mu is held.
func (l *ledger) promise(partition uint32, offset int64, value, by string) {
	a := l.parts[partition]
	if before, ok := a.known[offset]; ok {
		if before != value {
			l.failLocked("partition %d offset %d: %q %s, but %q %s", partition, offset, brief(value), by, brief(before), a.by[offset])
		}
		return
	}
	a.known[offset], a.by[offset] = value, by
}

// brief is a value without its padding.
func brief(v string) string { return v[:strings.LastIndexByte(v, '/')+1] }

var errGap = errors.New("records are missing")

// read takes what a committed reader got that wants offset next, and returns
// which it wants then.
func (l *ledger) read(partition uint32, next int64, records []byte, by, from string) (int64, error) {
	got, err := decode(records)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failLocked("%s got from %s: %v", by, from, err)
		return next, err
	}
	for _, r := range got {
		if r.offset < next {
			continue // the batch began before
		}
		if r.offset != next {
			l.failLocked("%s wants offset %d of partition %d from %s and gets %d", by, next, partition, from, r.offset)
			return next, errGap
		}
		l.reads++
		l.promise(partition, r.offset, r.value, "read from "+from)
		next++
	}
	return next, nil
}

type entry struct {
	offset int64
	epoch  int32
	value  string
}

// decode returns the records of whole batches.
func decode(batches []byte) (out []entry, err error) {
	for len(batches) > 0 {
		b, rest, err := record.Next(batches)
		if err != nil {
			return out, err
		}
		if err := b.Verify(); err != nil {
			return out, err
		}
		it, err := b.Records(nil)
		if err != nil {
			return out, err
		}
		for offset := b.BaseOffset(); it.Next(); offset++ {
			out = append(out, entry{offset, b.LeaderEpoch(), string(it.Record().Value)})
		}
		if err := it.Err(); err != nil {
			return out, err
		}
		batches = rest
	}
	return out, nil
}

// count is how many offsets of a partition are promised.
func (l *ledger) count(partition uint32) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.parts[partition].known)
}

func (l *ledger) totals() (acks, reads int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acks, l.reads
}

// readLog joins the segments of a replica. A segment ends where the next one
// begins: what its file holds beyond that was replaced, and is only cut off
// when the disk lets it.
func readLog(m *vfs.Mem, dir string) ([]byte, error) {
	names, err := m.List(dir)
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return filepath.Ext(name) != ".log" })
	var out []byte
	for i, name := range names { // sorted, and with that in the order of offsets
		b, err := vfs.ReadFile(m, filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		if i+1 < len(names) {
			next, err := strconv.ParseInt(strings.TrimSuffix(names[i+1], ".log"), 10, 64)
			if err != nil {
				return nil, err
			}
			b = before(b, next)
		}
		out = append(out, b...)
	}
	return out, nil
}

// before is the batches in front of an offset.
func before(b []byte, offset int64) []byte {
	for rest := b; len(rest) > 0; {
		batch, tail, err := record.Next(rest)
		if err != nil || batch.BaseOffset() >= offset {
			return b[:len(b)-len(rest)]
		}
		rest = tail
	}
	return b
}

// check compares the promises with the log that is left in the end.
func (l *ledger) check(partition uint32, log []byte) {
	entries, err := decode(log)
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.parts[partition]
	if err != nil {
		l.failLocked("partition %d, after %d records: %v", partition, len(entries), err)
	}
	at := make(map[string]int64, len(entries))
	last := make(map[string]int) // sequence by producer
	epoch := int32(0)
	for i, e := range entries {
		producer, seq := origin(e.value)
		switch before, twice := at[e.value]; {
		case e.offset != int64(i):
			l.failLocked("partition %d: record %d has offset %d", partition, i, e.offset)
			return
		case e.epoch < epoch:
			l.failLocked("partition %d offset %d: epoch %d after %d", partition, e.offset, e.epoch, epoch)
		case !a.sent[e.value]:
			l.failLocked("partition %d offset %d: %q was never sent", partition, e.offset, brief(e.value))
		case twice:
			l.failLocked("partition %d: %q is at %d and %d", partition, brief(e.value), before, e.offset)
		case seq <= last[producer]:
			l.failLocked("partition %d offset %d: %q after number %d", partition, e.offset, brief(e.value), last[producer])
		}
		at[e.value], last[producer], epoch = e.offset, seq, max(epoch, e.epoch)
	}
	for offset, want := range a.known {
		switch {
		case offset >= int64(len(entries)):
			l.failLocked("partition %d offset %d: %q %s, and the log ends at %d", partition, offset, brief(want), a.by[offset], len(entries))
		case entries[offset].value != want:
			l.failLocked("partition %d offset %d: %q %s, and there is %q now", partition, offset, brief(want), a.by[offset], brief(entries[offset].value))
		}
	}
}

// origin is who sent a value, and its number there.
func origin(value string) (producer string, seq int) {
	producer, rest, _ := strings.Cut(value, "/")
	number, _, _ := strings.Cut(rest, "/")
	seq, _ = strconv.Atoi(number)
	return producer, seq
}
