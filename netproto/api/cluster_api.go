package api

import (
	"encoding/hex"
	"fmt"

	"github.com/fluvio-go/fluvio/netproto/codec"
)

// Keys of the protocol between SPU and SC. It is ours: same framing and
// codec, version 1. The SPU dials, registers, opens the assignment stream and
// reports. Anything else on the connection ends it.
const (
	KeyRegisterSpu      uint16 = 32001
	KeyWatchAssignments uint16 = 32002
	KeyReportReplicas   uint16 = 32003

	// ClusterVersion is the version of the protocol between nodes.
	ClusterVersion int16 = 1
)

// TopicID is the identity of a topic. A topic that is deleted and created
// again under its old name has another one, so that nothing of the old topic
// (directories, stored offsets, late messages) is taken for the new one.
type TopicID [16]byte

// Code visits the 16 bytes.
func (t *TopicID) Code(c *codec.Coder) {
	b := t[:]
	c.Raw(&b, len(t))
	if !c.Encoding() {
		copy(t[:], b)
	}
}

// String is the id in hexadecimal.
func (t TopicID) String() string { return hex.EncodeToString(t[:]) }

// IsZero reports whether the id is unset.
func (t TopicID) IsZero() bool { return t == TopicID{} }

// ParseTopicID reads what String writes.
func ParseTopicID(s string) (TopicID, error) {
	var t TopicID
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(t) {
		return t, fmt.Errorf("topic id %q is not 32 hexadecimal digits", s)
	}
	copy(t[:], b)
	return t, nil
}

// RegisterSpuRequest introduces an SPU to the SC. It must come first.
type RegisterSpuRequest struct {
	SpuID     int32
	Boot      uint64 // random per start, tells a restart from a reconnect
	ClusterID string // the cluster whose data the SPU holds; empty when none
	// Clean means that the SPU was stopped in order before this start and has
	// everything that it had then. Otherwise the end of its logs may be lost.
	Clean bool
}

// Code visits the request.
func (r *RegisterSpuRequest) Code(c *codec.Coder) {
	c.I32(&r.SpuID)
	c.U64(&r.Boot)
	c.String(&r.ClusterID)
	c.Bool(&r.Clean)
}

// RegisterSpuResponse admits the SPU or says why not.
type RegisterSpuResponse struct {
	Error       ErrorCode
	ClusterID   string
	HeartbeatMS int32 // report at least this often
	// LeaseMS is how long the SPU may act as the leader of replicated
	// partitions after it sent the last report that was answered. The SC
	// elects nobody else before.
	LeaseMS int32
	Message string // why Error is not success
}

// Code visits the response.
func (r *RegisterSpuResponse) Code(c *codec.Coder) {
	r.Error.Code(c)
	c.String(&r.ClusterID)
	c.I32(&r.HeartbeatMS)
	c.I32(&r.LeaseMS)
	c.Text(&r.Message)
}

// WatchAssignmentsRequest opens the stream of Assignments for the registered
// SPU.
type WatchAssignmentsRequest struct{}

// Code visits nothing.
func (*WatchAssignmentsRequest) Code(*codec.Coder) {}

// Assignments is what one SPU has to know. A full update replaces everything,
// also when it is empty; Removed then has no elements.
type Assignments struct {
	Full     bool
	Revision uint64 // of the metadata store
	Replicas []ReplicaAssignment
	Removed  []ReplicaRef // drop these and their data, then confirm
	Spus     []SpuSpec    // all SPUs, when Full or when they changed
}

// Code visits the update.
func (a *Assignments) Code(c *codec.Coder) {
	c.Bool(&a.Full)
	c.U64(&a.Revision)
	codec.Slice(c, &a.Replicas, (*ReplicaAssignment).Code)
	codec.Slice(c, &a.Removed, (*ReplicaRef).Code)
	codec.Slice(c, &a.Spus, func(s *SpuSpec, c *codec.Coder) { c.At(objectVersion, s) })
}

// ReplicaRef names a replica beyond doubt.
type ReplicaRef struct {
	Key     ReplicaKey
	TopicID TopicID
}

// Code visits the reference.
func (r *ReplicaRef) Code(c *codec.Coder) {
	r.Key.Code(c)
	r.TopicID.Code(c)
}

// NoLeader is the leader of a partition that nobody may lead at the moment.
const NoLeader int32 = -1

// ReplicaAssignment is a replica that an SPU hosts, with the partition state
// that the SC decided and stored before anyone acts on it.
type ReplicaAssignment struct {
	ReplicaRef
	Leader         int32  // may be NoLeader
	LeaderEpoch    int32  // grows with every change of leader
	PartitionEpoch uint32 // grows with every change of leader, replicas or ISR
	Replicas       []int32
	ISR            []int32
	// Gone are those of Replicas whose SPUs the SC takes for gone. The leader
	// does not wait until it finds out by itself.
	Gone   []int32
	Spec   PartitionSpec
	Config TopicConfig
}

// Code visits the assignment.
func (a *ReplicaAssignment) Code(c *codec.Coder) {
	a.ReplicaRef.Code(c)
	c.I32(&a.Leader)
	c.I32(&a.LeaderEpoch)
	c.U32(&a.PartitionEpoch)
	codec.Slice(c, &a.Replicas, codec.I32Elem)
	codec.Slice(c, &a.ISR, codec.I32Elem)
	codec.Slice(c, &a.Gone, codec.I32Elem)
	c.At(objectVersion, &a.Spec)
	a.Config.Code(c)
}

// ReportReplicasRequest tells the SC how replicas are doing. An empty one is
// a heartbeat.
type ReportReplicasRequest struct {
	Replicas []ReplicaReport
	Removed  []ReplicaRef // whose data is gone
}

// Code visits the request.
func (r *ReportReplicasRequest) Code(c *codec.Coder) {
	codec.Slice(c, &r.Replicas, (*ReplicaReport).Code)
	codec.Slice(c, &r.Removed, (*ReplicaRef).Code)
}

// ReplicaReport is the state of one replica on the reporting SPU.
type ReplicaReport struct {
	ReplicaRef
	LeaderEpoch int32 // of the assignment the SPU acts on
	StartOffset int64
	HW          int64
	LEO         int64
	Size        int64 // bytes on disk
	State       ReplicaState
	Reason      string // why State is not ReplicaServing
	// Loss is what the replica lacks although others may count on it, and
	// LossReason why that is known. It holds, across restarts of the SPU,
	// until an assignment does not count the replica as in sync, or makes it
	// the leader in a higher leader epoch than that in which it was noticed.
	// LossDamage holds until the records were replaced or have expired.
	Loss       ReplicaLoss
	LossReason string
}

// Code visits the report.
func (r *ReplicaReport) Code(c *codec.Coder) {
	r.ReplicaRef.Code(c)
	c.I32(&r.LeaderEpoch)
	c.I64(&r.StartOffset)
	c.I64(&r.HW)
	c.I64(&r.LEO)
	c.I64(&r.Size)
	codec.Enum8(c, &r.State, ReplicaFailed, "replica state")
	c.Text(&r.Reason)
	codec.Enum8(c, &r.Loss, LossAll, "replica loss")
	c.Text(&r.LossReason)
}

// ReplicaState is whether a replica can do its work.
type ReplicaState uint8

// The states.
const (
	ReplicaServing      ReplicaState = iota
	ReplicaOutOfStorage              // reads go on, appends are refused
	ReplicaFailed                    // neither
)

// ReplicaLoss is how much of a log is gone that was there once, from nothing to
// all.
type ReplicaLoss uint8

// The losses.
const (
	LossNone ReplicaLoss = iota
	// LossPossible: the SPU did not stop in order, so the end may be missing.
	LossPossible
	// LossDamage: records in the middle cannot be read; offsets are as they
	// were.
	LossDamage
	// LossTail: the log ends before where it once ended.
	LossTail
	// LossAll: there was no log although the assignment, of a partition epoch
	// above 1, counted the replica as in sync.
	LossAll
)

// ReportReplicasResponse answers a report. SpuNotFound means: register again.
type ReportReplicasResponse struct {
	Error ErrorCode
}

// Code visits the response.
func (r *ReportReplicasResponse) Code(c *codec.Coder) { r.Error.Code(c) }
