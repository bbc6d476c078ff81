package sc

import (
	"context"
	"fmt"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// reply is what a handler has to say: one message, or a stream of them.
type reply struct {
	msg    codec.Message
	stream func(ctx context.Context, send func(codec.Message) error) error
}

// handler answers one request. An error ends the connection without a word,
// as official servers do where no answer is possible. It must not keep
// anything that aliases the request.
type handler func(s *SC, ctx context.Context, r *transport.Request) (reply, error)

var handlers map[uint16]handler

func init() { // not a literal: it would refer to itself
	handlers = map[uint16]handler{
		api.KeyApiVersions:           (*SC).apiVersions,
		api.KeyCreate:                (*SC).create,
		api.KeyDelete:                (*SC).delete,
		api.KeyList:                  (*SC).list,
		api.KeyWatch:                 (*SC).watch,
		api.KeyMirroring:             (*SC).mirroring,
		api.KeyUpdate:                (*SC).update,
		api.KeyExtCreateTopic:        (*SC).extCreateTopic,
		api.KeyExtDescribeTopics:     (*SC).extDescribeTopics,
		api.KeyExtDescribePartitions: (*SC).extDescribePartitions,
	}
}

// pipeline is how many requests of one connection may wait for the one that
// is being handled. It lets the reader notice that the client is gone.
const pipeline = 16

// servePublic serves one client connection. Requests are handled one after
// the other, except that streams run on their own.
func (s *SC) servePublic(ctx context.Context, conn *transport.ServerConn) {
	requests := make(chan *transport.Request, pipeline)
	defer close(requests)
	conn.Go(func(ctx context.Context) {
		for r := range requests {
			err := s.answer(ctx, conn, r)
			r.Release()
			if err != nil {
				s.cfg.Logger.Debug("connection of a client ended", "peer", conn.RemoteAddr().String(), "err", err)
				conn.Close()
				return
			}
		}
	})
	for {
		r, err := conn.ReadRequest()
		if err != nil {
			return
		}
		select {
		case requests <- r:
		case <-ctx.Done():
			return
		}
	}
}

// answer handles one request.
func (s *SC) answer(ctx context.Context, conn *transport.ServerConn, r *transport.Request) error {
	out, err := s.dispatch(ctx, r)
	if err != nil {
		return fmt.Errorf("request with key %d version %d: %w", r.Key, r.Version, err)
	}
	id, version := r.CorrelationID, r.Version
	send := func(m codec.Message) error { return conn.WriteResponse(id, version, m) }
	if out.stream == nil {
		return send(out.msg)
	}
	conn.Go(func(ctx context.Context) {
		if err := out.stream(ctx, send); err != nil {
			conn.Close()
		}
	})
	return nil
}

func (s *SC) dispatch(ctx context.Context, r *transport.Request) (reply, error) {
	h := handlers[r.Key]
	if h == nil {
		return reply{}, fmt.Errorf("unknown key")
	}
	return h(s, ctx, r)
}

// apiVersions answers the handshake. Real servers insist on a semantic
// version of the client; nothing is gained by it.
func (s *SC) apiVersions(_ context.Context, r *transport.Request) (reply, error) {
	var req api.ApiVersionsRequest
	if err := r.Decode(&req); err != nil {
		return reply{}, err
	}
	return reply{msg: &api.ApiVersionsResponse{APIs: api.ScAPIs(), PlatformVersion: s.cfg.PlatformVersion}}, nil
}

// typed decodes the envelope of an admin request.
func typed(r *transport.Request) (api.TypeBuffer, error) {
	var b api.TypeBuffer
	err := r.Decode(&b)
	return b, err
}

// payload decodes what is in the envelope.
func payload(r *transport.Request, b *api.TypeBuffer, m codec.Message) error {
	if _, err := codec.Unmarshal(b.Payload, r.Version, m); err != nil {
		return fmt.Errorf("%s: %w", b.Label, err)
	}
	return nil
}

// fail is a status with a code that carries nothing.
func fail(name string, code api.Code, format string, args ...any) *api.Status {
	return api.StatusError(name, api.ErrorCode{ID: code}, fmt.Sprintf(format, args...))
}

// unknownType answers Create, Delete and Update of a label nobody knows.
func unknownType(what string) reply {
	return reply{msg: api.StatusError(what+" error", api.Errorf("unknown admin object type"), "")}
}
