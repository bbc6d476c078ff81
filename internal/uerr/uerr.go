package uerr

import (
	"errors"
	"io"
	"strings"
)

// Code is the exit code of the process.
type Code int

// Exit codes. A plug-in's or wrapped program's own code passes through
// unchanged.
const (
	OK          Code = 0
	Failed      Code = 1 // no better code
	Usage       Code = 2
	NotFound    Code = 3
	Conflict    Code = 4 // already exists, or in use
	Unreachable Code = 5 // cannot reach the cluster
	TimedOut    Code = 6
	Denied      Code = 7 // permission, TLS, guard, missing confirmation
	Unhealthy   Code = 8 // checked, and not well
	Partial     Code = 9 // some of several names failed
	Interrupted Code = 130
)

// Codes lists the exit codes with their meaning, for the help.
func Codes() []struct {
	Code    Code
	Meaning string
} {
	return []struct {
		Code    Code
		Meaning string
	}{
		{OK, "done"},
		{Failed, "failed, no better code"},
		{Usage, "wrong usage"},
		{NotFound, "not found"},
		{Conflict, "already exists or conflict"},
		{Unreachable, "cannot reach the cluster"},
		{TimedOut, "timed out"},
		{Denied, "not allowed: permission, TLS, guard, missing confirmation"},
		{Unhealthy, "checked and unhealthy"},
		{Partial, "partly failed (several names)"},
		{Interrupted, "interrupted"},
	}
}

// Error is an error for a person.
type Error struct {
	What string   // first line; empty when the command has said it already
	Why  string   // what was observed: address, file, count, versions
	Next []string // commands to paste, most likely first
	Err  error    // cause, for errors.Is
	Code Code     // zero means Failed
}

func (e *Error) Error() string {
	if e.What == "" && e.Err != nil {
		return e.Err.Error()
	}
	return e.What
}

func (e *Error) Unwrap() error { return e.Err }

// Exit returns an error that ends the process with code and prints nothing,
// for commands that have already said what happened.
func Exit(code Code) error { return &Error{Code: code} }

// ExitCode returns the code of the outermost Error in err's chain: OK for nil,
// Failed when there is none.
func ExitCode(err error) Code {
	if err == nil {
		return OK
	}
	var e *Error
	if errors.As(err, &e) && e.Code != OK {
		return e.Code
	}
	return Failed
}

// Render writes err. The first line is err's own text; the reason and the next
// commands follow only when hints is true, since programs compare the text.
func Render(w io.Writer, err error, hints bool) error {
	if err == nil {
		return nil
	}
	var b strings.Builder
	if text := err.Error(); text != "" {
		b.WriteString(text)
		b.WriteByte('\n')
	}
	var e *Error
	if hints && errors.As(err, &e) {
		writeLabelled(&b, "why: ", strings.Split(strings.TrimRight(e.Why, "\n"), "\n"))
		writeLabelled(&b, "next:", e.Next)
	}
	_, werr := io.WriteString(w, b.String())
	return werr
}

// writeLabelled writes lines under a label, aligned with each other.
func writeLabelled(b *strings.Builder, label string, lines []string) {
	if len(lines) == 0 || len(lines) == 1 && lines[0] == "" {
		return
	}
	for _, line := range lines {
		b.WriteString("  " + label + "  " + line + "\n")
		label = strings.Repeat(" ", len(label))
	}
}
