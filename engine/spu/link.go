package spu

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fluvio-go/fluvio/internal/slogkey"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// link keeps the SPU in touch with the SC: it dials, registers, follows the
// assignments and reports, and does so again when the connection ends. While
// there is none, everything goes on as last assigned.
type link struct {
	srv *Server
}

func newLink(s *Server) *link { return &link{srv: s} }

// linkClient is how the SPU names itself in request headers.
const linkClient = "fluvio-spu"

const (
	minHeartbeat     = 50 * time.Millisecond
	defaultHeartbeat = 2 * time.Second
	maxHeartbeat     = 30 * time.Second

	// linkTimeout bounds each request to the SC. A longer silence means that
	// the connection is no good.
	linkTimeout = 10 * time.Second
)

// run is the link's goroutine.
func (k *link) run() {
	s := k.srv
	pause := time.Duration(0)
	lastErr := ""
	for s.ctx.Err() == nil {
		registered, err := k.session(s.ctx)
		if s.ctx.Err() != nil {
			return
		}
		s.cfg.Events.linkLost(err)
		if registered {
			pause, lastErr = 0, ""
		}
		if text := err.Error(); text != lastErr { // once, not once per attempt
			s.logger.Warn("no connection to the SC", slogkey.Err, text)
			lastErr = text
		}
		pause = min(max(2*pause, s.cfg.Redial), s.cfg.RedialMax)
		// Up to a quarter less, so that SPUs do not come in step.
		sleep(s.ctx, pause-s.jitter.below(pause/4))
	}
}

// sleep waits for d or the end of ctx, whichever comes first.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// session is one connection from dial to end. registered says whether the SC
// admitted us.
func (k *link) session(ctx context.Context) (registered bool, err error) {
	s := k.srv
	nc, err := s.cfg.DialSC(ctx)
	if err != nil {
		return false, fmt.Errorf("dial: %w", err)
	}
	c := transport.NewConn(nc, nc.RemoteAddr().String(), transport.Options{
		ClientID: linkClient, Logger: s.logger, RequestTimeout: linkTimeout,
	})
	defer c.Close()
	// A write to a peer that is gone does not look at ctx; a closed connection
	// ends it.
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { defer close(closed); c.Close() })
	defer func() {
		if !stop() {
			<-closed
		}
	}()

	heartbeat, lease, err := k.register(ctx, c)
	if err != nil {
		return false, err
	}
	s.lease.begin(lease)
	s.isr.attach(c)
	defer s.isr.attach(nil)
	stream, err := c.Stream(ctx, api.KeyWatchAssignments, api.ClusterVersion, &api.WatchAssignmentsRequest{})
	if err != nil {
		return true, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	reporting := make(chan struct{})
	go func() {
		defer close(reporting)
		err := s.reports.run(ctx, c, heartbeat)
		cancel(fmt.Errorf("report: %w", err))
	}()
	err = k.follow(ctx, stream)
	cancel(err)
	<-reporting
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return true, err
}

// register introduces us, checks that the SC is that of our data, and returns
// how often to report and how long a report answers for our leaderships.
func (k *link) register(ctx context.Context, c *transport.Conn) (heartbeat, lease time.Duration, err error) {
	s := k.srv
	req := &api.RegisterSpuRequest{SpuID: s.cfg.ID, Boot: s.boot, ClusterID: s.identity.id(), Clean: s.clean}
	var resp api.RegisterSpuResponse
	if err := c.Call(ctx, api.KeyRegisterSpu, api.ClusterVersion, req, &resp); err != nil {
		return 0, 0, fmt.Errorf("register: %w", err)
	}
	if err := resp.Error.Err(); err != nil {
		return 0, 0, fmt.Errorf("register: %w: %s", err, resp.Message)
	}
	if err := s.identity.claim(resp.ClusterID); err != nil {
		return 0, 0, fmt.Errorf("register: %w", err)
	}
	heartbeat = time.Duration(resp.HeartbeatMS) * time.Millisecond
	if heartbeat <= 0 {
		heartbeat = defaultHeartbeat
	}
	s.logger.Info("registered with the SC", slogkey.Cluster, resp.ClusterID, slogkey.Dur, heartbeat)
	s.cfg.Events.registered(resp.ClusterID)
	return min(max(heartbeat, minHeartbeat), maxHeartbeat), time.Duration(resp.LeaseMS) * time.Millisecond, nil
}

var errNotFull = errors.New("the first assignments are not a full list")

// follow applies assignments until the connection ends.
func (k *link) follow(ctx context.Context, stream *transport.Stream) error {
	for first := true; ; first = false {
		var a api.Assignments
		if err := stream.Recv(ctx, &a); err != nil {
			return err
		}
		if first && !a.Full {
			return errNotFull
		}
		k.srv.apply(&a)
		if first {
			k.srv.lease.assigned()
			k.srv.reports.soon() // what was reported before does not count
		}
	}
}
