package spu

// streamState decides when a stream reads and from where. The protocol allows
// one response on its way: after records were sent, nothing more is sent until
// the consumer acknowledges them with the next offset it wants.
//
//	       opened(offset)
//	             │
//	             ▼            end > pos
//	    ┌─── caughtUp(pos) ───────────────► read from pos
//	    │        ▲   ▲                          │       │
//	ack │        │   └────── nothing there ─────┘       │ sent
//	    │        │                                      ▼
//	    └────────┴──────── ack(o), o ≥ end ──────── awaitingAck
//	                                                    │
//	             read from o ◄──── ack(o), o < end ─────┘
//
// "end" is the log end for streams that read uncommitted records and the high
// watermark for the others, always as it is now: a stream that slept through
// ten appends reads once.
type streamState struct {
	phase streamPhase
	pos   int64 // next offset the consumer wants; unknown while awaitingAck
	dry   int64 // end at which a read at pos found nothing; 0 none
}

type streamPhase uint8

const (
	caughtUp streamPhase = iota
	awaitingAck
	ended
)

// streamStep is what the stream has to do next.
type streamStep uint8

const (
	stepWait   streamStep = iota // for an event
	stepListen                   // like stepWait, and for the end to pass pos
	stepRead                     // read from pos, then call sent or empty
)

// ignoredAck is an offset that consumers send before they know one.
const ignoredAck = -1

// open positions a new stream.
func (s *streamState) open(offset int64) { *s = streamState{phase: caughtUp, pos: offset} }

// step tells what to do while the end is at end.
func (s *streamState) step(end int64) streamStep {
	switch {
	case s.phase != caughtUp:
		return stepWait
	case end > s.listenFrom():
		return stepRead
	}
	return stepListen
}

// listenFrom is what the end has to pass before a read makes sense.
func (s *streamState) listenFrom() int64 { return max(s.pos, s.dry) }

// empty notes that a read found nothing below end. It is not tried again
// until the end moves.
func (s *streamState) empty(end int64) { s.dry = end }

// ack takes the offset that the consumer wants next. It moves the stream
// whether or not a response was outstanding, so a consumer may also go back.
func (s *streamState) ack(offset int64) {
	if offset <= ignoredAck || s.phase == ended {
		return
	}
	s.phase, s.pos, s.dry = caughtUp, offset, 0
}

// sent notes that records are on their way.
func (s *streamState) sent() {
	if s.phase == caughtUp {
		s.phase = awaitingAck
	}
}

// stop ends the stream for good.
func (s *streamState) stop() { s.phase = ended }
