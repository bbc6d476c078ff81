package view

import "github.com/fluvio-go/fluvio/netproto/api"

// The alternatives of a mirror are written as a mapping with one key rather
// than as a variant: they stand inside another variant, and YAML has no tag
// within a tag. In JSON both look the same.

// PartitionMirror is the mirror role of a partition: one of its fields is set.
type PartitionMirror struct {
	Remote *partitionRemote `json:"remote,omitempty"`
	Home   *homePartition   `json:"home,omitempty"`
}

type partitionRemote struct {
	HomeCluster     string `json:"homeCluster"`
	HomeSpuKey      string `json:"homeSpuKey"`
	HomeSpuID       int32  `json:"homeSpuId"`
	HomeSpuEndpoint string `json:"homeSpuEndpoint"`
	Target          bool   `json:"target,omitempty"`
}

type homePartition struct {
	RemoteCluster string `json:"remoteCluster"`
	RemoteReplica string `json:"remoteReplica"`
	Source        bool   `json:"source,omitempty"`
}

type topicMirror struct {
	Remote *topicRemote `json:"remote,omitempty"`
	Home   *topicHome   `json:"home,omitempty"`
}

type topicRemote struct {
	HomeCluster string    `json:"homeCluster"`
	HomeSpus    []homeSpu `json:"homeSpus"`
	Target      bool      `json:"target,omitempty"`
}

type homeSpu struct {
	ID       int32  `json:"id"`
	Key      string `json:"key"`
	Endpoint string `json:"endpoint"`
}

type topicHome struct {
	Partitions []homePartition `json:"partitions"`
	Source     bool            `json:"source,omitempty"`
}

func mirrorConfig(m *api.MirrorConfig) topicMirror {
	if m.Side == api.MirrorHome {
		return topicMirror{Home: &topicHome{each(m.Partitions, ofHomePartition), m.Source}}
	}
	spus := each(m.HomeSpus, func(s *api.HomeSpu) homeSpu { return homeSpu{s.ID, s.Key, s.Endpoint} })
	return topicMirror{Remote: &topicRemote{m.HomeCluster, spus, m.Target}}
}

func partitionMirror(m *api.PartitionMirror) PartitionMirror {
	if m.Side == api.MirrorHome {
		home := ofHomePartition(&m.Home)
		return PartitionMirror{Home: &home}
	}
	return PartitionMirror{Remote: &partitionRemote{
		m.HomeCluster, m.HomeSpuKey, m.HomeSpuID, m.HomeSpuEndpoint, m.Target,
	}}
}

func optionalMirror(m *api.PartitionMirror) *PartitionMirror {
	if m == nil {
		return nil
	}
	v := partitionMirror(m)
	return &v
}

func ofHomePartition(p *api.HomePartition) homePartition {
	return homePartition{p.RemoteCluster, p.RemoteReplica, p.Source}
}
