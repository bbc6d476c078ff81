package meta

import (
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
)

// Kind is a type of object. Names are unique within a kind.
type Kind string

// The kinds.
const (
	KindTopic     Kind = "topic"     // named by the topic
	KindPartition Kind = "partition" // named <topic>-<n>
	KindSpu       Kind = "spu"       // named by the SPU
)

// Kinds lists every kind, owners before what they own.
func Kinds() []Kind { return []Kind{KindSpu, KindTopic, KindPartition} }

// Value is the content of an object: *Topic, *Partition or *Spu. Once handed
// to a store, or received from one, it must not be changed, nor anything it
// points to.
type Value interface {
	codec.Message
	Kind() Kind
}

// NewValue returns an empty value of a kind, or nil if the kind is unknown.
func NewValue(k Kind) Value {
	switch k {
	case KindTopic:
		return new(Topic)
	case KindPartition:
		return new(Partition)
	case KindSpu:
		return new(Spu)
	}
	return nil
}

// Object is a value under its name.
type Object struct {
	Name     string
	Revision uint64 // of the commit that wrote it
	Value    Value
}

// Kind is the kind of the object's value.
func (o *Object) Kind() Kind { return o.Value.Kind() }

// Topic is a topic as it was declared and what became of it.
type Topic struct {
	ID       api.TopicID // never reused, unlike the name
	Spec     api.TopicSpec
	Config   api.TopicConfig
	Status   api.TopicStatus
	Deleting bool // the topic is on its way out; nothing undoes that
}

// Kind is KindTopic.
func (*Topic) Kind() Kind { return KindTopic }

// Code visits the stored form.
func (t *Topic) Code(c *codec.Coder) {
	t.ID.Code(c)
	objects(c, &t.Spec, &t.Status)
	t.Config.Code(c)
	c.Bool(&t.Deleting)
}

// Partition is the state that the controller decides for one partition. It is
// stored before any SPU acts on it. Settings are those of the topic.
type Partition struct {
	TopicID        api.TopicID
	Leader         int32   // api.NoLeader if nobody may lead
	LeaderEpoch    int32   // from 1; grows whenever leadership starts anew
	PartitionEpoch uint32  // grows with every change of this state; 0 until a replica was online
	Replicas       []int32 // SPU ids, preferred leader first
	ISR            []int32 // those of Replicas that are in sync
}

// Kind is KindPartition.
func (*Partition) Kind() Kind { return KindPartition }

// Code visits the stored form.
func (p *Partition) Code(c *codec.Coder) {
	p.TopicID.Code(c)
	c.I32(&p.Leader)
	c.I32(&p.LeaderEpoch)
	c.U32(&p.PartitionEpoch)
	codec.Slice(c, &p.Replicas, codec.I32Elem)
	codec.Slice(c, &p.ISR, codec.I32Elem)
}

// Spu is a registered SPU.
type Spu struct {
	Spec api.SpuSpec
	// Boot is the start of the SPU that the leader epochs of its partitions
	// take into account; 0 until it first came.
	Boot uint64
}

// Kind is KindSpu.
func (*Spu) Kind() Kind { return KindSpu }

// Code visits the stored form.
func (s *Spu) Code(c *codec.Coder) {
	objects(c, &s.Spec)
	c.U64(&s.Boot)
}

// objects visits public objects, whose layout is that of the public API at
// the version that precedes them. Decoding by the stored version is what keeps
// old data readable.
func objects(c *codec.Coder, ms ...codec.Message) {
	version := api.ScVersion
	c.I16(&version)
	if c.Err() != nil {
		return
	}
	if version < minObjectVersion || version > api.ScVersion {
		c.Fail(&VersionError{What: "object layout", Version: int(version), Min: minObjectVersion, Max: int(api.ScVersion)})
		return
	}
	for _, m := range ms {
		c.At(version, m)
	}
}
