package api

import (
	"time"

	"github.com/fluvio-go/fluvio/netproto/codec"
)

// Isolation is how much of a log a request sees or waits for. This is the
// numbering of fetches; ProduceRequest codes it as −1 and 1.
type Isolation uint8

// The levels.
const (
	ReadUncommitted Isolation = iota // up to the log end; ack after the leader's append
	ReadCommitted                    // up to the high watermark; ack when it covers the records
)

// String is the name that flags use.
func (i Isolation) String() string {
	if i == ReadCommitted {
		return "read_committed"
	}
	return "read_uncommitted"
}

// RecordSet is record batches back to back behind a 32-bit length.
type RecordSet struct {
	Bytes []byte // aliases the frame when decoded
	// Tail counts bytes that follow Bytes in the frame but are not in memory:
	// a server sends them straight from the log file. It is used only when
	// encoding, and only for the last field of a message.
	Tail int
}

// Code visits the batches.
func (r *RecordSet) Code(c *codec.Coder) {
	if !c.Encoding() {
		c.ByteSlice(&r.Bytes)
		r.Tail = 0
		return
	}
	n := int32(len(r.Bytes) + r.Tail)
	c.I32(&n)
	c.Raw(&r.Bytes, len(r.Bytes))
}

// ProduceRequest appends batches to partitions. Batches of one partition come
// as entries of their own, in order.
//
// A decoded request may be decoded into again; it reuses its slices and
// strings.
type ProduceRequest struct {
	TransactionalID *string // always absent
	Isolation       Isolation
	TimeoutMS       int32 // how long to wait for ReadCommitted; not negative
	Topics          []ProduceTopic
	SmartModules    []SmartModuleInvocation
}

// ProduceTopic holds the entries of one topic; none is legal.
type ProduceTopic struct {
	Name       string
	Partitions []ProducePartition
}

// ProducePartition is one entry, usually one batch.
type ProducePartition struct {
	Partition uint32
	Records   RecordSet
}

// Code visits the request.
func (r *ProduceRequest) Code(c *codec.Coder) {
	c.StringOption(&r.TransactionalID)
	codeProduceIsolation(c, &r.Isolation)
	c.I32(&r.TimeoutMS)
	if c.Err() == nil && r.TimeoutMS < 0 {
		c.Invalidf("produce time-out is %d ms", r.TimeoutMS)
		return
	}
	codec.SliceReuse(c, &r.Topics, (*ProduceTopic).Code)
	// Upstream writes the modules at every version since 0.18, but its own
	// stored request of version 7 has none.
	if c.Since(8) {
		codec.Slice(c, &r.SmartModules, (*SmartModuleInvocation).Code)
	} else if !c.Encoding() {
		r.SmartModules = nil
	}
}

// Timeout is TimeoutMS as a duration.
func (r *ProduceRequest) Timeout() time.Duration {
	return time.Duration(r.TimeoutMS) * time.Millisecond
}

func codeProduceIsolation(c *codec.Coder, v *Isolation) {
	n := int16(1)
	if *v == ReadCommitted {
		n = -1
	}
	c.I16(&n)
	if c.Encoding() {
		return
	}
	*v = ReadUncommitted
	if n < 0 {
		*v = ReadCommitted
	}
}

// Code visits the topic.
func (t *ProduceTopic) Code(c *codec.Coder) {
	c.String(&t.Name)
	codec.SliceReuse(c, &t.Partitions, (*ProducePartition).Code)
}

// Code visits the entry.
func (p *ProducePartition) Code(c *codec.Coder) {
	c.U32(&p.Partition)
	p.Records.Code(c)
}

// ProduceResponse answers each entry of the request in order, duplicates
// included: clients match by position.
type ProduceResponse struct {
	Topics         []ProduceTopicResult
	ThrottleTimeMS int32 // always 0
}

// Code visits the response.
func (r *ProduceResponse) Code(c *codec.Coder) {
	codec.SliceReuse(c, &r.Topics, (*ProduceTopicResult).Code)
	if c.Since(1) {
		c.I32(&r.ThrottleTimeMS)
	}
}

// ProduceTopicResult holds the results of one topic.
type ProduceTopicResult struct {
	Name       string
	Partitions []ProduceResult
}

// Code visits the results.
func (t *ProduceTopicResult) Code(c *codec.Coder) {
	c.String(&t.Name)
	codec.SliceReuse(c, &t.Partitions, (*ProduceResult).Code)
}

// ProduceResult is the outcome of one entry.
type ProduceResult struct {
	Partition       uint32
	Error           ErrorCode
	BaseOffset      int64 // of the entry's first record; 0 on error
	LogAppendTimeMS int64 // always 0
	LogStartOffset  int64 // always 0
}

// Code visits the outcome. Every field is visited or cleared, for SliceReuse.
func (p *ProduceResult) Code(c *codec.Coder) {
	c.U32(&p.Partition)
	p.Error.Code(c)
	c.I64(&p.BaseOffset)
	if c.Since(2) {
		c.I64(&p.LogAppendTimeMS)
	} else if !c.Encoding() {
		p.LogAppendTimeMS = 0
	}
	if c.Since(5) {
		c.I64(&p.LogStartOffset)
	} else if !c.Encoding() {
		p.LogStartOffset = 0
	}
}
