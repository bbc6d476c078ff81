package spu

import (
	"fmt"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// StartMirror (2000) would turn the connection into a mirror session. No
// remote cluster is known here, and for an unknown one upstream closes the
// connection without an answer.
func (c *conn) startMirror(r *transport.Request) error {
	var req api.StartMirrorRequest
	if err := r.Decode(&req); err != nil {
		return err
	}
	return fmt.Errorf("remote cluster %q wants to mirror %q: %w", req.RemoteClusterID, req.RemoteReplica, api.MirrorNotFound)
}
