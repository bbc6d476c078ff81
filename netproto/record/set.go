package record

import (
	"errors"
	"iter"
)

// Set is a record set: batches back to back, as they travel in a produce
// request or a fetch response and as they lie in a log file. The length
// prefix of the wire is not part of it.
type Set []byte

// Batches iterates over the whole batches of s. If s ends inside a batch or
// holds an impossible length, the last pair has a nil batch and the error of
// Next.
func (s Set) Batches() iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		for rest := []byte(s); len(rest) > 0; {
			b, r, err := Next(rest)
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(b, nil) {
				return
			}
			rest = r
		}
	}
}

// Whole returns s without a batch that is cut at the end, and without
// anything after an impossible length. Some servers cut a fetch response at
// its size limit; what was cut is fetched again.
func (s Set) Whole() Set {
	n := 0
	for b, err := range s.Batches() {
		if err != nil {
			break
		}
		n += len(b)
	}
	return s[:n:n]
}

// Count adds up the records that the batch headers claim. A batch that is cut
// at the end is not counted and is no error; other damage is. Counts below
// one, which no valid batch has, add nothing.
func (s Set) Count() (records int64, batches int, err error) {
	for b, err := range s.Batches() {
		if errors.Is(err, ErrTorn) {
			break
		}
		if err != nil {
			return records, batches, err
		}
		records += max(0, int64(b.LastOffsetDelta())+1)
		batches++
	}
	return records, batches, nil
}

// NextOffset is the offset after the last record of the last whole batch, or
// ok false if there is none. It trusts the headers, as official consumers do.
func (s Set) NextOffset() (next int64, ok bool) {
	for b, err := range s.Batches() {
		if err != nil {
			break
		}
		next, ok = b.NextOffset(), true
	}
	return next, ok
}
