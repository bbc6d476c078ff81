package view

import "github.com/fluvio-go/fluvio/netproto/api"

// Topic is a topic as it is printed. Config is there when the cluster keeps
// settings that the original does not know.
type Topic struct {
	Name   string       `json:"name"`
	Spec   TopicSpec    `json:"spec"`
	Status TopicStatus  `json:"status"`
	Config *TopicConfig `json:"config,omitempty"`
}

// TopicConfig is the part of a topic that only our clusters have.
type TopicConfig struct {
	Durability        string `json:"durability"`
	MinInSyncReplicas uint32 `json:"minInSyncReplicas"`
	UncleanElection   bool   `json:"uncleanElection"`
}

// TopicSpec is the desired state of a topic.
type TopicSpec struct {
	Replicas      any            `json:"replicas"`
	CleanupPolicy any            `json:"cleanupPolicy,omitempty"`
	Storage       *Storage       `json:"storage,omitempty"`
	Compression   string         `json:"compressionType"`
	Deduplication *Deduplication `json:"deduplication,omitempty"`
	System        bool           `json:"system"`
}

// TopicStatus is the actual state of a topic.
type TopicStatus struct {
	Resolution string             `json:"resolution"`
	ReplicaMap map[uint32][]int32 `json:"replicaMap"`
	MirrorMap  map[uint32]any     `json:"mirrorMap"`
	Reason     string             `json:"reason"`
}

// Storage holds the sizes a user may set.
type Storage struct {
	SegmentSize      *uint32 `json:"segmentSize"`
	MaxPartitionSize *uint64 `json:"maxPartitionSize"`
}

// Deduplication drops records that a filter has seen before.
type Deduplication struct {
	Bounds Bounds `json:"bounds"`
	Filter Filter `json:"filter"`
}

// Bounds limit what a deduplication filter remembers.
type Bounds struct {
	Count uint64 `json:"count"`
	Age   string `json:"age,omitempty"`
}

// Filter is the SmartModule of a deduplication.
type Filter struct {
	Transform Transform `json:"transform"`
}

// Transform is a SmartModule with its parameters.
type Transform struct {
	Uses string            `json:"uses"`
	With map[string]string `json:"with,omitempty"`
}

// computed has an inversion that scripts rely on: the key is missing when
// racks are ignored and false when they are not.
type computed struct {
	Partitions        uint32 `json:"partitions"`
	ReplicationFactor uint32 `json:"replicationFactor"`
	IgnoreRack        *bool  `json:"ignoreRackAssignment,omitempty"`
}

type assigned struct {
	ID       uint32  `json:"id"`
	Replicas []int32 `json:"replicas"`
	Mirror   any     `json:"mirror,omitempty"`
}

type segmentPolicy struct {
	TimeInSeconds uint32 `json:"timeInSeconds"`
}

var (
	compressions     = []string{"None", "Gzip", "Snappy", "Lz4", "Any", "Zstd"}
	topicResolutions = []string{"Init", "Pending", "InsufficientResources", "InvalidConfig", "Provisioned", "Deleting"}
)

// OfTopic returns the view of a topic. config is nil where the cluster has
// none.
func OfTopic(t *api.Topic, config *api.TopicConfig) Topic {
	v := Topic{
		Name: t.Name,
		Spec: topicSpec(&t.Spec),
		Status: TopicStatus{
			Resolution: name(topicResolutions, t.Status.Resolution),
			ReplicaMap: map[uint32][]int32{},
			MirrorMap:  map[uint32]any{},
			Reason:     t.Status.Reason,
		},
	}
	for id, replicas := range t.Status.ReplicaMap {
		v.Status.ReplicaMap[id] = ids(replicas)
	}
	for id, mirror := range t.Status.MirrorMap {
		v.Status.MirrorMap[id] = partitionMirror(&mirror)
	}
	if config != nil {
		v.Config = &TopicConfig{
			Durability:        config.Durability.String(),
			MinInSyncReplicas: max(config.MinInSync, 1), // 0 stands for 1
			UncleanElection:   config.UncleanElection,
		}
	}
	return v
}

func topicSpec(s *api.TopicSpec) TopicSpec {
	return TopicSpec{
		Replicas:      replicaSpec(&s.Replicas),
		CleanupPolicy: cleanupPolicy(s.CleanupPolicy),
		Storage:       storage(s.Storage),
		Compression:   name(compressions, s.Compression),
		Deduplication: deduplication(s.Deduplication),
		System:        s.System,
	}
}

func replicaSpec(s *api.ReplicaSpec) any {
	switch s.Kind {
	case api.ReplicasAssigned:
		return variant{"assigned", each(s.Assigned, func(m *api.PartitionMap) assigned {
			return assigned{m.ID, ids(m.Replicas), optionalMirror(m.Mirror)}
		})}
	case api.ReplicasMirror:
		return variant{"mirror", mirrorConfig(&s.Mirror)}
	}
	c := computed{Partitions: s.Computed.Partitions, ReplicationFactor: s.Computed.ReplicationFactor}
	if !s.Computed.IgnoreRack {
		c.IgnoreRack = new(bool)
	}
	return variant{"computed", c}
}

func cleanupPolicy(p *api.CleanupPolicy) any {
	if p == nil {
		return nil
	}
	return variant{"segment", segmentPolicy{p.TimeInSeconds}}
}

func storage(s *api.TopicStorage) *Storage {
	if s == nil {
		return nil
	}
	return &Storage{s.SegmentSize, s.MaxPartitionSize}
}

func deduplication(d *api.Deduplication) *Deduplication {
	if d == nil {
		return nil
	}
	v := &Deduplication{Bounds: Bounds{Count: d.Count}, Filter: Filter{Transform{d.Uses, d.With}}}
	if d.Age != nil {
		v.Bounds.Age = Age(d.Age)
	}
	return v
}
