package spu

import (
	"context"
	"errors"
	"os"
	"sync"

	"github.com/fluvio-go/fluvio/engine/log"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// stream pushes the records of one partition to one consumer. streamState
// says when and from where; stream does it, in a goroutine of the connection.
// While it waits it holds its stack and this struct, no buffer and no file.
type stream struct {
	conn     *conn
	p        *partition
	id       uint32
	corrID   int32
	version  int16
	maxBytes int
	visible  *waitList // where the log ends for this consumer
	consumer bool      // the consumer named itself, for stored offsets

	state streamState
	resp  api.StreamFetchResponse

	w waiter

	mu     sync.Mutex // guards what others leave for the goroutine
	ack    int64
	hasAck bool
	final  api.ErrorCode // not OK: say so and end
}

func newStream(c *conn, p *partition, id uint32, r *transport.Request, req *api.StreamFetchRequest) *stream {
	s := &stream{
		conn: c, p: p, id: id, corrID: r.CorrelationID, version: r.Version,
		maxBytes: min(max(int(req.MaxBytes), 0), c.srv.cfg.MaxStreamBytes),
		visible:  p.ends(req.Isolation), consumer: req.ConsumerID != nil, w: newWaiter(),
	}
	s.state.open(req.FetchOffset)
	return s
}

// acknowledge passes on the offset that the consumer wants next. Only the
// newest counts.
func (s *stream) acknowledge(offset int64) {
	s.mu.Lock()
	s.ack, s.hasAck = offset, true
	s.mu.Unlock()
	s.w.signal()
}

// end makes the stream send code and stop.
func (s *stream) end(code api.ErrorCode) {
	s.mu.Lock()
	if s.final.ID == api.OK {
		s.final = code
	}
	s.mu.Unlock()
	s.w.signal()
}

// news takes what others left.
func (s *stream) news() api.ErrorCode {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hasAck {
		s.hasAck = false
		s.state.ack(s.ack)
	}
	return s.final
}

// run is the stream's goroutine.
func (s *stream) run(ctx context.Context) {
	code := s.push(ctx)
	if final := s.news(); final.ID != api.OK {
		code = final // says better why there is no log to read
	}
	if code.ID != api.OK {
		s.state.stop()
		s.fail(code)
	}
	s.visible.leave(&s.w)
	s.p.detach(s)
	s.conn.closeStream(s)
	s.p.events().streamEnded(s.p.key, s.id, code.ID)
}

// push runs until the connection ends, or returns why the stream does.
func (s *stream) push(ctx context.Context) api.ErrorCode {
	if code := s.checkStart(); code.ID != api.OK {
		return code
	}
	visible := s.visible
	for {
		if code := s.news(); code.ID != api.OK {
			return code
		}
		switch s.state.step(visible.end.Load()) {
		case stepRead:
			code, ok := s.read(visible)
			if !ok {
				return code
			}
			continue
		case stepListen:
			if !visible.await(&s.w, s.state.listenFrom()) {
				continue
			}
		}
		select {
		case <-s.w.wake:
		case <-ctx.Done():
			return api.ErrorCode{}
		}
	}
}

// checkStart refuses a start that is not in the log, which only the first
// offset of a stream can be told. A start between the high watermark and the
// log end is fine for any isolation: its records are going to be committed.
func (s *stream) checkStart() api.ErrorCode {
	l := s.p.leader()
	if l == nil {
		return api.ErrorCode{ID: api.NotLeaderForPartition}
	}
	start, end := l.StartOffset(), l.EndOffset()
	switch pos := s.state.pos; {
	case pos > end:
		return beyondEnd(pos, end)
	case pos < start:
		return readCode(&log.OffsetEvicted{Offset: pos, Next: start})
	}
	return api.ErrorCode{}
}

// read sends what there is at the stream's position. Not ok means that the
// stream ends: with code, or because the connection did.
func (s *stream) read(visible *waitList) (code api.ErrorCode, ok bool) {
	l := s.p.leader()
	if l == nil {
		return api.ErrorCode{ID: api.NotLeaderForPartition}, false
	}
	end := visible.end.Load()
	slice, err := l.Read(s.state.pos, s.maxBytes, end)
	if err != nil {
		s.p.noteReadError(err)
		var damaged *log.Damaged
		if errors.As(err, &damaged) && s.p.shared.Load() {
			// Another replica has the records and leads in a moment.
			return api.ErrorCode{ID: api.NotLeaderForPartition}, false
		}
		return readCode(err), false
	}
	defer slice.Release()
	if slice.Len() == 0 {
		// The log is shorter than we thought: a sync failed and records were
		// taken back. They were never acknowledged.
		s.p.rewind(l)
		s.state.empty(visible.end.Load())
		return api.ErrorCode{}, true
	}
	s.fill(l)
	s.resp.Partition.Records.Tail = slice.Len()
	s.state.sent()
	if err := s.conn.nc.WriteResponseWithFile(s.corrID, s.version, &s.resp, section{slice}); err != nil {
		return api.ErrorCode{}, false
	}
	s.p.events().pushed(s.p.key, int64(slice.Len()), slice.EndOffset())
	return api.ErrorCode{}, true
}

// fill sets the fields that every response has.
func (s *stream) fill(l *log.Log) {
	s.resp.Topic, s.resp.StreamID = s.p.key.Topic, s.id
	s.resp.Partition = api.FetchedPartition{Partition: s.p.key.Partition}
	if l != nil {
		s.resp.Partition.HighWatermark = l.HighWatermark()
		s.resp.Partition.LogStartOffset = l.StartOffset()
	}
}

// fail sends the last response of the stream. Like upstream's it holds no
// offsets beside those of the code. An error has closed the connection, which
// is all that can be done.
func (s *stream) fail(code api.ErrorCode) {
	s.fill(nil)
	s.resp.Partition.Error = code
	_ = s.conn.nc.WriteResponse(s.corrID, s.version, &s.resp)
}

// section makes a slice of the log the tail of a response.
type section struct{ *log.Slice }

func (s section) Size() int64 { return int64(s.Slice.Len()) }

func (s section) File() (*os.File, int64, bool) {
	f, pos, _, ok := s.Slice.File()
	return f, pos, ok
}
