package view

import "github.com/fluvio-go/fluvio/netproto/api"

// Partition is a partition as it is printed.
type Partition = Object[PartitionSpec, PartitionStatus]

// PartitionSpec is the placement of a partition. Unlike those of a topic, its
// unset settings are printed, as null.
type PartitionSpec struct {
	Leader        int32          `json:"leader"`
	Replicas      []int32        `json:"replicas"`
	CleanupPolicy any            `json:"cleanupPolicy"`
	Storage       *Storage       `json:"storage"`
	Compression   string         `json:"compressionType"`
	Deduplication *Deduplication `json:"deduplication"`
	System        bool           `json:"system"`
	Mirror        any            `json:"mirror"`
}

// PartitionStatus is the actual state of a partition.
type PartitionStatus struct {
	Resolution   string          `json:"resolution"`
	Leader       ReplicaStatus   `json:"leader"`
	LSR          uint32          `json:"lsr"`
	Replicas     []ReplicaStatus `json:"replicas"`
	Size         int64           `json:"size"`
	BeingDeleted bool            `json:"isBeingDeleted"`
	BaseOffset   int64           `json:"baseOffset"`
}

// ReplicaStatus is the position of a replica.
type ReplicaStatus struct {
	Spu int32 `json:"spu"`
	HW  int64 `json:"hw"`
	LEO int64 `json:"leo"`
}

// OfPartition returns the view of a partition.
func OfPartition(p *api.Partition) Partition {
	return Partition{
		Name: p.Name,
		Spec: PartitionSpec{
			Leader:        p.Spec.Leader,
			Replicas:      ids(p.Spec.Replicas),
			CleanupPolicy: cleanupPolicy(p.Spec.CleanupPolicy),
			Storage:       storage(p.Spec.Storage),
			Compression:   name(compressions, p.Spec.Compression),
			Deduplication: deduplication(p.Spec.Deduplication),
			System:        p.Spec.System,
			Mirror:        optionalMirror(p.Spec.Mirror),
		},
		Status: PartitionStatus{
			Resolution:   p.Status.Resolution.String(),
			Leader:       replicaStatus(&p.Status.Leader),
			LSR:          p.Status.LRS,
			Replicas:     each(p.Status.Replicas, replicaStatus),
			Size:         p.Status.Size,
			BeingDeleted: p.Status.BeingDeleted,
			BaseOffset:   p.Status.BaseOffset,
		},
	}
}

func replicaStatus(r *api.ReplicaStatus) ReplicaStatus {
	return ReplicaStatus{r.Spu, r.HW, r.LEO}
}
