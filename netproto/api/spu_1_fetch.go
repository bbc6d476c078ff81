package api

import "github.com/fluvio-go/fluvio/netproto/codec"

// FetchRequest reads once, without waiting. Current clients stream instead.
type FetchRequest struct {
	MaxWaitMS int32 // ignored
	MinBytes  int32 // ignored
	MaxBytes  int32 // per partition
	Isolation Isolation
	Topics    []FetchTopic
	Forgotten []ForgottenTopic // ignored
}

// Code visits the request.
func (r *FetchRequest) Code(c *codec.Coder) {
	c.I32(&r.MaxWaitMS)
	c.I32(&r.MinBytes)
	if c.Since(3) {
		c.I32(&r.MaxBytes)
	}
	if c.Since(4) {
		codec.Enum8(c, &r.Isolation, ReadCommitted, "isolation")
	}
	codec.Slice(c, &r.Topics, (*FetchTopic).Code)
	if c.Since(7) {
		codec.Slice(c, &r.Forgotten, (*ForgottenTopic).Code)
	}
}

// FetchTopic asks for partitions of one topic.
type FetchTopic struct {
	Name       string
	Partitions []FetchPartition
}

// Code visits the topic.
func (t *FetchTopic) Code(c *codec.Coder) {
	c.String(&t.Name)
	codec.Slice(c, &t.Partitions, (*FetchPartition).Code)
}

// FetchPartition asks for one partition.
type FetchPartition struct {
	Partition      uint32
	LeaderEpoch    int32
	FetchOffset    int64
	LogStartOffset int64
	MaxBytes       int32 // ignored, as upstream does
}

// Code visits the partition.
func (p *FetchPartition) Code(c *codec.Coder) {
	c.U32(&p.Partition)
	if c.Since(9) {
		c.I32(&p.LeaderEpoch)
	}
	c.I64(&p.FetchOffset)
	if c.Since(5) {
		c.I64(&p.LogStartOffset)
	}
	c.I32(&p.MaxBytes)
}

// ForgottenTopic is left over from Kafka.
type ForgottenTopic struct {
	Name       string
	Partitions []int32
}

// Code visits the topic.
func (t *ForgottenTopic) Code(c *codec.Coder) {
	c.String(&t.Name)
	codec.Slice(c, &t.Partitions, codec.I32Elem)
}

// FetchResponse answers a FetchRequest.
type FetchResponse struct {
	ThrottleTimeMS int32
	Error          ErrorCode
	SessionID      int32
	Topics         []FetchedTopic
}

// Code visits the response.
func (r *FetchResponse) Code(c *codec.Coder) {
	c.I32(&r.ThrottleTimeMS)
	r.Error.Code(c)
	c.I32(&r.SessionID)
	codec.Slice(c, &r.Topics, (*FetchedTopic).Code)
}

// FetchedTopic holds the partitions of one topic.
type FetchedTopic struct {
	Name       string
	Partitions []FetchedPartition
}

// Code visits the topic.
func (t *FetchedTopic) Code(c *codec.Coder) {
	c.String(&t.Name)
	codec.Slice(c, &t.Partitions, (*FetchedPartition).Code)
}

// FetchedPartition is what was read. It may hold both records and an error;
// the records come first.
type FetchedPartition struct {
	Partition        uint32
	Error            ErrorCode
	HighWatermark    int64 // first offset that is not committed
	NextFilterOffset int64 // where to go on after SmartModules; 0 without them
	LogStartOffset   int64
	Aborted          *[]AbortedTransaction // always absent
	Records          RecordSet
}

// Code visits the partition. Every field is visited or cleared, so that a
// response can be decoded into again.
func (p *FetchedPartition) Code(c *codec.Coder) {
	c.U32(&p.Partition)
	p.Error.Code(c)
	c.I64(&p.HighWatermark)
	if c.Since(11) {
		c.I64(&p.NextFilterOffset)
	} else if !c.Encoding() {
		p.NextFilterOffset = 0
	}
	c.I64(&p.LogStartOffset)
	codec.Option(c, &p.Aborted, func(v *[]AbortedTransaction, c *codec.Coder) {
		codec.Slice(c, v, (*AbortedTransaction).Code)
	})
	p.Records.Code(c)
}

// AbortedTransaction is left over from Kafka.
type AbortedTransaction struct {
	ProducerID, FirstOffset int64
}

// Code visits the transaction.
func (t *AbortedTransaction) Code(c *codec.Coder) {
	c.I64(&t.ProducerID)
	c.I64(&t.FirstOffset)
}
