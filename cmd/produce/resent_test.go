package produce

import (
	"errors"
	"strings"
	"testing"

	"github.com/fluvio-go/fluvio/client"
)

// TestResent: nothing is said while every batch went out once, and only records
// that are in the log count.
func TestResent(t *testing.T) {
	var r resent
	said := func() string {
		var b strings.Builder
		r.tell(&b)
		return b.String()
	}
	r.note(client.BatchEvent{Records: 5})
	r.note(client.BatchEvent{Records: 6, Again: true, Err: errors.New("given up")})
	if got := said(); got != "" {
		t.Errorf("said %q", got)
	}
	r.note(client.BatchEvent{Records: 1, Again: true})
	if got := said(); got != "WARN 1 record was sent again after a leader moved or gave no answer, and may be in the topic twice\n" {
		t.Errorf("said %q", got)
	}
	r.note(client.BatchEvent{Records: 2, Again: true})
	if got := said(); !strings.HasPrefix(got, "WARN 3 records were sent again") {
		t.Errorf("said %q", got)
	}
}
