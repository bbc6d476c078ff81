package sc

import (
	"context"
	"fmt"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// mirroring is Mirroring (1005), versions 14 to 19. A cluster that wants to
// mirror from here is told that it is not known, and nothing after that: no
// remote can be registered in this release.
func (s *SC) mirroring(_ context.Context, r *transport.Request) (reply, error) {
	b, err := typed(r)
	if err != nil {
		return reply{}, err
	}
	if b.Label != api.LabelMirroringConnect {
		return reply{}, fmt.Errorf("mirroring with a %q", b.Label)
	}
	var req api.MirrorConnect
	if err := payload(r, &b, &req); err != nil {
		return reply{}, err
	}
	text := fmt.Sprintf("remote cluster %q not found", req.RemoteID)
	return reply{msg: &api.MirroringStatusResponse{
		Name: req.RemoteID, Error: api.ErrorCode{ID: api.MirrorNotFound}, Message: &text,
	}}, nil
}
