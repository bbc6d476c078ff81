package crash

import (
	"fmt"
	"io"
	"slices"
	"sync"
)

// Place is where a record was stored.
type Place struct {
	Partition uint32
	Offset    int64
}

// entry is what is known of one key.
type entry struct {
	sum      Sum
	attempts int
	acked    []Place // one at most, unless something is wrong
}

// Ledger is the producers' memory. Each line of it also goes to a file, so
// that a failure can be looked into. It is safe for concurrent use.
type Ledger struct {
	mu      sync.Mutex
	entries map[Key]*entry
	acked   int
	seen    map[Place]Sum // what a consumer of committed records got before a fault
	file    io.Writer
	err     error // first failure to write the file
}

// NewLedger returns an empty ledger that writes to file.
func NewLedger(file io.Writer) *Ledger {
	return &Ledger{entries: make(map[Key]*entry), seen: make(map[Place]Sum), file: file}
}

func (l *Ledger) line(format string, args ...any) {
	if _, err := fmt.Fprintf(l.file, format+"\n", args...); err != nil && l.err == nil {
		l.err = err
	}
}

// Attempt notes that a value is about to be sent, for the first time or again.
func (l *Ledger) Attempt(k Key, sum Sum) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entries[k]
	if e == nil {
		e = &entry{sum: sum}
		l.entries[k] = e
	}
	e.attempts++
	l.line("attempt %d %d %x", k.Producer, k.Seq, sum)
}

// Ack notes an acknowledgement.
func (l *Ledger) Ack(k Key, at Place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entries[k]
	if e == nil {
		e = new(entry) // no attempt: the checker will say so
		l.entries[k] = e
	}
	e.acked = append(e.acked, at)
	l.acked++
	l.line("ack %d %d %d %d", k.Producer, k.Seq, at.Partition, at.Offset)
}

// Saw notes what a consumer of committed records was given.
func (l *Ledger) Saw(at Place, sum Sum) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen[at] = sum
	l.line("saw %d %d %x", at.Partition, at.Offset, sum)
}

// Acked is the number of acknowledgements.
func (l *Ledger) Acked() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acked
}

// Attempted is the number of records that were sent at least once.
func (l *Ledger) Attempted() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.entries)
}

// Unacked returns the sequences of a producer that were sent and never
// acknowledged, in order.
func (l *Ledger) Unacked(producer uint32) []uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	var seqs []uint64
	for k, e := range l.entries {
		if k.Producer == producer && len(e.acked) == 0 {
			seqs = append(seqs, k.Seq)
		}
	}
	slices.Sort(seqs)
	return seqs
}

// Err is the first failure to write the file.
func (l *Ledger) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}
