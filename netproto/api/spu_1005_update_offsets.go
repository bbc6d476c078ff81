package api

import "github.com/fluvio-go/fluvio/netproto/codec"

// UpdateOffsetsRequest acknowledges responses of streams on this connection.
// Its only version is 0.
type UpdateOffsetsRequest struct {
	Offsets []StreamOffset
}

// Code visits the request.
func (r *UpdateOffsetsRequest) Code(c *codec.Coder) {
	codec.SliceReuse(c, &r.Offsets, (*StreamOffset).Code)
}

// StreamOffset is the next offset that a stream's consumer wants.
type StreamOffset struct {
	Offset    int64
	SessionID uint32
}

// Code visits the offset.
func (o *StreamOffset) Code(c *codec.Coder) {
	c.I64(&o.Offset)
	c.U32(&o.SessionID)
}

// UpdateOffsetsResponse answers an UpdateOffsetsRequest.
type UpdateOffsetsResponse struct {
	Offsets []StreamOffsetStatus
}

// Code visits the response.
func (r *UpdateOffsetsResponse) Code(c *codec.Coder) {
	codec.SliceReuse(c, &r.Offsets, (*StreamOffsetStatus).Code)
}

// StreamOffsetStatus is FetchSessionNotFound for an unknown session.
type StreamOffsetStatus struct {
	SessionID uint32
	Error     ErrorCode
}

// Code visits the status.
func (s *StreamOffsetStatus) Code(c *codec.Coder) {
	c.U32(&s.SessionID)
	s.Error.Code(c)
}
