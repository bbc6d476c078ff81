package api

import "github.com/fluvio-go/fluvio/netproto/codec"

// UpdateConsumerOffsetRequest (1006) stores the offset of the last record
// consumed from a stream of this connection.
type UpdateConsumerOffsetRequest struct {
	Offset    int64
	SessionID uint32
}

// Code visits the request.
func (r *UpdateConsumerOffsetRequest) Code(c *codec.Coder) {
	c.I64(&r.Offset)
	c.U32(&r.SessionID)
}

// UpdateConsumerOffsetResponse answers it.
type UpdateConsumerOffsetResponse struct {
	Offset int64
	Error  ErrorCode
}

// Code visits the response.
func (r *UpdateConsumerOffsetResponse) Code(c *codec.Coder) {
	c.I64(&r.Offset)
	r.Error.Code(c)
}

// DeleteConsumerOffsetRequest (1007) forgets one stored offset.
type DeleteConsumerOffsetRequest struct {
	Replica    ReplicaKey
	ConsumerID string
}

// Code visits the request.
func (r *DeleteConsumerOffsetRequest) Code(c *codec.Coder) {
	r.Replica.Code(c)
	c.String(&r.ConsumerID)
}

// DeleteConsumerOffsetResponse answers it.
type DeleteConsumerOffsetResponse struct {
	Error ErrorCode
}

// Code visits the response.
func (r *DeleteConsumerOffsetResponse) Code(c *codec.Coder) { r.Error.Code(c) }

// FetchConsumerOffsetsRequest (1008) lists stored offsets.
type FetchConsumerOffsetsRequest struct {
	Filter *ConsumerOffsetFilter
}

// Code visits the request.
func (r *FetchConsumerOffsetsRequest) Code(c *codec.Coder) {
	if c.Since(24) {
		codec.Option(c, &r.Filter, (*ConsumerOffsetFilter).Code)
	}
}

// ConsumerOffsetFilter narrows the list; absent fields match everything.
type ConsumerOffsetFilter struct {
	Replica    *ReplicaKey
	ConsumerID *string
}

// Code visits the filter.
func (f *ConsumerOffsetFilter) Code(c *codec.Coder) {
	codec.Option(c, &f.Replica, (*ReplicaKey).Code)
	c.StringOption(&f.ConsumerID)
}

// FetchConsumerOffsetsResponse answers it.
type FetchConsumerOffsetsResponse struct {
	Error     ErrorCode
	Consumers []ConsumerOffset
}

// Code visits the response.
func (r *FetchConsumerOffsetsResponse) Code(c *codec.Coder) {
	r.Error.Code(c)
	codec.Slice(c, &r.Consumers, (*ConsumerOffset).Code)
}

// ConsumerOffset is one stored offset.
type ConsumerOffset struct {
	ConsumerID   string
	Replica      ReplicaKey
	Offset       int64  // of the last record consumed; resume at the next one
	ModifiedTime uint64 // seconds since the Unix epoch
}

// Code visits the offset.
func (o *ConsumerOffset) Code(c *codec.Coder) {
	c.String(&o.ConsumerID)
	o.Replica.Code(c)
	c.I64(&o.Offset)
	c.U64(&o.ModifiedTime)
}
