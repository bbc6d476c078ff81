package fakecluster

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/record"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// SCAddr is where the SC listens.
const SCAddr = "sc:9003"

// Hooks change what servers do. A nil hook changes nothing. They are called
// without locks, from the goroutine of the connection.
type Hooks struct {
	// Produce runs before a request is carried out.
	Produce func(spu int32, req *api.ProduceRequest) Fault
	// Fetch runs before each response of a stream.
	Fetch func(spu int32, req *api.StreamFetchRequest, offset int64) Fault
	// Offsets runs before FetchOffsets.
	Offsets func(spu int32) Fault
	// List runs before List.
	List func()
}

// Fault is what a hook asks for. The zero value is none.
type Fault struct {
	DropBefore bool          // close the connection, do nothing
	DropAfter  bool          // carry out, close the connection without an answer
	Cut        bool          // carry out, close the connection inside the answer
	Code       api.ErrorCode // answer this and do nothing
	Twice      bool          // send a stream's response twice
	Discard    bool          // Produce: answer success and store nothing
	Trim       int           // Fetch: cut so many bytes off the records
}

// Cluster is a running fake.
type Cluster struct {
	Platform string // reported by the SC
	MaxFetch int    // most batches per response; 0 no limit

	cancel context.CancelFunc
	tasks  sync.WaitGroup

	mu        sync.Mutex
	cond      *sync.Cond
	listeners map[string]*transport.MemListener
	conns     map[*transport.ServerConn]int32 // to the SPU's id, 0 for the SC
	hooks     Hooks
	rev       int
	spus      map[int32]*object[api.Spu]
	topics    map[string]*object[api.Topic]
	parts     map[api.ReplicaKey]*partition
	offsets   map[string]int64 // stored consumer offsets by id and replica
	produced  []Produced
	acks      int
	closed    bool
	noExt     bool
}

// object is something watched, with the revision of its last change.
type object[T any] struct {
	rev int
	val T
}

// partition is a log and its metadata.
type partition struct {
	object[api.Partition]
	start int64
	log   []record.Batch
}

func (p *partition) end() int64 {
	if len(p.log) == 0 {
		return p.start
	}
	return p.log[len(p.log)-1].NextOffset()
}

// Produced is one request that an SPU received.
type Produced struct {
	SPU     int32
	Sizes   []int // of the batches
	Records []int // of the batches
}

// New starts a cluster with that many SPUs, ids from 5001.
func New(spus int) *Cluster {
	ctx, cancel := context.WithCancel(context.Background())
	c := &Cluster{
		Platform: "0.18.1", cancel: cancel,
		listeners: make(map[string]*transport.MemListener),
		conns:     make(map[*transport.ServerConn]int32),
		spus:      make(map[int32]*object[api.Spu]),
		topics:    make(map[string]*object[api.Topic]),
		parts:     make(map[api.ReplicaKey]*partition),
		offsets:   make(map[string]int64),
	}
	c.cond = sync.NewCond(&c.mu)
	c.serve(ctx, SCAddr, 0, c.handleSC)
	for i := range spus {
		id := int32(5001 + i)
		host := fmt.Sprintf("spu-%d", id)
		spec := api.SpuSpec{ID: id, Type: api.SpuCustom, Public: api.IngressPort{Port: 9010, Ingress: []api.Ingress{{Hostname: &host}}}}
		c.spus[id] = &object[api.Spu]{rev: 1, val: api.Spu{Name: fmt.Sprintf("custom-spu-%d", id), Spec: spec}}
		c.serve(ctx, spec.Public.Addr(), id, func(conn *transport.ServerConn) { c.handleSPU(conn, id) })
	}
	c.rev = 1
	return c
}

func (c *Cluster) serve(ctx context.Context, addr string, id int32, handle func(*transport.ServerConn)) {
	ln := transport.NewMemListener(addr)
	c.listeners[addr] = ln
	l := transport.NewListener(ln, transport.ListenerOptions{})
	c.tasks.Go(func() {
		_ = l.Serve(ctx, func(_ context.Context, conn *transport.ServerConn) {
			conn.Trust()
			c.mu.Lock()
			c.conns[conn] = id
			c.mu.Unlock()
			handle(conn)
			conn.Close() // watchers and streams look at its context
			c.mu.Lock()
			delete(c.conns, conn)
			c.cond.Broadcast()
			c.mu.Unlock()
		})
	})
}

// Close stops everything and waits.
func (c *Cluster) Close() {
	c.mu.Lock()
	c.closed = true
	c.cond.Broadcast()
	conns := c.conns
	c.conns = make(map[*transport.ServerConn]int32)
	c.mu.Unlock()
	for conn := range conns {
		conn.Close()
	}
	c.mu.Lock()
	c.cond.Broadcast()
	c.mu.Unlock()
	c.cancel()
	c.tasks.Wait()
}

// Dial is the dialer for clients.
func (c *Cluster) Dial(ctx context.Context, _, addr string) (net.Conn, error) {
	c.mu.Lock()
	l := c.listeners[addr]
	c.mu.Unlock()
	if l == nil {
		return nil, &net.OpError{Op: "dial", Net: "mem", Err: fmt.Errorf("%s: %w", addr, io.ErrClosedPipe)}
	}
	return l.Dial(ctx)
}

// change runs f with the lock held and wakes watchers and streams.
func (c *Cluster) change(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rev++
	f()
	c.cond.Broadcast()
}

// SetHooks replaces the hooks.
func (c *Cluster) SetHooks(h Hooks) { c.change(func() { c.hooks = h }) }

func (c *Cluster) hook() Hooks {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hooks
}

// HideExt makes the SC stop listing our additions.
func (c *Cluster) HideExt() { c.change(func() { c.noExt = true }) }

// Disconnect closes all connections to an SPU, or to the SC for id 0.
func (c *Cluster) Disconnect(id int32) {
	c.mu.Lock()
	var hit []*transport.ServerConn
	for conn, of := range c.conns {
		if of == id {
			hit = append(hit, conn)
		}
	}
	c.mu.Unlock()
	for _, conn := range hit {
		conn.Close()
	}
	c.mu.Lock()
	c.cond.Broadcast()
	c.mu.Unlock()
}

// CreateTopic makes a topic whose partitions are led by the SPUs in turn.
func (c *Cluster) CreateTopic(name string, partitions uint32, compression api.Compression) {
	c.change(func() {
		c.createTopic(name, api.TopicSpec{Replicas: api.Computed(partitions, 1), Compression: compression})
	})
}

func (c *Cluster) createTopic(name string, spec api.TopicSpec) {
	t := api.Topic{Name: name, Spec: spec, Status: api.TopicStatus{Resolution: api.TopicProvisioned}}
	c.topics[name] = &object[api.Topic]{c.rev, t}
	c.addPartitions(name, 0, spec.Replicas.Computed.Partitions)
}

func (c *Cluster) addPartitions(topic string, from, to uint32) {
	for id := from; id < to; id++ {
		key := api.ReplicaKey{Topic: topic, Partition: id}
		leader := 5001 + int32(id)%int32(max(1, len(c.spus)))
		p := &partition{}
		p.rev = c.rev
		p.val = api.Partition{
			Name: key.String(),
			Spec: api.PartitionSpec{Leader: leader, Replicas: []int32{leader}, Compression: api.CompressionAny},
			Status: api.PartitionStatus{
				Resolution: api.PartitionOnline, Leader: api.ReplicaStatus{Spu: leader},
			},
		}
		c.parts[key] = p
	}
}

// DeleteTopic removes a topic.
func (c *Cluster) DeleteTopic(name string) {
	c.change(func() {
		delete(c.topics, name)
		for k := range c.parts {
			if k.Topic == name {
				delete(c.parts, k)
			}
		}
	})
}

// Move gives a partition another leader, with its log. announce tells the
// watchers; without it clients find out from error codes.
func (c *Cluster) Move(topic string, id uint32, leader int32, announce bool) {
	c.change(func() {
		p := c.parts[api.ReplicaKey{Topic: topic, Partition: id}]
		p.val.Spec.Leader = leader
		if announce {
			p.rev = c.rev
		}
	})
}

// Announce tells watchers about a partition as it is now.
func (c *Cluster) Announce(topic string, id uint32) {
	c.change(func() { c.parts[api.ReplicaKey{Topic: topic, Partition: id}].rev = c.rev })
}

// SetOnline changes the resolution of a partition.
func (c *Cluster) SetOnline(topic string, id uint32, online bool) {
	c.change(func() {
		p := c.parts[api.ReplicaKey{Topic: topic, Partition: id}]
		p.rev = c.rev
		p.val.Status.Resolution = api.PartitionOffline
		if online {
			p.val.Status.Resolution = api.PartitionOnline
		}
	})
}

// Evict drops batches below offset from a partition.
func (c *Cluster) Evict(topic string, id uint32, offset int64) {
	c.change(func() {
		p := c.parts[api.ReplicaKey{Topic: topic, Partition: id}]
		p.start = p.end()
		for i, b := range p.log {
			if b.BaseOffset() >= offset {
				p.log, p.start = p.log[i:], b.BaseOffset()
				return
			}
		}
		p.log = nil
	})
}

// Append stores a batch as if somebody else had produced it.
func (c *Cluster) Append(topic string, id uint32, codec record.Codec, values ...string) {
	var b record.Builder
	for i, v := range values {
		b.Add(nil, false, []byte(v), int64(1000+i))
	}
	raw, err := b.Finish(nil, codec)
	if err != nil {
		panic(err)
	}
	c.change(func() { c.parts[api.ReplicaKey{Topic: topic, Partition: id}].append(raw) })
}

func (p *partition) append(raw record.Batch) int64 {
	base := p.end()
	raw.SetBaseOffset(base)
	p.log = append(p.log, raw)
	return base
}

// Values returns the values of a partition's log, in order.
func (c *Cluster) Values(topic string, id uint32) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for _, b := range c.parts[api.ReplicaKey{Topic: topic, Partition: id}].log {
		rs, err := b.Records(nil)
		if err != nil {
			panic(err)
		}
		for rs.Next() {
			out = append(out, string(rs.Record().Value))
		}
	}
	return out
}

// Produced returns the requests so far.
func (c *Cluster) Produced() []Produced {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Produced(nil), c.produced...)
}

// Acks is the number of acknowledgements that streams have received.
func (c *Cluster) Acks() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.acks
}

// StoredOffset is what a consumer id has stored; -1 nothing.
func (c *Cluster) StoredOffset(consumer, topic string, id uint32) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v, ok := c.offsets[consumer+"/"+api.ReplicaKey{Topic: topic, Partition: id}.String()]; ok {
		return v
	}
	return -1
}

// Damage flips a bit in the records of the i-th batch of a partition.
func (c *Cluster) Damage(topic string, id uint32, i int) {
	c.change(func() {
		p := c.parts[api.ReplicaKey{Topic: topic, Partition: id}]
		b := append(record.Batch(nil), p.log[i]...)
		b[len(b)-2] ^= 1
		p.log[i] = b
	})
}
