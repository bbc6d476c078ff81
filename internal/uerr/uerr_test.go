package uerr

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

func TestRender(t *testing.T) {
	e := &Error{
		What: `topic "orders" not found`,
		Why:  "cluster \"local\" has 3 topics\nnone has this name",
		Next: []string{"fluvio topic list", "fluvio topic create orders"},
		Err:  fs.ErrNotExist, Code: NotFound,
	}
	const first = "topic \"orders\" not found\n"
	const rest = "  why:   cluster \"local\" has 3 topics\n         none has this name\n" +
		"  next:  fluvio topic list\n         fluvio topic create orders\n"
	for _, tt := range []struct {
		err   error
		hints bool
		want  string
	}{
		{e, false, first},
		{e, true, first + rest},
		{fmt.Errorf("at once: %w", e), true, "at once: " + first + rest},
		{errors.New("plain"), true, "plain\n"},
		{Exit(Conflict), true, ""},
		{&Error{Next: []string{"fluvio x"}}, true, "  next:  fluvio x\n"},
		{nil, true, ""},
	} {
		var b strings.Builder
		if err := Render(&b, tt.err, tt.hints); err != nil || b.String() != tt.want {
			t.Errorf("%v: %v\n%s", tt.err, err, b.String())
		}
	}
	if !errors.Is(e, fs.ErrNotExist) {
		t.Error("the cause is lost")
	}
}

func TestExitCode(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want Code
	}{
		{nil, OK}, {errors.New("x"), Failed}, {&Error{What: "x"}, Failed},
		{fmt.Errorf("a: %w", Exit(TimedOut)), TimedOut}, {errors.Join(nil, Exit(7)), Denied},
	} {
		if got := ExitCode(tt.err); got != tt.want {
			t.Errorf("%v = %d, want %d", tt.err, got, tt.want)
		}
	}
}
