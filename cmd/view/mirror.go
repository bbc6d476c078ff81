package view

import "github.com/fluvio-go/fluvio/netproto/api"

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

// topicMirror is written as a mapping with one key rather than as a variant:
// it stands directly inside another variant, and YAML has no tag within a tag.
// In JSON both look the same.
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

func partitionMirror(m *api.PartitionMirror) variant {
	if m.Side == api.MirrorHome {
		return variant{"home", ofHomePartition(&m.Home)}
	}
	return variant{"remote", partitionRemote{m.HomeCluster, m.HomeSpuKey, m.HomeSpuID, m.HomeSpuEndpoint, m.Target}}
}

func optionalMirror(m *api.PartitionMirror) any {
	if m == nil {
		return nil
	}
	return partitionMirror(m)
}

func ofHomePartition(p *api.HomePartition) homePartition {
	return homePartition{p.RemoteCluster, p.RemoteReplica, p.Source}
}
