package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// run is the goroutine of a writer.
func (w *writer) run() {
	defer w.end()
	defer func() { w.term.end() }()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for w.await(timer) {
		// Connect before taking batches: while that lasts they can grow.
		// Failure is no concern here, deliver tries again and keeps count.
		_, _, _ = w.p.cl.spus.leader(w.p.ctx, w.p.topic, w.id)
		ready, _ := w.take()
		if len(ready) == 0 {
			continue
		}
		w.deliver(ready)
		w.settle()
	}
}

// await blocks until a batch is ready and reports false when the producer
// ends.
func (w *writer) await(timer *time.Timer) bool {
	for {
		empty, wait := w.idle()
		if w.p.ctx.Err() != nil {
			return false
		}
		if !empty && wait == 0 {
			return true
		}
		var due <-chan time.Time
		if !empty {
			timer.Reset(wait)
			due = timer.C
		}
		select {
		case <-w.wake:
		case <-due:
		case <-w.p.ctx.Done():
			return false
		}
	}
}

// deliver gets an outcome for every batch of ready, in order. Batches that
// have to be sent again go before anything else of the partition.
func (w *writer) deliver(ready []*batch) {
	pending := w.encode(ready)
	retry := w.p.cfg.retry
	delays := backoff{initial: retry.Initial, max: retry.Max, factor: retry.Factor}
	start := time.Now()
	for attempt := 0; len(pending) > 0; attempt++ {
		// Taken before the attempt, so that an update during it counts.
		changed := w.p.cl.meta.changes()
		tried := w.place()
		var err error
		pending, err = w.attempt(pending)
		if len(pending) == 0 {
			return
		}
		switch {
		case w.p.ctx.Err() != nil:
			err = ErrClosed
		case w.p.cfg.delivery == AtMostOnce, !Retryable(err),
			retry.MaxRetries > 0 && attempt >= retry.MaxRetries, time.Since(start) >= retry.Timeout:
		default:
			w.p.cl.cfg.logger.Info("produce again", slog.String("topic", w.p.topic),
				slog.Uint64("partition", uint64(w.id)), slog.Int("attempt", attempt+1), slog.Any("err", err))
			w.pause(delays.delay(attempt), tried, changed)
			continue
		}
		for _, b := range pending {
			b.resolve(w.p, -1, w.wrap(err))
		}
		return
	}
}

// place is where a partition is led, and whether the leader serves.
type place struct {
	leader int32
	online bool
}

func (w *writer) place() place {
	v := w.p.cl.meta.topic(w.p.topic)
	return place{v.leader(w.id), v.serves(w.id)}
}

// pause waits before the next attempt, less if metadata shows a leader other
// than the one that was tried, or that the one that was tried serves again.
func (w *writer) pause(d time.Duration, tried place, changed <-chan struct{}) {
	ctx, cancel := context.WithTimeout(w.p.ctx, d)
	defer cancel()
	meta := w.p.cl.meta
	for {
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
		changed = meta.changes()
		now := w.place()
		if now.leader != tried.leader || now.online && !tried.online {
			return
		}
		tried.online = tried.online && now.online
	}
}

// wrap says where a failure happened, in upstream's words for a code.
func (w *writer) wrap(err error) error {
	var code api.ErrorCode
	if errors.Is(err, ErrClosed) {
		return ErrClosed
	}
	var own *Error
	if errors.As(err, &own) {
		return err
	}
	if !errors.As(err, &code) {
		return partitionError(w.p.topic, w.id, err)
	}
	return &Error{
		Code: code, Topic: w.p.topic, Partition: int32(w.id),
		text: "Producer received an error code: " + code.Error(),
	}
}

// encode finishes the batches. One that cannot be encoded fails alone.
func (w *writer) encode(ready []*batch) []*batch {
	out := make([]*batch, 0, len(ready))
	for _, b := range ready {
		b.records, b.size = b.builder.Len(), b.builder.Size()
		var err error
		if b.encoded, err = b.builder.Finish(b.encoded[:0], w.p.codec); err != nil {
			b.resolve(w.p, -1, w.wrap(err))
			continue
		}
		out = append(out, b)
	}
	return out
}

// attempt sends pending in one request, resolves what has an outcome, and
// returns the rest with the reason.
func (w *writer) attempt(pending []*batch) ([]*batch, error) {
	l, leader, err := w.p.cl.spus.leader(w.p.ctx, w.p.topic, w.id)
	if err != nil {
		return pending, w.p.cl.closing(err)
	}
	u := w.termOf(leader)
	for _, b := range pending {
		b.sent++
	}
	req := w.request(pending)
	version := l.versions.PickOrDefault(api.KeyProduce)
	if w.p.cfg.delivery == AtMostOnce {
		if err := l.Send(u.ctx, api.KeyProduce, version, req); err != nil {
			return pending, u.why(err)
		}
		for _, b := range pending {
			b.resolve(w.p, -1, nil)
		}
		return nil, nil
	}
	var resp api.ProduceResponse
	if err := l.call(u.ctx, api.KeyProduce, version, req, &resp); err != nil {
		return pending, u.why(err)
	}
	if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != len(pending) {
		return pending, fmt.Errorf("%w: produce of %d batches", errShortAnswer, len(pending))
	}
	return w.outcomes(pending, resp.Topics[0].Partitions)
}

// termOf is the use of a leader, which lasts for as many requests as it leads.
func (w *writer) termOf(leader int32) *term {
	if u := w.term; u == nil || u.leader != leader || u.ctx.Err() != nil {
		u.end()
		w.term = w.p.cl.spus.terms.begin(w.p.ctx, w.p.topic, w.id, leader)
	}
	return w.term
}

// outcomes matches answers to batches by position. From the first batch that
// has to be sent again, all that failed are kept, in order.
func (w *writer) outcomes(pending []*batch, results []api.ProduceResult) (again []*batch, err error) {
	for i, b := range pending {
		code := results[i].Error
		switch {
		case code.ID == api.OK:
			b.resolve(w.p, results[i].BaseOffset, nil)
		case retryableCode(code):
			again = append(again, b)
			if err == nil {
				err = code
			}
		default:
			b.resolve(w.p, -1, w.wrap(code))
		}
	}
	return again, err
}

func (w *writer) request(batches []*batch) *api.ProduceRequest {
	entries := make([]api.ProducePartition, len(batches))
	for i, b := range batches {
		entries[i] = api.ProducePartition{Partition: w.id, Records: api.RecordSet{Bytes: b.encoded}}
	}
	return &api.ProduceRequest{
		Isolation:    w.p.cfg.isolation,
		TimeoutMS:    int32(w.p.cfg.timeout.Milliseconds()),
		Topics:       []api.ProduceTopic{{Name: w.p.topic, Partitions: entries}},
		SmartModules: w.p.cfg.smartModules,
	}
}
