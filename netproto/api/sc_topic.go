package api

import (
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/record"
)

// TopicSpec is the desired state of a topic.
type TopicSpec struct {
	Replicas      ReplicaSpec
	CleanupPolicy *CleanupPolicy
	Storage       *TopicStorage
	Compression   Compression
	Deduplication *Deduplication
	System        bool
}

// Code visits the spec.
func (s *TopicSpec) Code(c *codec.Coder) {
	if !c.Encoding() {
		*s = TopicSpec{Compression: CompressionAny}
	}
	s.Replicas.Code(c)
	if c.Since(3) {
		codec.Option(c, &s.CleanupPolicy, (*CleanupPolicy).Code)
	}
	if c.Since(4) {
		codec.Option(c, &s.Storage, (*TopicStorage).Code)
	}
	if c.Since(6) {
		codec.Enum8(c, &s.Compression, CompressionZstd, "topic compression")
	}
	if c.Since(12) {
		codec.Option(c, &s.Deduplication, (*Deduplication).Code)
	}
	if c.Since(13) {
		c.Bool(&s.System)
	}
}

// ReplicaKind tells how a topic's replicas are chosen.
type ReplicaKind uint8

// The kinds of ReplicaSpec.
const (
	ReplicasAssigned ReplicaKind = iota // by the user
	ReplicasComputed                    // by the SC
	ReplicasMirror                      // one partition per remote or home SPU
)

// ReplicaSpec is a union; Kind tells which of the other fields count.
type ReplicaSpec struct {
	Kind     ReplicaKind
	Assigned []PartitionMap
	Computed ComputedReplicas
	Mirror   MirrorConfig
}

// Computed returns the spec of a topic that the SC places.
func Computed(partitions, replicationFactor uint32) ReplicaSpec {
	return ReplicaSpec{
		Kind:     ReplicasComputed,
		Computed: ComputedReplicas{Partitions: partitions, ReplicationFactor: replicationFactor},
	}
}

// Code visits the union.
func (s *ReplicaSpec) Code(c *codec.Coder) {
	codec.Enum8(c, &s.Kind, ReplicasMirror, "replica spec")
	if c.Err() != nil {
		return
	}
	switch s.Kind {
	case ReplicasAssigned:
		codec.Slice(c, &s.Assigned, (*PartitionMap).Code)
	case ReplicasComputed:
		s.Computed.Code(c)
	case ReplicasMirror:
		s.Mirror.Code(c)
	}
}

// ComputedReplicas leaves placement to the SC.
type ComputedReplicas struct {
	Partitions        uint32 // at least 1
	ReplicationFactor uint32 // at least 1
	IgnoreRack        bool
}

// Code visits the request for placement.
func (r *ComputedReplicas) Code(c *codec.Coder) {
	c.U32(&r.Partitions)
	c.U32(&r.ReplicationFactor)
	c.Bool(&r.IgnoreRack)
}

// PartitionMap assigns SPUs to one partition; the first leads.
type PartitionMap struct {
	ID       uint32
	Replicas []int32
	Mirror   *PartitionMirror
}

// Code visits the assignment.
func (m *PartitionMap) Code(c *codec.Coder) {
	c.U32(&m.ID)
	codec.Slice(c, &m.Replicas, codec.I32Elem)
	if c.Since(14) {
		codec.Option(c, &m.Mirror, (*PartitionMirror).Code)
	}
}

// CleanupPolicy is the retention by time. Its tag has one value, 0 Segment.
type CleanupPolicy struct {
	TimeInSeconds uint32
}

// Code visits the policy.
func (p *CleanupPolicy) Code(c *codec.Coder) {
	var tag uint8
	codec.Enum8(c, &tag, 0, "cleanup policy")
	c.U32(&p.TimeInSeconds)
}

// TopicStorage holds the sizes a user may set, in bytes.
type TopicStorage struct {
	SegmentSize      *uint32
	MaxPartitionSize *uint64
}

// Code visits the sizes.
func (s *TopicStorage) Code(c *codec.Coder) {
	codec.Option(c, &s.SegmentSize, codec.U32Elem)
	codec.Option(c, &s.MaxPartitionSize, codec.U64Elem)
}

// Compression is a topic's rule for the codec of its batches. Beware: it
// numbers the codecs differently from record.Codec.
type Compression uint8

// The rules.
const (
	CompressionNone Compression = iota
	CompressionGzip
	CompressionSnappy
	CompressionLz4
	CompressionAny // the default: every codec is accepted
	CompressionZstd
)

var compressionNames = [...]string{"none", "gzip", "snappy", "lz4", "any", "zstd"}

// String is the lower-case name that flags use.
func (t Compression) String() string {
	if int(t) < len(compressionNames) {
		return compressionNames[t]
	}
	return "unknown"
}

// ParseCompression returns the rule with that lower-case name.
func ParseCompression(name string) (Compression, bool) {
	for i, n := range compressionNames {
		if n == name {
			return Compression(i), true
		}
	}
	return 0, false
}

// Codec is the one codec that the rule demands; ok is false for
// CompressionAny, which demands none.
func (t Compression) Codec() (_ record.Codec, ok bool) {
	switch t {
	case CompressionNone:
		return record.None, true
	case CompressionGzip:
		return record.Gzip, true
	case CompressionSnappy:
		return record.Snappy, true
	case CompressionLz4:
		return record.Lz4, true
	case CompressionZstd:
		return record.Zstd, true
	}
	return 0, false
}

// Deduplication drops records that a filter has seen before.
type Deduplication struct {
	Count uint64          // records remembered
	Age   *codec.Duration // how long they are remembered
	Uses  string          // SmartModule of the filter
	With  map[string]string
}

// Code visits the settings: bounds, then the filter's transform.
func (d *Deduplication) Code(c *codec.Coder) {
	c.U64(&d.Count)
	codec.Option(c, &d.Age, (*codec.Duration).Code)
	c.String(&d.Uses)
	codec.Map(c, &d.With, codec.StringElem, codec.StringElem)
}

// TopicResolution is how far a topic has come.
type TopicResolution uint8

// The states of a topic.
const (
	TopicInit TopicResolution = iota
	TopicPending
	TopicInsufficientResources
	TopicInvalidConfig
	TopicProvisioned
	TopicDeleting
)

var topicResolutionNames = [...]string{"initializing", "pending", "insufficient-resources", "invalid-config", "provisioned", "Deleting"}

// String is the label that command lines show.
func (r TopicResolution) String() string {
	if int(r) < len(topicResolutionNames) {
		return topicResolutionNames[r]
	}
	return "unknown"
}

// TopicStatus is the actual state of a topic.
type TopicStatus struct {
	Resolution TopicResolution
	ReplicaMap map[uint32][]int32 // partition to SPU ids, leader first
	MirrorMap  map[uint32]PartitionMirror
	Reason     string // why it is not provisioned; empty when it is
}

// Code visits the status.
func (s *TopicStatus) Code(c *codec.Coder) {
	codec.Enum8(c, &s.Resolution, TopicDeleting, "topic resolution")
	codec.Map(c, &s.ReplicaMap, codec.U32Elem, i32Slice)
	if c.Since(14) {
		codec.Map(c, &s.MirrorMap, codec.U32Elem, (*PartitionMirror).Code)
	}
	c.Text(&s.Reason)
}

func i32Slice(v *[]int32, c *codec.Coder) { codec.Slice(c, v, codec.I32Elem) }
