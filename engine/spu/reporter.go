package spu

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// reporter collects what the SC has to hear. Changes of state leave at once,
// or a moment after the last report; offsets at leisure; and when there is
// nothing, a heartbeat. It wakes up for nothing else.
type reporter struct {
	srv  *Server
	wake chan struct{} // capacity 1

	mu      sync.Mutex
	dirty   map[*partition]struct{}
	gone    map[api.ReplicaRef]struct{} // removed, not confirmed yet
	urgent  bool
	pending bool // anything above since the last report
}

func newReporter(s *Server) *reporter {
	return &reporter{
		srv: s, wake: make(chan struct{}, 1),
		dirty: make(map[*partition]struct{}), gone: make(map[api.ReplicaRef]struct{}),
	}
}

// offsets notes that the offsets of p moved. p.reported keeps it from being
// called once per append.
func (r *reporter) offsets(p *partition) { r.note(func() { r.dirty[p] = struct{}{} }, false) }

// state notes a change that the SC may be waiting for.
func (r *reporter) state(p *partition) { r.note(func() { r.dirty[p] = struct{}{} }, true) }

// removed notes that the data of a replica is gone. It is repeated until the
// SC has taken note.
func (r *reporter) removed(ref api.ReplicaRef) {
	r.note(func() { r.gone[ref] = struct{}{} }, true)
}

// soon asks for a report whether or not there is anything to say.
func (r *reporter) soon() { r.note(func() {}, true) }

func (r *reporter) note(what func(), urgent bool) {
	r.mu.Lock()
	what()
	// The goroutine has to hear of the first thing, and of the first urgent
	// one.
	news := !r.pending || urgent && !r.urgent
	r.pending, r.urgent = true, r.urgent || urgent
	r.mu.Unlock()
	if news {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
}

// run reports over one connection until ctx or the connection ends. It begins
// with everything, since the SC may have heard nothing so far.
func (r *reporter) run(ctx context.Context, c *transport.Conn, heartbeat time.Duration) error {
	for _, p := range r.srv.replicas.all() {
		r.state(p)
	}
	last := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-r.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
		if wait := time.Until(last.Add(r.pace(heartbeat))); wait > 0 {
			timer.Reset(wait)
			continue
		}
		if err := r.send(ctx, c); err != nil {
			return err
		}
		last = time.Now()
		timer.Reset(r.pace(heartbeat))
	}
}

// pace is how long after the last report the next one is due.
func (r *reporter) pace(heartbeat time.Duration) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.urgent:
		return min(r.srv.cfg.ReportPrompt, heartbeat)
	case r.pending:
		return min(r.srv.cfg.Report, heartbeat)
	}
	return heartbeat
}

// reportSize bounds one report, so that 10,000 partitions do not make one
// frame.
const reportSize = 1000

// send reports everything noted so far.
func (r *reporter) send(ctx context.Context, c *transport.Conn) error {
	r.mu.Lock()
	req := &api.ReportReplicasRequest{}
	taken := make([]*partition, 0, min(len(r.dirty), reportSize))
	for p := range r.dirty {
		if len(taken) == reportSize {
			break
		}
		taken = append(taken, p)
		delete(r.dirty, p)
	}
	for ref := range r.gone {
		if len(req.Removed) == reportSize {
			break
		}
		req.Removed = append(req.Removed, ref)
	}
	slices.SortFunc(taken, (*partition).compare)
	more := len(r.dirty) > 0 || len(r.gone) > len(req.Removed)
	r.pending, r.urgent = more, more
	r.mu.Unlock()

	for _, p := range taken {
		// Before the offsets are read, so that later ones are noted again.
		p.reported.Store(false)
		if p.hosted() && p.health.state() != opening {
			req.Replicas = append(req.Replicas, p.report())
		}
	}
	sent := time.Now()
	var resp api.ReportReplicasResponse
	err := c.Call(ctx, api.KeyReportReplicas, api.ClusterVersion, req, &resp)
	if err == nil {
		err = resp.Error.Err()
	}
	if err != nil {
		return fmt.Errorf("%d replicas: %w", len(req.Replicas), err)
	}
	r.srv.lease.confirm(sent)
	r.mu.Lock()
	for _, ref := range req.Removed {
		delete(r.gone, ref)
	}
	r.mu.Unlock()
	return nil
}
