package client

import (
	"slices"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
)

func unmarshalTyped(body []byte, version int16, label api.Label, m codec.Message) error {
	_, err := codec.Unmarshal(body, version, api.Typed{Label: label, Msg: m})
	return err
}

// applyUpdate brings store up to date and calls touch with the name of every
// object that may have changed. An update without any object is a full one of
// an empty store if it is the first, and nothing otherwise.
func applyUpdate[S, T any](store map[string]*api.Object[S, T], u *api.WatchResponse[S, T], touch func(name string)) {
	if len(u.All) > 0 {
		for name := range store {
			touch(name)
		}
		clear(store)
		for i := range u.All {
			store[u.All[i].Name] = &u.All[i]
			touch(u.All[i].Name)
		}
		return
	}
	for i := range u.Changes {
		ch := &u.Changes[i]
		if ch.Deleted {
			delete(store, ch.Object.Name)
		} else {
			store[ch.Object.Name] = &ch.Object
		}
		touch(ch.Object.Name)
	}
}

func (m *metadata) applySpus(u *api.WatchResponse[api.SpuSpec, api.SpuStatus]) {
	m.mu.Lock()
	defer m.mu.Unlock()
	moved := false
	applyUpdate(m.spus, u, func(string) { moved = true })
	if moved {
		clear(m.spuByID)
		for _, s := range m.spus {
			m.spuByID[s.Spec.ID] = s
		}
	}
	m.announce(kindSpu, moved)
}

func (m *metadata) applyTopics(u *api.WatchResponse[api.TopicSpec, api.TopicStatus]) {
	m.mu.Lock()
	defer m.mu.Unlock()
	moved := false
	touched := make(map[string]struct{})
	applyUpdate(m.topics, u, func(name string) { touched[name] = struct{}{} })
	for name := range touched {
		moved = m.rebuild(name) || moved
	}
	m.announce(kindTopic, moved)
}

func (m *metadata) applyPartitions(u *api.WatchResponse[api.PartitionSpec, api.PartitionStatus]) {
	m.mu.Lock()
	defer m.mu.Unlock()
	touched := make(map[string]struct{})
	if len(u.All) > 0 {
		for topic := range m.partitions {
			touched[topic] = struct{}{}
		}
		clear(m.partitions)
		for i := range u.All {
			m.putPartition(&u.All[i], false, touched)
		}
	} else {
		for i := range u.Changes {
			m.putPartition(&u.Changes[i].Object, u.Changes[i].Deleted, touched)
		}
	}
	moved := false
	for topic := range touched {
		moved = m.rebuild(topic) || moved
	}
	m.announce(kindPartition, moved)
}

// putPartition stores or deletes one partition. One whose name makes no sense
// is passed over.
func (m *metadata) putPartition(p *api.Partition, deleted bool, touched map[string]struct{}) {
	key, err := api.ParseReplicaKey(p.Name)
	if err != nil {
		return
	}
	touched[key.Topic] = struct{}{}
	of := m.partitions[key.Topic]
	switch {
	case !deleted && of == nil:
		m.partitions[key.Topic] = map[uint32]*api.Partition{key.Partition: p}
	case !deleted:
		of[key.Partition] = p
	default:
		if delete(of, key.Partition); len(of) == 0 {
			delete(m.partitions, key.Topic)
		}
	}
}

// rebuild computes the view of a topic anew and reports whether it differs.
// Statuses change with every record; leaders and resolutions rarely do.
func (m *metadata) rebuild(name string) bool {
	t, parts := m.topics[name], m.partitions[name]
	old := m.views[name]
	if t == nil || len(parts) == 0 {
		delete(m.views, name)
		return old != nil
	}
	v := &topicView{count: partitionCount(t), compression: t.Spec.Compression}
	v.leaders = make([]int32, v.count)
	for i := range v.leaders {
		v.leaders[i] = noLeader
	}
	for id, p := range parts {
		if id >= v.count {
			continue
		}
		v.leaders[id] = p.Spec.Leader
		if p.Status.Resolution == api.PartitionOnline {
			v.online = append(v.online, id)
		}
	}
	slices.Sort(v.online)
	if v.equal(old) {
		return false
	}
	m.views[name] = v
	return true
}

// maxPartitions bounds what is allocated on the word of a topic spec.
const maxPartitions = 1 << 20

// partitionCount is the number that keys are hashed over. It has to be the
// spec's, as for official clients, or keys move to other partitions.
func partitionCount(t *api.Topic) uint32 {
	n := 0
	switch s := &t.Spec.Replicas; s.Kind {
	case api.ReplicasComputed:
		n = int(s.Computed.Partitions)
	case api.ReplicasAssigned:
		n = len(s.Assigned)
	case api.ReplicasMirror:
		if s.Mirror.Side == api.MirrorHome {
			n = len(s.Mirror.Partitions)
		} else {
			n = len(s.Mirror.HomeSpus)
		}
	}
	return uint32(min(n, maxPartitions))
}

// announce wakes everybody who waits. m.mu is held.
func (m *metadata) announce(kind int, moved bool) {
	first := !m.received[kind]
	m.received[kind] = true
	if first || moved {
		m.gen.Add(1)
		close(m.changed)
		m.changed = make(chan struct{})
	}
}
