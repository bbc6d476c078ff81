package produce

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/netproto/record"
)

// producer is what the command needs of client.Producer.
type producer interface {
	// SendFunc queues a copy of the record and calls done with its outcome.
	// It blocks while the queue is full, which bounds the memory in use.
	SendFunc(ctx context.Context, rec client.Record, done func(client.RecordMeta, error))
	// Flush returns when everything queued has an outcome.
	Flush(ctx context.Context) error
}

// pipeline sends records without waiting for one before the next.
type pipeline struct {
	p      producer
	opts   *options
	key    []byte // of all records, nil for none
	sep    []byte // between key and value, nil for none
	ctx    context.Context
	cancel context.CancelCauseFunc
	acked  atomic.Int64
	done   func(client.RecordMeta, error) // made once, not once a record
}

func newPipeline(ctx context.Context, opts *options, p producer) *pipeline {
	l := &pipeline{p: p, opts: opts}
	if k := opts.key.Value; k != nil {
		l.key = append([]byte{}, *k...)
	}
	if s := opts.keySeparator.Value; s != nil {
		l.sep = []byte(*s)
	}
	l.ctx, l.cancel = context.WithCancelCause(ctx)
	l.done = l.settle
	return l
}

// sendError is the outcome of a record that did not get into the log.
type sendError struct{ err error }

func (e *sendError) Error() string { return e.err.Error() }
func (e *sendError) Unwrap() error { return e.err }

// settle takes the outcome of a record. The first failure ends everything.
func (l *pipeline) settle(_ client.RecordMeta, err error) {
	if err != nil {
		l.cancel(&sendError{err})
		return
	}
	l.acked.Add(1)
}

// all sends every line of r and returns when all are acknowledged, when one
// has failed, or when the context ends. In the latter cases the input may
// still be in use by a goroutine that waits for it: an input cannot be
// interrupted, and the process is about to end.
func (l *pipeline) all(r io.Reader) error {
	defer l.cancel(nil)
	fed := make(chan error, 1)
	go func() { fed <- l.feed(newLineReader(r, l.opts.maxRequest)) }()
	select {
	case err := <-fed:
		return errors.Join(l.drain(), err)
	case <-l.ctx.Done():
		return context.Cause(l.ctx)
	}
}

// drain waits for everything that was sent.
func (l *pipeline) drain() error {
	err := l.p.Flush(l.ctx)
	if cause := context.Cause(l.ctx); cause != nil {
		return cause
	}
	if err != nil {
		return &sendError{err}
	}
	return nil
}

// feed sends lines until the input ends.
func (l *pipeline) feed(lines *lineReader) error {
	for {
		line, err := lines.next()
		switch {
		case l.ctx.Err() != nil, err == io.EOF:
			return nil
		case err != nil:
			return &inputError{lines.count + 1, err}
		}
		if err := l.send(line); err != nil {
			return &inputError{lines.count, err}
		}
	}
}

// inputError is a failure of the input, or with what it holds. What came
// before it is sent nevertheless.
type inputError struct {
	line int // 1-based; 0 when the input is not read by lines
	err  error
}

func (e *inputError) Error() string { return e.err.Error() }
func (e *inputError) Unwrap() error { return e.err }

// send queues one line.
func (l *pipeline) send(line []byte) error {
	rec := client.Record{Key: l.key, Value: line}
	if l.sep != nil {
		key, value, ok := bytes.Cut(line, l.sep)
		if !ok {
			l.complain(line)
			return nil
		}
		if l.opts.verbose {
			if _, err := fmt.Fprintf(l.opts.f.IO.Out, "[%s] %s\n", key, value); err != nil {
				return err
			}
		}
		rec.Key, rec.Value = nonNil(key), value
	}
	return l.queue(rec)
}

// queue hands a record to the producer. A record that is too large is refused
// here: it must not count as a failure of those that are under way.
func (l *pipeline) queue(rec client.Record) error {
	size := record.EmptySize + record.EncodedRecordSize(len(rec.Key), rec.Key != nil, len(rec.Value), 0, 0)
	if size > l.opts.maxRequest {
		return &client.RecordTooLargeError{Size: size, Max: l.opts.maxRequest}
	}
	l.p.SendFunc(l.ctx, rec, l.done)
	return nil
}

// nonNil keeps an empty key a key.
func nonNil(key []byte) []byte {
	if key == nil {
		return []byte{}
	}
	return key
}

// shownLine is how much of a line a complaint repeats, in bytes.
const shownLine = 256

// complain reports a line that is skipped because it has no separator.
func (l *pipeline) complain(line []byte) {
	more := ""
	if len(line) > shownLine {
		line, more = line[:shownLine], "…"
	}
	fmt.Fprintf(l.opts.f.IO.Err, "ERROR Failed to find separator '%s' in record, skipping: '%s%s'\n", l.sep, line, more)
}
