package spu

import (
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// ApiVersions (18). The table is upstream's; an SPU does not know the release
// of its cluster and says 0.0.0. Any client version is accepted.
func (c *conn) apiVersions(r *transport.Request) (codec.Message, error) {
	var req api.ApiVersionsRequest
	if err := r.Decode(&req); err != nil {
		return nil, err
	}
	return &api.ApiVersionsResponse{
		APIs:            api.SpuAPIs(req.ClientVersion),
		PlatformVersion: api.SpuPlatformVersion,
	}, nil
}
