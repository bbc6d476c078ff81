package api

import "github.com/fluvio-go/fluvio/netproto/codec"

// SmartModuleInvocation is one step of a transformation that a client asks
// for.
type SmartModuleInvocation struct {
	AdHoc      bool   // Wasm holds the module itself; else Predefined names it
	Predefined string // stored module: [group/]name[@version]
	Wasm       []byte // gzip; aliases the frame
	Kind       InvocationKind
	Input      InvocationInput
	Params     map[string]string
	Lookback   *Lookback
	Name       *string
}

// InvocationKind is what the client believes the module to be. Engines look
// at the exports instead and use only the accumulator.
type InvocationKind uint8

// The kinds, in invocation numbering; SmartModuleFailure counts differently.
const (
	KindFilter InvocationKind = iota
	KindMap
	KindArrayMap
	KindAggregate
	KindFilterMap
	KindJoin
	KindJoinStream
	KindGeneric
)

// InvocationInput is the data some kinds carry. For KindGeneric Context tells
// which; the other kinds imply it.
type InvocationInput struct {
	Context     InvocationContext
	Accumulator []byte
	Topic       string // join
	Derived     string // join with a derived stream
}

// InvocationContext is the extra input of a generic module.
type InvocationContext uint8

// The contexts.
const (
	ContextNone InvocationContext = iota
	ContextAggregate
	ContextJoin
	ContextJoinStream
)

// Code visits the step.
func (s *SmartModuleInvocation) Code(c *codec.Coder) {
	c.Bool(&s.AdHoc) // tag: 0 predefined, 1 ad hoc
	if s.AdHoc {
		c.ByteSlice(&s.Wasm)
	} else {
		c.String(&s.Predefined)
	}
	codec.Enum8(c, &s.Kind, KindGeneric, "SmartModule kind")
	if c.Err() != nil {
		return
	}
	switch s.Kind {
	case KindAggregate:
		s.Input.code(c, ContextAggregate)
	case KindJoin:
		s.Input.code(c, ContextJoin)
	case KindJoinStream:
		s.Input.code(c, ContextJoinStream)
	case KindGeneric:
		codec.Enum8(c, &s.Input.Context, ContextJoinStream, "SmartModule context")
		s.Input.code(c, s.Input.Context)
	}
	codeParams(c, &s.Params, &s.Lookback)
	if c.Since(25) {
		c.StringOption(&s.Name)
	}
}

func (i *InvocationInput) code(c *codec.Coder, ctx InvocationContext) {
	switch ctx {
	case ContextAggregate:
		c.ByteSlice(&i.Accumulator)
	case ContextJoin:
		c.String(&i.Topic)
	case ContextJoinStream:
		c.String(&i.Topic)
		c.String(&i.Derived)
	}
}

// codeParams visits module parameters, which invocations and derived streams
// share.
func codeParams(c *codec.Coder, params *map[string]string, back **Lookback) {
	codec.Map(c, params, codec.StringElem, codec.StringElem)
	if c.Since(20) {
		codec.Option(c, back, (*Lookback).Code)
	}
}

// Lookback asks for past records to be shown to a module first.
type Lookback struct {
	Last uint64 // at most this many
	Age  *codec.Duration
}

// Code visits the bounds.
func (l *Lookback) Code(c *codec.Coder) {
	c.U64(&l.Last)
	if c.Since(21) {
		codec.Option(c, &l.Age, (*codec.Duration).Code)
	}
}
