package api

import "github.com/fluvio-go/fluvio/netproto/codec"

// Keys of the SC's public API. Some numbers mean something else on an SPU.
const (
	KeyApiVersions uint16 = 18 // on both servers

	KeyCreate    uint16 = 1001
	KeyDelete    uint16 = 1002
	KeyList      uint16 = 1003
	KeyWatch     uint16 = 1004
	KeyMirroring uint16 = 1005
	KeyUpdate    uint16 = 1006
)

// CreateRequest asks for an object; S describes it. It travels in a
// TypeBuffer and is answered by a bare Status.
type CreateRequest[S any] struct {
	Name    string
	DryRun  bool
	Timeout *uint32 // ms
	Spec    S
}

// Code visits the request.
func (r *CreateRequest[S]) Code(c *codec.Coder) {
	c.String(&r.Name)
	c.Bool(&r.DryRun)
	if c.Since(7) {
		codec.Option(c, &r.Timeout, codec.U32Elem)
	}
	visit(&r.Spec, c)
}

// DeleteRequest removes the object with that name. It travels in a TypeBuffer
// and is answered by a bare Status.
type DeleteRequest struct {
	Name  string
	Force bool // needed for system topics, no effect elsewhere
}

// Code visits the request.
func (r *DeleteRequest) Code(c *codec.Coder) {
	c.String(&r.Name)
	if c.Since(13) {
		c.Bool(&r.Force)
	}
}

// DeleteCustomSpu is DeleteRequest for LabelCustomSpu, whose key is a union.
type DeleteCustomSpu struct {
	Key   CustomSpuKey
	Force bool
}

// Code visits the request.
func (r *DeleteCustomSpu) Code(c *codec.Coder) {
	r.Key.Code(c)
	if c.Since(13) {
		c.Bool(&r.Force)
	}
}

// TopicAction is what an UpdateTopic does.
type TopicAction uint8

// The actions.
const (
	ActionAddPartition TopicAction = iota
	ActionAddMirror
)

// UpdateTopic changes a topic (key 1006). It travels in a TypeBuffer and is
// answered by a bare Status.
type UpdateTopic struct {
	Name         string
	Action       TopicAction
	Count        uint32 // ActionAddPartition: how many more
	Remote       string // ActionAddMirror: the remote cluster
	HomeToMirror bool   // ActionAddMirror: not used by servers
}

// Code visits the request.
func (r *UpdateTopic) Code(c *codec.Coder) {
	c.String(&r.Name)
	codec.Enum8(c, &r.Action, ActionAddMirror, "topic action")
	if c.Err() != nil {
		return
	}
	if r.Action == ActionAddPartition {
		c.U32(&r.Count)
		return
	}
	c.String(&r.Remote)
	c.Bool(&r.HomeToMirror)
}

// ListRequest asks for all objects of a type. It travels in a TypeBuffer, as
// does its answer, ListResponse.
type ListRequest struct {
	Filters []string // what a filter means depends on the type
	Summary bool     // SmartModules without their wasm
	System  bool     // system objects instead of the others
}

// Code visits the request.
func (r *ListRequest) Code(c *codec.Coder) {
	codec.Slice(c, &r.Filters, codec.StringElem)
	if c.Since(10) {
		c.Bool(&r.Summary)
	}
	if c.Since(13) {
		c.Bool(&r.System)
	}
}

// ListResponse holds whole objects.
type ListResponse[S, T any] struct {
	Items []Object[S, T]
}

// Code visits the objects.
func (r *ListResponse[S, T]) Code(c *codec.Coder) {
	codec.Slice(c, &r.Items, (*Object[S, T]).Code)
}

// WatchRequest opens a stream of WatchResponse. Both travel in a TypeBuffer.
type WatchRequest struct {
	Epoch   int64 // clients send 0; servers ignore it
	Summary bool
}

// Code visits the request.
func (r *WatchRequest) Code(c *codec.Coder) {
	c.I64(&r.Epoch)
	if c.Since(10) {
		c.Bool(&r.Summary)
	}
}

// Change is one object of a watch update.
type Change[S, T any] struct {
	Deleted bool // 0 update, 1 delete
	Object  Object[S, T]
}

// Code visits the change.
func (ch *Change[S, T]) Code(c *codec.Coder) {
	c.Bool(&ch.Deleted)
	ch.Object.Code(c)
}

// WatchResponse is one update of a watch. At most one of Changes and All has
// elements: All replaces everything the watcher has, Changes modify it.
// Official clients ignore an update in which both are empty.
type WatchResponse[S, T any] struct {
	Epoch   int64
	Changes []Change[S, T]
	All     []Object[S, T]
}

// Code visits the update.
func (r *WatchResponse[S, T]) Code(c *codec.Coder) {
	c.I64(&r.Epoch)
	codec.Slice(c, &r.Changes, (*Change[S, T]).Code)
	codec.Slice(c, &r.All, (*Object[S, T]).Code)
}
