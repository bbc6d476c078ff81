package api

import (
	"fmt"

	"github.com/fluvio-go/fluvio/netproto/codec"
)

// RequestHeader precedes the body of every request frame.
type RequestHeader struct {
	Key           uint16
	Version       int16 // governs the body and every response to it
	CorrelationID int32
	ClientID      string
}

// Code visits the header; it has no version gates.
func (h *RequestHeader) Code(c *codec.Coder) {
	c.U16(&h.Key)
	c.I16(&h.Version)
	c.I32(&h.CorrelationID)
	c.String(&h.ClientID)
}

// Status answers Create, Delete and Update.
type Status struct {
	Name    string
	Error   ErrorCode
	Message *string // what official command lines print
}

// Code visits the status.
func (s *Status) Code(c *codec.Coder) {
	c.Text(&s.Name)
	s.Error.Code(c)
	codec.Option(c, &s.Message, codec.TextElem)
}

// StatusOK is the answer of a successful call.
func StatusOK(name string) *Status { return &Status{Name: name} }

// StatusError is the answer of a failed call. An empty message is sent as
// absent, which official command lines tell apart.
func StatusError(name string, code ErrorCode, message string) *Status {
	s := &Status{Name: name, Error: code}
	if message != "" {
		s.Message = &message
	}
	return s
}

// Label names the object type of an admin body. Labels are case-sensitive.
type Label string

// The object types of the SC.
const (
	LabelTopic            Label = "Topic"
	LabelPartition        Label = "Partition"
	LabelSpu              Label = "SPU"
	LabelCustomSpu        Label = "CustomSpu"
	LabelSpuGroup         Label = "SpuGroup"
	LabelSmartModule      Label = "SmartModule"
	LabelTableFormat      Label = "TableFormat"
	LabelMirror           Label = "Mirror"
	LabelMirroringConnect Label = "MirroringConnect"
)

// Labels lists every object type.
func Labels() []Label {
	return []Label{LabelTopic, LabelPartition, LabelSpu, LabelCustomSpu, LabelSpuGroup,
		LabelSmartModule, LabelTableFormat, LabelMirror, LabelMirroringConnect}
}

// minDynamic is the first SC version whose admin bodies carry a label and a
// length. No client that can connect (Watch begins at 15) uses older ones,
// and real servers decode older Create bodies wrongly, so they are refused.
const minDynamic = 11

// TypeBuffer is an admin body whose object type is known only from its label.
// Servers decode it first and then decode Payload into the type that Label
// names, at the same version.
type TypeBuffer struct {
	Label   Label
	Payload []byte // aliases the frame when decoded
}

// Code visits label and payload.
func (t *TypeBuffer) Code(c *codec.Coder) {
	if !checkDynamic(c) {
		return
	}
	c.String((*string)(&t.Label))
	c.ByteSlice(&t.Payload)
}

func checkDynamic(c *codec.Coder) bool {
	if !c.Since(minDynamic) {
		c.Invalidf("admin bodies of version %d (before 0.10.9) are not supported; the oldest is %d", c.Version(), minDynamic)
		return false
	}
	return true
}

// Typed is the same body where both sides know the object type: it encodes
// Msg in place, without a copy, and refuses any other label when decoding.
type Typed struct {
	Label Label
	Msg   codec.Message
}

// Code visits label, length and message.
func (t Typed) Code(c *codec.Coder) {
	if !checkDynamic(c) {
		return
	}
	label := string(t.Label)
	c.String(&label)
	if c.Encoding() {
		c.Sized(t.Msg)
		return
	}
	if c.Err() == nil && label != string(t.Label) {
		c.Invalidf("body is of type %q, want %q", label, t.Label)
		return
	}
	c.Sized(t.Msg)
}

// Object is what the SC stores and lists: a named spec with its status. S and
// T describe themselves: *S and *T are codec.Message.
type Object[S, T any] struct {
	Name   string
	Spec   S
	Status T
}

// Code visits the object.
func (o *Object[S, T]) Code(c *codec.Coder) {
	c.String(&o.Name)
	visit(&o.Spec, c)
	visit(&o.Status, c)
}

// visit calls the Code method of a spec or status. Every type parameter used
// with Object has one; the tests instantiate them all.
func visit[T any](v *T, c *codec.Coder) {
	m, ok := any(v).(codec.Message)
	if !ok {
		c.Fail(fmt.Errorf("%T does not describe itself", v))
		return
	}
	m.Code(c)
}

// The objects.
type (
	Topic       = Object[TopicSpec, TopicStatus]
	Partition   = Object[PartitionSpec, PartitionStatus]
	Spu         = Object[SpuSpec, SpuStatus]
	CustomSpu   = Object[CustomSpuSpec, SpuStatus]
	SpuGroup    = Object[SpuGroupSpec, SpuGroupStatus]
	SmartModule = Object[SmartModuleSpec, SmartModuleStatus]
	TableFormat = Object[TableFormatSpec, TableFormatStatus]
	Mirror      = Object[MirrorSpec, MirrorStatus]
)
