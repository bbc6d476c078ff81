package memstore

import (
	"slices"
	"sort"

	"github.com/fluvio-go/fluvio/engine/sc/meta"
)

// history remembers the last changes, by whole commits, oldest first.
type history struct {
	limit  int
	since  uint64 // changes after this revision are all here
	events []meta.Event
}

// add appends a change. Old ones are dropped in bulk once there are twice as
// many as the limit, so that adding costs a copy now and then, not each time.
func (h *history) add(e meta.Event) {
	h.events = append(h.events, e)
	if len(h.events) < 2*h.limit {
		return
	}
	h.since = h.events[len(h.events)-h.limit-1].Revision
	h.events = slices.Clone(h.from(h.since))
}

// from is the events after a revision.
func (h *history) from(revision uint64) []meta.Event {
	i := sort.Search(len(h.events), func(i int) bool { return h.events[i].Revision > revision })
	return h.events[i:]
}

// after returns the events after a revision; known is false if some of them
// are forgotten.
func (h *history) after(revision uint64) (events []meta.Event, known bool) {
	if revision < h.since {
		return nil, false
	}
	return slices.Clone(h.from(revision)), true
}
