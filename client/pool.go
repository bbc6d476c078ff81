package client

import (
	"context"
	"fmt"
	"sync"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// pool holds one connection per SPU in use.
type pool struct {
	cfg   *config
	meta  *metadata
	terms *terms

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
	return &pool{cfg: cfg, meta: meta, terms: newTerms(meta), peers: make(map[int32]*spuPeer)}
}

// leader returns a connection to the leader of a partition as metadata knows
// it now, and the leader's id. It does not wait for metadata; the errors that
// may pass are Retryable. Dialling a host that is gone ends when metadata shows
// another leader.
func (p *pool) leader(ctx context.Context, topic string, partition uint32) (*link, int32, error) {
	v := p.meta.topic(topic)
	if v == nil {
		return nil, noLeader, topicNotFound(topic)
	}
	if partition >= v.count {
		return nil, noLeader, partitionNotFound(topic, partition)
	}
	id := v.leader(partition)
	if id == noLeader {
		return nil, noLeader, errNoLeader
	}
	peer, err := p.spu(id)
	if err != nil {
		return nil, id, err
	}
	if l := peer.live(); l != nil {
		return l, id, nil
	}
	u := p.terms.begin(ctx, topic, partition, id)
	defer u.end()
	l, err := peer.get(u.ctx)
	return l, id, u.why(err)
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
