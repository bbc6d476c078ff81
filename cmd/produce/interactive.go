package produce

import (
	"context"
	"fmt"
	"io"

	"github.com/fluvio-go/fluvio/client"
)

// okLine answers a line that a person typed. It is green even off a terminal,
// as it always has been.
const okLine = "\x1b[32mOk!\x1b[0m\n"

const prompt = "> "

type typed struct {
	line []byte
	err  error
}

// converse sends what a person types, line by line, and answers each line when
// it is acknowledged.
func (l *pipeline) converse(r io.Reader) error {
	defer l.cancel(nil)
	lines := newLineReader(r, l.opts.maxRequest)
	input, next := make(chan typed), make(chan struct{})
	// The goroutine waits for a person and cannot be interrupted; it ends with
	// the process, or after this conversation with the next line.
	go func() {
		for range next {
			line, err := lines.next()
			select {
			case input <- typed{line, err}:
			case <-l.ctx.Done():
				return
			}
		}
	}()
	defer close(next)
	if l.opts.f.IO.ErrTTY() {
		fmt.Fprintln(l.opts.f.IO.Err, "type one record per line, ctrl-d ends")
	}
	for {
		fmt.Fprint(l.opts.f.IO.Err, prompt)
		next <- struct{}{}
		var t typed
		select {
		case t = <-input:
		case <-l.ctx.Done():
			return context.Cause(l.ctx)
		}
		switch {
		case t.err == io.EOF:
			return nil
		case t.err != nil:
			return &inputError{lines.count + 1, t.err}
		}
		if err := l.acknowledged(t.line); err != nil {
			return &inputError{lines.count, err}
		}
		if _, err := io.WriteString(l.opts.f.IO.Out, okLine); err != nil {
			return err
		}
	}
}

// acknowledged sends one line and waits for its outcome.
func (l *pipeline) acknowledged(line []byte) error {
	if err := l.send(line); err != nil {
		return err
	}
	return l.drain()
}

// one sends the whole input as one record.
func (l *pipeline) one(value []byte) error {
	defer l.cancel(nil)
	if err := l.queue(client.Record{Key: l.key, Value: value}); err != nil {
		return &inputError{err: err}
	}
	return l.drain()
}

// readWhole reads an input that has to fit one record. It stops early at an
// input that does not.
func readWhole(r io.Reader, limit int) ([]byte, error) {
	value, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err == nil && len(value) > limit {
		err = &client.RecordTooLargeError{Size: len(value), Max: limit}
	}
	if err != nil {
		return nil, &inputError{err: err}
	}
	return value, nil
}
