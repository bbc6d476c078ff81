package iostreams

import (
	"bytes"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// defaultWidth is used where the terminal does not tell.
const defaultWidth = 80

// Streams is what a command reads and writes. It is not safe for concurrent
// use beyond what its readers and writers allow.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer

	inTTY, outTTY, errTTY bool
	env                   func(string) string
	width                 func() int
}

// System returns the streams of the process.
func System() *Streams {
	return &Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		inTTY:  term.IsTerminal(int(os.Stdin.Fd())),
		outTTY: term.IsTerminal(int(os.Stdout.Fd())),
		errTTY: term.IsTerminal(int(os.Stderr.Fd())),
		env:    os.Getenv,
		width: func() int {
			w, _, err := term.GetSize(int(os.Stdout.Fd()))
			if err != nil || w <= 0 {
				return 0
			}
			return w
		},
	}
}

// Test describes streams made of buffers. A test sets what it needs and calls
// Streams.
type Test struct {
	In, Out, Err          *bytes.Buffer
	InTTY, OutTTY, ErrTTY bool
	Env                   map[string]string
	Width                 int
}

// Streams returns the streams that t describes. Missing buffers are made.
func (t *Test) Streams() *Streams {
	for _, b := range []**bytes.Buffer{&t.In, &t.Out, &t.Err} {
		if *b == nil {
			*b = new(bytes.Buffer)
		}
	}
	return &Streams{
		In: t.In, Out: t.Out, Err: t.Err,
		inTTY: t.InTTY, outTTY: t.OutTTY, errTTY: t.ErrTTY,
		env:   func(k string) string { return t.Env[k] },
		width: func() int { return t.Width },
	}
}

// InTTY reports whether the input is a terminal.
func (s *Streams) InTTY() bool { return s.inTTY }

// OutTTY reports whether the output is a terminal.
func (s *Streams) OutTTY() bool { return s.outTTY }

// ErrTTY reports whether the error output is a terminal.
func (s *Streams) ErrTTY() bool { return s.errTTY }

// CanPrompt reports whether a question would reach a person who can answer.
func (s *Streams) CanPrompt() bool {
	return s.inTTY && s.errTTY && s.env("FLUVIO_NO_INPUT") == ""
}

// Hints reports whether reasons and next steps belong on the error output.
func (s *Streams) Hints() bool {
	switch s.env("FLUVIO_HINTS") {
	case "always":
		return true
	case "never":
		return false
	}
	return s.errTTY
}

// Width returns the columns of the output's terminal; ok is false, and the
// width a default, when the output is not a terminal.
func (s *Streams) Width() (columns int, ok bool) {
	if !s.outTTY {
		return defaultWidth, false
	}
	if w := s.width(); w > 0 {
		return w, true
	}
	return defaultWidth, true
}

// OutColor reports whether the output may carry colour.
func (s *Streams) OutColor() bool { return s.color(s.outTTY) }

// ErrColor reports whether the error output may carry colour.
func (s *Streams) ErrColor() bool { return s.color(s.errTTY) }

// color applies NO_COLOR, FLUVIO_COLOR, CLICOLOR_FORCE, CLICOLOR and TERM, in
// that order.
func (s *Streams) color(tty bool) bool {
	if s.env("NO_COLOR") != "" {
		return false
	}
	switch strings.ToLower(s.env("FLUVIO_COLOR")) {
	case "always":
		return true
	case "never":
		return false
	}
	if f := s.env("CLICOLOR_FORCE"); f != "" && f != "0" {
		return true
	}
	return tty && s.env("CLICOLOR") != "0" && s.env("TERM") != "dumb"
}
