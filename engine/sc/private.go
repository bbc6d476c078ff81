package sc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// servePrivate serves one connection of an SPU: register first, then the
// assignment stream, reports and requests about leadership in any order. A connection that is silent for
// too long ends, and with it the SPU is offline.
func (s *SC) servePrivate(ctx context.Context, conn *transport.ServerConn) {
	n, err := s.registerSpu(ctx, conn)
	if n != nil {
		defer s.ctl.doSurely(func() { s.ctl.sessionEnded(n) })
	}
	if err == nil && n != nil {
		err = s.serveSpu(ctx, conn, n)
	}
	if ctx.Err() == nil {
		s.cfg.Logger.Debug("connection of an SPU ended", "peer", conn.RemoteAddr().String(), "err", err)
	}
}

// registerSpu handles the first request. The session is nil if the SPU was
// turned away.
func (s *SC) registerSpu(ctx context.Context, conn *transport.ServerConn) (*session, error) {
	quiet := newSilence(&s.cfg.Timeouts, func() { conn.Close() })
	defer quiet.stop()
	r, err := conn.ReadRequest()
	if err != nil {
		return nil, err
	}
	defer r.Release()
	if r.Key != api.KeyRegisterSpu {
		return nil, fmt.Errorf("request with key %d before registration", r.Key)
	}
	var req api.RegisterSpuRequest
	if err := r.Decode(&req); err != nil {
		return nil, err
	}
	resp := api.RegisterSpuResponse{
		ClusterID:   s.cfg.Store.ClusterID(),
		HeartbeatMS: int32(s.cfg.Timeouts.Heartbeat.Milliseconds()),
		LeaseMS:     int32(s.cfg.Timeouts.Lease.Milliseconds()),
	}
	n := newSession(req.SpuID, req.Boot, conn.RemoteAddr().String())
	n.clean = req.Clean
	ended := n.ended
	conn.Go(func(ctx context.Context) {
		select {
		case <-ended:
			conn.Close()
		case <-ctx.Done():
		}
	})
	session := n
	err = s.ctl.do(ctx, func() { resp.Message = s.ctl.register(session, &req) })
	switch {
	case err != nil:
		return n, err
	case resp.Message != "":
		s.cfg.Logger.Warn("SPU turned away", "spu", req.SpuID, "peer", n.peer, "err", resp.Message)
		resp.Error = api.ErrorCode{ID: api.SpuRegistrationFailed}
		n = nil
	}
	return n, conn.WriteResponse(r.CorrelationID, r.Version, &resp)
}

// register admits an SPU or says why not.
func (c *controller) register(n *session, req *api.RegisterSpuRequest) (refusal string) {
	s := c.byID[req.SpuID]
	switch id := c.store.ClusterID(); {
	case s == nil:
		return fmt.Sprintf("SPU %d is not registered with this cluster", req.SpuID)
	case req.ClusterID != "" && req.ClusterID != id:
		// Its replicas would all be dropped as unknown.
		return fmt.Sprintf("SPU %d holds data of cluster %s, this is cluster %s", req.SpuID, req.ClusterID, id)
	}
	c.admit(s, n)
	return ""
}

func (s *SC) serveSpu(ctx context.Context, conn *transport.ServerConn, n *session) error {
	quiet := newSilence(&s.cfg.Timeouts, func() {
		s.cfg.Logger.Warn("SPU is silent", "spu", n.spu, "peer", n.peer, "dur", s.cfg.Timeouts.SpuSilence)
		conn.Close()
	})
	defer quiet.stop()
	n.silence = quiet
	for streaming := false; ; {
		quiet.begin()
		r, err := conn.ReadRequest()
		if err != nil {
			return err
		}
		quiet.stop() // until we are about to answer
		switch {
		case r.Key == api.KeyReportReplicas:
			err = s.reportReplicas(ctx, conn, n, r)
		case r.Key == api.KeyWatchAssignments && !streaming:
			streaming = true
			err = s.watchAssignments(ctx, conn, n, r)
		case r.Key == api.KeyAlterISR:
			err = s.alterISR(ctx, conn, n, r)
		case r.Key == api.KeyMoveLeaders:
			err = s.moveLeaders(ctx, conn, n, r)
		default:
			err = fmt.Errorf("unexpected request with key %d", r.Key)
		}
		r.Release()
		if err != nil {
			return err
		}
	}
}

// watchAssignments subscribes the SPU and starts its stream.
func (s *SC) watchAssignments(ctx context.Context, conn *transport.ServerConn, n *session, r *transport.Request) error {
	err := s.ctl.do(ctx, func() {
		// Afterwards, when all that the list is made from is stored.
		s.ctl.after = append(s.ctl.after, func(err error) {
			if err == nil {
				s.ctl.subscribe(n)
			}
		})
	})
	if err != nil {
		return err
	}
	id, version := r.CorrelationID, r.Version
	conn.Go(func(ctx context.Context) {
		for {
			if a := n.take(); a != nil {
				if err := conn.WriteResponse(id, version, a); err != nil {
					s.cfg.Logger.Warn("assignments", "spu", n.spu, "err", err)
					conn.Close()
					return
				}
				continue
			}
			select {
			case <-n.wake:
			case <-ctx.Done():
				return
			}
		}
	})
	return nil
}

// reportReplicas takes a report, which is also the heartbeat. What it says is
// not stored, so it does not matter to the SPU if storing something else fails
// meanwhile; only a controller that cannot read its metadata takes none.
func (s *SC) reportReplicas(ctx context.Context, conn *transport.ServerConn, n *session, r *transport.Request) error {
	came := time.Now()
	var req api.ReportReplicasRequest
	if err := r.Decode(&req); err != nil {
		return err
	}
	var resp api.ReportReplicasResponse
	taken := false
	err := s.ctl.do(ctx, func() {
		taken = true
		if spu := s.ctl.byID[n.spu]; spu == nil || spu.session != n {
			resp.Error = api.ErrorCode{ID: api.SpuNotFound}
			return
		}
		for i := range req.Replicas {
			s.ctl.takeReport(n, &req.Replicas[i])
		}
		for _, ref := range req.Removed {
			s.ctl.confirmRemoved(n.spu, ref)
		}
	})
	switch {
	case ctx.Err() != nil || errors.Is(err, errStopped):
		return err
	case !taken:
		resp.Error = api.Errorf("report not taken: %v", err)
	}
	n.reported(came)
	n.silence.begin()
	return conn.WriteResponse(r.CorrelationID, r.Version, &resp)
}
