package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/record"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// maxOutstanding is how many responses of one partition may be with the loop:
// one being read, one to read next, and one that arrived before the
// acknowledgement was held back.
const maxOutstanding = 3

// stream reads one partition. Its goroutine opens the stream, hands responses
// to the loop, acknowledges them while there is room, and starts over where it
// was when something breaks.
type stream struct {
	c  *Consumer
	id uint32

	ready chan struct{} // closed when the start is settled or could not be
	early error         // final error that came before ready

	// Owned by the goroutine.
	maxBytes int32
	resolved bool
	next     int64 // first offset that was not handed over
	until    int64 // end with UntilCurrentEnd, else -1
	handed   bool  // something was handed over, so next is the cluster's word
	readied  bool
	resp     api.StreamFetchResponse
	coder    codec.Coder

	mu          sync.Mutex
	outstanding int
	room        chan struct{} // capacity 1: outstanding shrank
	session     session
	seen        int64 // newest offset consumed; -1 none
	stored      int64 // newest offset stored; -1 none
}

// session is where offsets of the stream are stored.
type session struct {
	link *link
	id   uint32
}

func newStream(c *Consumer, id uint32, maxBytes int32) *stream {
	return &stream{
		c: c, id: id, maxBytes: maxBytes, until: -1, seen: -1, stored: -1,
		ready: make(chan struct{}), room: make(chan struct{}, 1),
	}
}

// errCut means that a server cut a batch to the size limit, so that nothing
// whole came. The stream starts over with room for it.
var errCut = errors.New("batch is larger than the fetch limit")

// run is the goroutine.
func (s *stream) run() {
	policy := s.c.cfg.reconnect
	delays := backoff{initial: policy.Initial, max: policy.Max, factor: policy.Factor}
	for attempt := 0; ; {
		changed := s.c.cl.meta.changes()
		progress, err := s.once(s.c.ctx)
		if s.c.ctx.Err() != nil {
			s.settle(ErrClosed)
			return
		}
		if err == nil {
			s.settle(nil)
			s.c.out <- message{}
			return
		}
		if progress {
			attempt = 0
		}
		if errors.Is(err, errCut) || s.skipEvicted(err) || s.stepBack(err) {
			continue
		}
		if !Retryable(err) || attempt == policy.MaxAttempts {
			err = s.final(err, attempt)
			s.settle(err)
			s.c.out <- message{err: err}
			return
		}
		s.settle(nil)
		d := delays.delay(attempt)
		attempt++
		s.c.cl.cfg.logger.Info("consume again", slog.String("topic", s.c.topic), slog.Uint64("partition", uint64(s.id)),
			slog.Int("attempt", attempt), slog.Duration("delay", d), slog.Any("err", err))
		if sleep(s.c.ctx, d, changed) != nil {
			return
		}
	}
}

// settle lets Client.Consumer return, the first time it is called.
func (s *stream) settle(err error) {
	if !s.readied {
		s.readied = true
		s.early = err
		close(s.ready)
	}
}

// final words the error that ends the stream.
func (s *stream) final(err error, attempts int) error {
	if Retryable(err) && attempts > 0 {
		return &Error{Code: api.ErrorCode{ID: api.MaxRetryReached}, Topic: s.c.topic, Partition: int32(s.id), Err: err}
	}
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	var code api.ErrorCode
	if errors.As(err, &code) {
		return &Error{Code: code, Topic: s.c.topic, Partition: int32(s.id)}
	}
	return partitionError(s.c.topic, s.id, err)
}

// skipEvicted moves on to the next available offset if err says that the
// wanted one has expired and the policy allows it.
func (s *stream) skipEvicted(err error) bool {
	var code api.ErrorCode
	if s.c.cfg.reconnect.FailOnEvicted || !errors.As(err, &code) || code.ID != api.OffsetEvicted || code.Detail == nil {
		return false
	}
	next := code.Detail.NextAvailable
	if next <= s.next {
		return false
	}
	s.c.cl.cfg.logger.Warn("records expired before they were read", slog.String("topic", s.c.topic),
		slog.Uint64("partition", uint64(s.id)), slog.Int64("offset", s.next), slog.Int64("next", next))
	s.next = next
	return true
}

// stepBack goes on at the end of the log if err says that it ends before what
// was handed over. A leader took records that no other replica had, showed them
// to us, and is gone; what its successor takes gets the same offsets, and must
// not be missed. Readers of committed records never see that.
func (s *stream) stepBack(err error) bool {
	var code api.ErrorCode
	if !s.handed || !errors.As(err, &code) || code.ID != api.Other || code.Detail == nil {
		return false
	}
	var start, end int64
	if n, _ := fmt.Sscanf(code.Detail.Text, "start offset: %d is greater than leo: %d", &start, &end); n != 2 || start != s.next || end >= s.next {
		return false
	}
	s.c.cl.cfg.logger.Warn("records that were read are gone with their leader", slog.String("topic", s.c.topic),
		slog.Uint64("partition", uint64(s.id)), slog.Int64("offset", s.next), slog.Int64("next", end))
	s.next = end
	return true
}

// once opens the stream and reads until it breaks. A nil error means that the
// end of UntilCurrentEnd is reached.
func (s *stream) once(ctx context.Context) (progress bool, err error) {
	if err := s.waitRoom(ctx); err != nil {
		return false, err
	}
	l, leader, err := s.c.cl.spus.leader(ctx, s.c.topic, s.id)
	if err != nil {
		return false, err
	}
	u := s.c.cl.spus.terms.begin(ctx, s.c.topic, s.id, leader)
	defer u.end()
	progress, err = s.follow(u.ctx, l)
	return progress, u.why(err)
}

// follow reads from a leader until that breaks.
func (s *stream) follow(ctx context.Context, l *link) (progress bool, err error) {
	if err := s.resolve(ctx, l); err != nil {
		return false, err
	}
	s.settle(nil)
	if s.finished() {
		return true, nil
	}
	st, err := l.Stream(ctx, api.KeyStreamFetch, l.versions.PickOrDefault(api.KeyStreamFetch), s.request())
	if err != nil {
		return false, err
	}
	defer st.Close()
	for {
		if err := s.receive(ctx, l, st); err != nil {
			return progress, err
		}
		progress = true
		if s.finished() {
			return true, nil
		}
		if err := s.acknowledge(ctx, l); err != nil {
			return progress, err
		}
	}
}

func (s *stream) finished() bool { return s.until >= 0 && s.next >= s.until }

func (s *stream) request() *api.StreamFetchRequest {
	r := &api.StreamFetchRequest{
		Topic: s.c.topic, Partition: s.id, FetchOffset: s.next, MaxBytes: s.maxBytes,
		Isolation: s.c.cfg.isolation, SmartModules: s.c.cfg.smartModules,
	}
	if g := s.c.cfg.group; g != nil {
		r.ConsumerID = &g.id
	}
	return r
}

// resolve settles where the stream starts and ends, once.
func (s *stream) resolve(ctx context.Context, l *link) error {
	if s.resolved {
		return nil
	}
	stored, err := s.storedOffset(ctx)
	if err != nil {
		return err
	}
	offsets, err := s.c.cl.offsets(ctx, l, s.c.topic, s.id)
	if err != nil {
		return err
	}
	s.next = s.c.cfg.start.resolve(offsets.StartOffset, offsets.LastStableOffset, stored)
	if s.c.cfg.untilEnd {
		s.until = offsets.LastStableOffset
	}
	s.resolved = true
	return nil
}

// offsets asks a leader where a partition begins and ends.
func (c *Client) offsets(ctx context.Context, l *link, topic string, partition uint32) (*api.PartitionOffsets, error) {
	req := &api.FetchOffsetsRequest{Topics: []api.OffsetsTopic{{Name: topic, Partitions: []uint32{partition}}}}
	var resp api.FetchOffsetsResponse
	if err := l.call(ctx, api.KeyFetchOffsets, l.versions.PickOrDefault(api.KeyFetchOffsets), req, &resp); err != nil {
		return nil, err
	}
	for i := range resp.Topics {
		t := &resp.Topics[i]
		for j := range t.Partitions {
			if p := &t.Partitions[j]; t.Name == topic && p.Partition == partition {
				return p, p.Error.Err()
			}
		}
	}
	return nil, fmt.Errorf("%w: offsets of %s-%d", errShortAnswer, topic, partition)
}

// receive waits for one response and hands it to the loop. If it holds records
// and an error the records go first.
func (s *stream) receive(ctx context.Context, l *link, st *transport.Stream) error {
	frame, err := st.NextFrame(ctx)
	if err != nil {
		return err
	}
	s.coder.ResetDecode(frame.Body, st.Version())
	s.resp.Code(&s.coder)
	if err := s.coder.Err(); err != nil {
		return fmt.Errorf("response of a stream: %w", err)
	}
	p := &s.resp.Partition
	if s.resp.StreamID != 0 {
		s.setSession(session{l, s.resp.StreamID})
	}
	whole := record.Set(p.Records.Bytes).Whole()
	next := s.next
	if n, ok := whole.NextOffset(); ok {
		next = max(next, n)
	}
	next = max(next, p.NextFilterOffset)
	if len(whole) > 0 {
		s.handed = true
		s.hand(&fetch{s: s, rest: whole, from: s.next, until: s.until, hw: p.HighWatermark, frame: frame})
	} else {
		defer frame.Release()
	}
	s.next = next
	if err := p.Error.Err(); err != nil {
		return err
	}
	if len(whole) == 0 && p.NextFilterOffset <= 0 && len(p.Records.Bytes) > 0 {
		return s.grow(p.Records.Bytes)
	}
	return nil
}

// grow asks for enough to hold the first batch of b from now on.
func (s *stream) grow(b []byte) error {
	n, err := record.SizeFromPreamble(b)
	if err != nil && !errors.Is(err, record.ErrTorn) {
		return err
	}
	const slack = 1 << 10
	want := max(int64(n)+slack, 2*int64(s.maxBytes))
	if want > transport.DefaultMaxFrame || int64(n) <= int64(len(b)) && err == nil {
		return fmt.Errorf("%w: batch of %d bytes at offset %d", record.ErrCorrupt, n, s.next)
	}
	s.maxBytes = int32(want)
	return errCut
}

// hand gives a response to the loop. It does not block: out has room for all
// that waitRoom lets through.
func (s *stream) hand(f *fetch) {
	s.mu.Lock()
	s.outstanding++
	s.mu.Unlock()
	s.c.out <- message{fetch: f}
}

// release notes that the loop is done with f, and gives its memory back.
func (s *stream) release(f *fetch) {
	f.frame.Release()
	s.mu.Lock()
	s.outstanding--
	s.mu.Unlock()
	select {
	case s.room <- struct{}{}:
	default:
	}
}

// waitRoom waits until one more response may come.
func (s *stream) waitRoom(ctx context.Context) error {
	for {
		s.mu.Lock()
		ok := s.outstanding < maxOutstanding
		s.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-s.room:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// acknowledge asks for the next response, once there is room for it.
func (s *stream) acknowledge(ctx context.Context, l *link) error {
	if err := s.waitRoom(ctx); err != nil {
		return err
	}
	req := &api.UpdateOffsetsRequest{Offsets: []api.StreamOffset{{Offset: s.next, SessionID: s.resp.StreamID}}}
	var resp api.UpdateOffsetsResponse
	if err := l.call(ctx, api.KeyUpdateOffsets, l.versions.PickOrDefault(api.KeyUpdateOffsets), req, &resp); err != nil {
		return err
	}
	for i := range resp.Offsets {
		if o := &resp.Offsets[i]; o.SessionID == s.resp.StreamID && o.Error.ID != api.OK {
			return o.Error
		}
	}
	return nil
}
