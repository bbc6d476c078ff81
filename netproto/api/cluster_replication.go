package api

import (
	"slices"

	"github.com/fluvio-go/fluvio/netproto/codec"
)

// Keys of replication. A follower dials the private port of a leader, says
// who it is, and then fetches; an SPU asks the SC for changes of the in-sync
// set and for a way out on the connection it reports on.
const (
	KeyAlterISR     uint16 = 32004 // SPU to SC
	KeyMoveLeaders  uint16 = 32005 // SPU to SC
	KeyPeerHello    uint16 = 32006 // SPU to SPU, first
	KeyReplicaFetch uint16 = 32007 // SPU to SPU
)

// PeerHelloRequest is the first request on a connection between SPUs. The
// answer is a PeerHelloResponse; a wrong cluster or a wrong SPU is refused
// before anything else is said.
type PeerHelloRequest struct {
	ClusterID string
	From, To  int32
	Boot      uint64 // the start of From, as in RegisterSpuRequest
}

// Code visits the request.
func (r *PeerHelloRequest) Code(c *codec.Coder) {
	c.String(&r.ClusterID)
	c.I32(&r.From)
	c.I32(&r.To)
	c.U64(&r.Boot)
}

// PeerHelloResponse admits a peer or says why not.
type PeerHelloResponse struct {
	Error ErrorCode
}

// Code visits the response.
func (r *PeerHelloResponse) Code(c *codec.Coder) { r.Error.Code(c) }

// ReplicaFetchRequest asks a leader for records of any number of partitions.
// It belongs to the session of its connection: the first request of a session
// is Full and lists every partition, later ones only those whose state
// changed. The leader answers for any partition of the session, at once when
// it has something to tell and after MaxWaitMS otherwise.
//
// FetchOffset is the truth about the follower each time: the leader replaces
// what it remembers, up or down.
type ReplicaFetchRequest struct {
	Session    uint32 // chosen by the follower; grows by one with every Full
	Full       bool
	MaxWaitMS  int32 // of the whole request
	MaxBytes   int32 // of records in the answer; one whole batch always fits
	Partitions []ReplicaFetchState
	Forgotten  []ReplicaRef // left the session
}

// Code visits the request.
func (r *ReplicaFetchRequest) Code(c *codec.Coder) {
	c.U32(&r.Session)
	c.Bool(&r.Full)
	c.I32(&r.MaxWaitMS)
	c.I32(&r.MaxBytes)
	codec.Slice(c, &r.Partitions, (*ReplicaFetchState).Code)
	codec.Slice(c, &r.Forgotten, (*ReplicaRef).Code)
}

// ReplicaFetchState is where a follower's replica stands.
type ReplicaFetchState struct {
	ReplicaRef
	LeaderEpoch int32 // that the follower believes in; fences both sides
	FetchOffset int64 // its log end
	LastEpoch   int32 // of its last batch, −1 for an empty log
	StartOffset int64
	HW          int64 // −1 asks for an answer even if there is nothing new
}

// Code visits the state.
func (s *ReplicaFetchState) Code(c *codec.Coder) {
	s.ReplicaRef.Code(c)
	c.I32(&s.LeaderEpoch)
	c.I64(&s.FetchOffset)
	c.I32(&s.LastEpoch)
	c.I64(&s.StartOffset)
	c.I64(&s.HW)
}

// ReplicaFetchStatus is what a leader says about one partition.
type ReplicaFetchStatus uint8

// The statuses.
const (
	FetchOK ReplicaFetchStatus = iota
	// FetchFenced: the follower's leader epoch is older than the leader's.
	FetchFenced
	// FetchUnknown: the leader has not heard of this epoch, or does not lead
	// the partition; the follower tries again later.
	FetchUnknown
	// FetchBelowStart: the follower's end is before StartOffset, at which it
	// has to start anew.
	FetchBelowStart
	// FetchDiverged: the logs differ from DivergeOffset on at the latest; the
	// follower truncates there and fetches again.
	FetchDiverged
	// FetchFailed: the leader cannot read the records.
	FetchFailed
)

// ReplicaFetchResponse answers a ReplicaFetchRequest. It lists only
// partitions of which there is something to tell.
type ReplicaFetchResponse struct {
	Session    uint32
	Unknown    bool // no such session: begin a new one with a Full request
	Partitions []ReplicaFetchResult
}

// Code visits the response.
func (r *ReplicaFetchResponse) Code(c *codec.Coder) {
	c.U32(&r.Session)
	c.Bool(&r.Unknown)
	codec.Slice(c, &r.Partitions, (*ReplicaFetchResult).Code)
}

// SizeHint is at least the length of the encoded response with its header.
func (r *ReplicaFetchResponse) SizeHint() int {
	n := 64
	for i := range r.Partitions {
		n += 128 + len(r.Partitions[i].Key.Topic) + len(r.Partitions[i].Records.Bytes)
	}
	return n
}

// ReplicaFetchResult is the state of one partition at its leader, with
// records from the follower's FetchOffset on.
type ReplicaFetchResult struct {
	ReplicaRef
	Status        ReplicaFetchStatus
	LeaderEpoch   int32
	HW            int64
	StartOffset   int64
	DivergeEpoch  int32 // FetchDiverged: last epoch that both can share
	DivergeOffset int64 // FetchDiverged: where that epoch ends at the leader
	Records       RecordSet
}

// Code visits the result.
func (r *ReplicaFetchResult) Code(c *codec.Coder) {
	r.ReplicaRef.Code(c)
	codec.Enum8(c, &r.Status, FetchFailed, "replica fetch status")
	c.I32(&r.LeaderEpoch)
	c.I64(&r.HW)
	c.I64(&r.StartOffset)
	c.I32(&r.DivergeEpoch)
	c.I64(&r.DivergeOffset)
	r.Records.Code(c)
}

// AlterISRRequest asks the SC to change in-sync sets. Nothing changes for the
// leader until the SC has confirmed; for the high watermark it counts every
// replica that is in the set or may be.
type AlterISRRequest struct {
	Changes []ISRChange
}

// Code visits the request.
func (r *AlterISRRequest) Code(c *codec.Coder) { codec.Slice(c, &r.Changes, (*ISRChange).Code) }

// ISRChange is the set that a leader wants. PartitionEpoch is the one it knows:
// if the partition has moved on the change is refused. So is one that adds a
// replica that says that it lost something.
type ISRChange struct {
	ReplicaRef
	LeaderEpoch    int32
	PartitionEpoch uint32
	ISR            []int32
	// Boots are the starts of the SPUs in ISR whose word the leader has. A
	// replica joins with the start that the SC knows, or not at all: what an
	// earlier one had may be lost.
	Boots []uint64
}

// Code visits the change.
func (i *ISRChange) Code(c *codec.Coder) {
	i.ReplicaRef.Code(c)
	c.I32(&i.LeaderEpoch)
	c.U32(&i.PartitionEpoch)
	codec.Slice(c, &i.ISR, codec.I32Elem)
	codec.Slice(c, &i.Boots, codec.U64Elem)
}

// Vouches reports whether the change rests on what that start of an SPU said.
func (i *ISRChange) Vouches(spu int32, boot uint64) bool {
	at := slices.Index(i.ISR, spu)
	return at >= 0 && at < len(i.Boots) && i.Boots[at] == boot
}

// AlterISRResponse answers each change in order.
type AlterISRResponse struct {
	Results []ISRResult
}

// Code visits the response.
func (r *AlterISRResponse) Code(c *codec.Coder) { codec.Slice(c, &r.Results, (*ISRResult).Code) }

// ISRResult is the outcome of a change and the state of the partition now. If
// that is not known, because the partition is gone or storing failed, the
// epochs are zero.
type ISRResult struct {
	Accepted       bool
	LeaderEpoch    int32
	PartitionEpoch uint32
	ISR            []int32
}

// Code visits the outcome.
func (r *ISRResult) Code(c *codec.Coder) {
	c.Bool(&r.Accepted)
	c.I32(&r.LeaderEpoch)
	c.U32(&r.PartitionEpoch)
	codec.Slice(c, &r.ISR, codec.I32Elem)
}

// MoveLeadersRequest says that the SPU is about to stop and asks the SC to
// give its leaderships to others first.
type MoveLeadersRequest struct{}

// Code visits nothing.
func (*MoveLeadersRequest) Code(*codec.Coder) {}

// MoveLeadersResponse says how many partitions still have the SPU as their
// leader: those that nobody else in sync can take.
type MoveLeadersResponse struct {
	Remaining uint32
}

// Code visits the response.
func (r *MoveLeadersResponse) Code(c *codec.Coder) { c.U32(&r.Remaining) }
