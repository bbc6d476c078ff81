package iostreams

import "testing"

func TestColor(t *testing.T) {
	for _, tt := range []struct {
		tty  bool
		env  map[string]string
		want bool
	}{
		{true, nil, true},
		{false, nil, false},
		{true, map[string]string{"NO_COLOR": "1", "CLICOLOR_FORCE": "1"}, false},
		{true, map[string]string{"NO_COLOR": ""}, true},
		{true, map[string]string{"CLICOLOR": "0"}, false},
		{true, map[string]string{"CLICOLOR": "1"}, true},
		{false, map[string]string{"CLICOLOR_FORCE": "1"}, true},
		{false, map[string]string{"CLICOLOR_FORCE": "0"}, false},
		{true, map[string]string{"TERM": "dumb"}, false},
		{false, map[string]string{"FLUVIO_COLOR": "Always"}, true},
		{true, map[string]string{"FLUVIO_COLOR": "never", "CLICOLOR_FORCE": "1"}, false},
	} {
		s := (&Test{OutTTY: tt.tty, ErrTTY: !tt.tty, Env: tt.env}).Streams()
		if s.OutColor() != tt.want {
			t.Errorf("tty %v, %v: %v", tt.tty, tt.env, s.OutColor())
		}
	}
}

func TestHintsAndPrompts(t *testing.T) {
	for _, tt := range []struct {
		test          Test
		hints, prompt bool
	}{
		{Test{}, false, false},
		{Test{ErrTTY: true}, true, false},
		{Test{ErrTTY: true, InTTY: true}, true, true},
		{Test{ErrTTY: true, InTTY: true, Env: map[string]string{"FLUVIO_NO_INPUT": "1", "FLUVIO_HINTS": "never"}}, false, false},
		{Test{Env: map[string]string{"FLUVIO_HINTS": "always"}}, true, false},
	} {
		s := tt.test.Streams()
		if s.Hints() != tt.hints || s.CanPrompt() != tt.prompt {
			t.Errorf("%+v: hints %v, prompt %v", tt.test, s.Hints(), s.CanPrompt())
		}
	}
}

func TestWidth(t *testing.T) {
	for _, tt := range []struct {
		test Test
		want int
		ok   bool
	}{
		{Test{Width: 120}, defaultWidth, false},
		{Test{OutTTY: true, Width: 120}, 120, true},
		{Test{OutTTY: true}, defaultWidth, true},
	} {
		if got, ok := tt.test.Streams().Width(); got != tt.want || ok != tt.ok {
			t.Errorf("%+v: %d %v", tt.test, got, ok)
		}
	}
}
