package progress

import (
	"strings"
	"testing"

	"github.com/fluvio-go/fluvio/internal/iostreams"
)

// run prints one step of each sort.
func run(t *testing.T, tty, ci bool) string {
	t.Helper()
	streams := &iostreams.Test{ErrTTY: tty}
	r := New(streams.Streams(), ci)
	r.Headline("head")
	r.Step("working")
	r.Done("done")
	r.Close()
	r.Close()
	return streams.Err.String()
}

func TestForms(t *testing.T) {
	if got, want := run(t, false, false), "head\n"; got != want {
		t.Errorf("to a pipe: %q, want %q", got, want)
	}
	if got, want := run(t, false, true), "head\nworking\ndone\n"; got != want {
		t.Errorf("in CI: %q, want %q", got, want)
	}
	tty := run(t, true, false)
	if !strings.Contains(tty, "working ") || !strings.HasSuffix(tty, "\r\x1b[Kdone\n\r\x1b[K") {
		t.Errorf("on a terminal: %q", tty)
	}
}
