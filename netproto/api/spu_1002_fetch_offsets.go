package api

import "github.com/fluvio-go/fluvio/netproto/codec"

// FetchOffsetsRequest asks where partitions begin and end.
type FetchOffsetsRequest struct {
	Topics     []OffsetsTopic
	ConsumerID *string // version 23 only
}

// Code visits the request.
func (r *FetchOffsetsRequest) Code(c *codec.Coder) {
	codec.Slice(c, &r.Topics, (*OffsetsTopic).Code)
	if c.Between(23, 23) {
		c.StringOption(&r.ConsumerID)
	}
}

// OffsetsTopic asks for partitions of one topic.
type OffsetsTopic struct {
	Name       string
	Partitions []uint32
}

// Code visits the topic.
func (t *OffsetsTopic) Code(c *codec.Coder) {
	c.String(&t.Name)
	codec.Slice(c, &t.Partitions, codec.U32Elem)
}

// FetchOffsetsResponse answers a FetchOffsetsRequest.
type FetchOffsetsResponse struct {
	Topics []OffsetsTopicResult
}

// Code visits the response.
func (r *FetchOffsetsResponse) Code(c *codec.Coder) {
	codec.Slice(c, &r.Topics, (*OffsetsTopicResult).Code)
}

// OffsetsTopicResult holds the partitions of one topic.
type OffsetsTopicResult struct {
	Name       string
	Partitions []PartitionOffsets
}

// Code visits the topic.
func (t *OffsetsTopicResult) Code(c *codec.Coder) {
	c.String(&t.Name)
	codec.Slice(c, &t.Partitions, (*PartitionOffsets).Code)
}

// PartitionOffsets says where a partition begins and ends. Official clients
// ignore Error and use the offsets whatever it says.
type PartitionOffsets struct {
	Error            ErrorCode
	Partition        uint32
	StartOffset      int64 // first offset that can be read
	LastStableOffset int64 // the high watermark
}

// Code visits the partition; the error comes first.
func (p *PartitionOffsets) Code(c *codec.Coder) {
	p.Error.Code(c)
	c.U32(&p.Partition)
	c.I64(&p.StartOffset)
	c.I64(&p.LastStableOffset)
}
