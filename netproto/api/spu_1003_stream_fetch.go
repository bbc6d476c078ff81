package api

import "github.com/fluvio-go/fluvio/netproto/codec"

// StreamFetchRequest opens a stream of one partition. Every data response has
// to be acknowledged with UpdateOffsets before the next one is sent.
type StreamFetchRequest struct {
	Topic       string
	Partition   uint32
	FetchOffset int64
	MaxBytes    int32
	Isolation   Isolation

	// Before version 19, decoded for their size and otherwise ignored.
	LegacyWasm        []byte
	LegacySmartModule *SmartModuleInvocation
	LegacyDerived     *DerivedStream

	SmartModules []SmartModuleInvocation
	ConsumerID   *string // enables UpdateConsumerOffset on this stream
}

// Code visits the request. At exactly version 18 the legacy fields and the
// list are all there.
func (r *StreamFetchRequest) Code(c *codec.Coder) {
	c.String(&r.Topic)
	c.U32(&r.Partition)
	c.I64(&r.FetchOffset)
	c.I32(&r.MaxBytes)
	codec.Enum8(c, &r.Isolation, ReadCommitted, "isolation")
	if c.Between(11, 18) {
		c.ByteSlice(&r.LegacyWasm)
	}
	if c.Between(16, 18) {
		codec.Option(c, &r.LegacySmartModule, (*SmartModuleInvocation).Code)
		codec.Option(c, &r.LegacyDerived, (*DerivedStream).Code)
	}
	if c.Since(18) {
		codec.Slice(c, &r.SmartModules, (*SmartModuleInvocation).Code)
	}
	if c.Since(23) {
		c.StringOption(&r.ConsumerID)
	}
}

// DerivedStream is a feature that upstream removed.
type DerivedStream struct {
	Stream   string
	Params   map[string]string
	Lookback *Lookback
}

// Code visits the stream.
func (d *DerivedStream) Code(c *codec.Coder) {
	c.String(&d.Stream)
	codeParams(c, &d.Params, &d.Lookback)
}

// StreamFetchResponse is one push of a stream. Records is its last field, so
// a server can send the batches from the log file.
type StreamFetchResponse struct {
	Topic     string
	StreamID  uint32 // session id of UpdateOffsets; 0 when no stream was made
	Partition FetchedPartition
}

// Code visits the push.
func (r *StreamFetchResponse) Code(c *codec.Coder) {
	c.String(&r.Topic)
	c.U32(&r.StreamID)
	r.Partition.Code(c)
}
