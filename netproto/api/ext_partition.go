package api

import "github.com/fluvio-go/fluvio/netproto/codec"

// ExtDescribePartitionsRequest asks for the partitions of topics with what
// upstream's object has no place for.
type ExtDescribePartitionsRequest struct {
	Topics []string // exact; none means all, system topics included
}

// Code visits the request.
func (r *ExtDescribePartitionsRequest) Code(c *codec.Coder) {
	codec.Slice(c, &r.Topics, codec.StringElem)
}

// ExtDescribePartitionsResponse holds the partitions that exist, by topic and
// number.
type ExtDescribePartitionsResponse struct {
	Partitions []ExtPartition
}

// Code visits the response.
func (r *ExtDescribePartitionsResponse) Code(c *codec.Coder) {
	codec.Slice(c, &r.Partitions, (*ExtPartition).Code)
}

// ExtPartition is a partition with everything the SC knows of its replicas.
type ExtPartition struct {
	Key    ReplicaKey
	System bool
	// Leader is NoLeader where nobody leads; upstream's object names the
	// preferred replica then, since its clients expect one.
	Leader         int32
	LeaderEpoch    int32
	PartitionEpoch uint32
	Resolution     PartitionResolution
	Size           int64 // bytes, as in PartitionStatus
	BaseOffset     int64
	// Reason is what keeps the partition from serving, or from having all its
	// replicas in sync.
	Reason   string
	Replicas []ExtReplica // in the order of assignment, the leader among them
}

// Code visits the partition.
func (p *ExtPartition) Code(c *codec.Coder) {
	p.Key.Code(c)
	c.Bool(&p.System)
	c.I32(&p.Leader)
	c.I32(&p.LeaderEpoch)
	c.U32(&p.PartitionEpoch)
	codec.Enum8(c, &p.Resolution, PartitionOutOfStorage, "partition resolution")
	c.I64(&p.Size)
	c.I64(&p.BaseOffset)
	c.String(&p.Reason)
	codec.Slice(c, &p.Replicas, (*ExtReplica).Code)
}

// ExtReplica is one copy of a partition.
type ExtReplica struct {
	Spu int32
	// InSync: in the in-sync set, on an SPU that is online and has said in
	// this connection that the replica is well.
	InSync bool
	// HW and LEO are −1 while the SC does not know them: the SPU is offline,
	// or has just come.
	HW, LEO int64
	Lack    string // why it is not in sync, such as "is offline"; may be empty
}

// Code visits the replica.
func (r *ExtReplica) Code(c *codec.Coder) {
	c.I32(&r.Spu)
	c.Bool(&r.InSync)
	c.I64(&r.HW)
	c.I64(&r.LEO)
	c.String(&r.Lack)
}
