package client

import (
	"context"
	"fmt"
	"sync"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// pool holds one connection per SPU in use.
type pool struct {
	cfg  *config
	meta *metadata

	mu    sync.Mutex
	peers map[int32]*spuPeer

	tasks sync.WaitGroup // ends of replaced connections
}

// spuPeer is the connection to one SPU at one address.
type spuPeer struct {
	*peer
	addr string
}

func newPool(cfg *config, meta *metadata) *pool {
	return &pool{cfg: cfg, meta: meta, peers: make(map[int32]*spuPeer)}
}

// leader says which SPU leads a partition as metadata knows it now. It does not
// wait for metadata; the errors that may pass are Retryable.
func (p *pool) leader(topic string, partition uint32) (int32, error) {
	v := p.meta.topic(topic)
	if v == nil {
		return noLeader, topicNotFound(topic)
	}
	if partition >= v.count {
		return noLeader, partitionNotFound(topic, partition)
	}
	id := v.leader(partition)
	if id == noLeader {
		return noLeader, errNoLeader
	}
	return id, nil
}

// link returns a connection to an SPU.
func (p *pool) link(ctx context.Context, id int32) (*link, error) {
	peer, err := p.spu(id)
	if err != nil {
		return nil, err
	}
	return peer.get(ctx)
}

// spu returns the entry of an SPU, a new one if it has moved.
func (p *pool) spu(id int32) (*spuPeer, error) {
	spu := p.meta.spu(id)
	if spu == nil {
		return nil, fmt.Errorf("%w: id %d", errUnknownSPU, id)
	}
	addr := p.cfg.spuAddr(&spu.Spec)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.peers == nil {
		return nil, ErrClosed
	}
	old := p.peers[id]
	if old != nil && old.addr == addr {
		return old, nil
	}
	if old != nil {
		// Users of the old address find out when its connection ends.
		p.tasks.Go(old.close)
	}
	fresh := &spuPeer{addr: addr, peer: newPeer(func(ctx context.Context) (*link, error) {
		return p.cfg.dialSPU(ctx, spu)
	})}
	p.peers[id] = fresh
	return fresh, nil
}

// close ends all connections.
func (p *pool) close() {
	p.mu.Lock()
	peers := p.peers
	p.peers = nil
	p.mu.Unlock()
	for _, peer := range peers {
		peer.close()
	}
	p.tasks.Wait()
}

// replica names a partition in requests.
func replica(topic string, partition uint32) api.ReplicaKey {
	return api.ReplicaKey{Topic: topic, Partition: partition}
}
