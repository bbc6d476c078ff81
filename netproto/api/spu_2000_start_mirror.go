package api

import "github.com/fluvio-go/fluvio/netproto/codec"

// StartMirrorRequest turns a connection into a mirror session. It has no
// response.
type StartMirrorRequest struct {
	RemoteReplica   string // partition name, such as boats-0
	RemoteClusterID string
}

// Code visits the request.
func (r *StartMirrorRequest) Code(c *codec.Coder) {
	c.String(&r.RemoteReplica)
	c.String(&r.RemoteClusterID)
}
