package client

import "context"

// Future is the outcome of one record that is still to come. It is small and
// meant to be passed by value; any number of goroutines may wait on it. The
// zero Future is not usable.
type Future struct {
	b     *batchResult
	index int64 // position in the batch
	err   error // the record got into no batch
}

// batchResult is what all futures of one batch share.
type batchResult struct {
	partition uint32
	done      chan struct{} // closed when base and err are set
	base      int64         // offset of the first record; -1 unknown
	err       error
}

func (r *batchResult) meta(index int64) RecordMeta {
	if r.base < 0 || r.err != nil {
		return RecordMeta{Partition: r.partition, Offset: -1}
	}
	return RecordMeta{Partition: r.partition, Offset: r.base + index}
}

var alreadyDone = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// Done is closed when the outcome is known.
func (f Future) Done() <-chan struct{} {
	if f.b == nil {
		return alreadyDone
	}
	return f.b.done
}

// Wait returns the outcome, or ctx's error if that comes first; the record is
// then still on its way.
func (f Future) Wait(ctx context.Context) (RecordMeta, error) {
	if f.b == nil {
		return RecordMeta{Offset: -1}, f.err
	}
	select {
	case <-f.b.done:
		return f.b.meta(f.index), f.b.err
	default:
	}
	select {
	case <-f.b.done:
		return f.b.meta(f.index), f.b.err
	case <-ctx.Done():
		return RecordMeta{Partition: f.b.partition, Offset: -1}, ctx.Err()
	}
}
