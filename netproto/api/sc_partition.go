package api

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/fluvio-go/fluvio/netproto/codec"
)

// PartitionSpec is the placement of a partition and its topic's settings at
// creation.
type PartitionSpec struct {
	Leader        int32
	Replicas      []int32 // preferred leader first
	CleanupPolicy *CleanupPolicy
	Storage       *TopicStorage
	Compression   Compression
	Deduplication *Deduplication
	System        bool
	Mirror        *PartitionMirror
}

// Code visits the spec.
func (s *PartitionSpec) Code(c *codec.Coder) {
	if !c.Encoding() {
		*s = PartitionSpec{Compression: CompressionAny}
	}
	c.I32(&s.Leader)
	codec.Slice(c, &s.Replicas, codec.I32Elem)
	if c.Since(4) {
		codec.Option(c, &s.CleanupPolicy, (*CleanupPolicy).Code)
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
	if c.Since(14) {
		codec.Option(c, &s.Mirror, (*PartitionMirror).Code)
	}
}

// PartitionResolution is whether a partition can serve.
type PartitionResolution uint8

// The states of a partition. Producers use only partitions that are Online.
const (
	PartitionOffline PartitionResolution = iota
	PartitionOnline
	PartitionLeaderOffline
	PartitionElectionLeaderFound
	PartitionOutOfStorage
)

var partitionResolutionNames = [...]string{"Offline", "Online", "LeaderOffline", "ElectionLeaderFound", "OutOfStorage"}

// String is the name that command lines show.
func (r PartitionResolution) String() string {
	if int(r) < len(partitionResolutionNames) {
		return partitionResolutionNames[r]
	}
	return "Unknown"
}

// ReplicaStatus is the position of one replica. Unknown is −1 in each field.
type ReplicaStatus struct {
	Spu int32
	HW  int64 // first offset that is not committed
	LEO int64 // offset that the next record gets
}

// UnknownReplica is the status before the first report.
var UnknownReplica = ReplicaStatus{-1, -1, -1}

// Code visits the position.
func (r *ReplicaStatus) Code(c *codec.Coder) {
	c.I32(&r.Spu)
	c.I64(&r.HW)
	c.I64(&r.LEO)
}

// Sizes that are not a number of bytes.
const (
	SizeError        = -1
	SizeNotSupported = -2
)

// PartitionStatus is the actual state of a partition.
type PartitionStatus struct {
	Resolution   PartitionResolution
	Leader       ReplicaStatus
	LRS          uint32          // followers in sync
	Replicas     []ReplicaStatus // followers
	Size         int64           // bytes, SizeError or SizeNotSupported
	BeingDeleted bool
	BaseOffset   int64 // log start offset
}

// Code visits the status. OutOfStorage is told as Online to clients before
// version 19: an unknown tag would cost them the whole update, and such a
// partition can still be read.
func (s *PartitionStatus) Code(c *codec.Coder) {
	res := s.Resolution
	if c.Encoding() && res == PartitionOutOfStorage && !c.Since(19) {
		res = PartitionOnline
	}
	if !c.Encoding() {
		*s = PartitionStatus{Size: SizeNotSupported}
	}
	codec.Enum8(c, &res, PartitionOutOfStorage, "partition resolution")
	if !c.Encoding() {
		s.Resolution = res
	}
	s.Leader.Code(c)
	c.U32(&s.LRS)
	codec.Slice(c, &s.Replicas, (*ReplicaStatus).Code)
	if c.Since(5) {
		c.I64(&s.Size)
	}
	c.Bool(&s.BeingDeleted)
	if c.Since(16) {
		c.I64(&s.BaseOffset)
	}
}

// ParseReplicaKey splits a partition name at its last dash, since topic names
// contain dashes themselves.
func ParseReplicaKey(name string) (ReplicaKey, error) {
	i := strings.LastIndexByte(name, '-')
	if i < 0 {
		return ReplicaKey{}, fmt.Errorf("partition name %q has no dash", name)
	}
	n, err := strconv.ParseUint(name[i+1:], 10, 32)
	if err != nil {
		return ReplicaKey{}, fmt.Errorf("partition name %q does not end in a number", name)
	}
	return ReplicaKey{name[:i], uint32(n)}, nil
}
