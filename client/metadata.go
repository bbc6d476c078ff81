package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/fluvio-go/fluvio/netproto/api"
)

var errMetadataTimeout = errors.New("metadata did not arrive in time")

// metadata is the client's copy of what the SC pushes: SPUs, partitions and
// topics. It outlives connections; what is known stays until a full update
// replaces it.
type metadata struct {
	cfg *config
	sc  *peer

	mu         sync.Mutex
	spus       map[string]*api.Spu
	spuByID    map[int32]*api.Spu
	partitions map[string]map[uint32]*api.Partition // by topic
	topics     map[string]*api.Topic
	views      map[string]*topicView
	received   [3]bool       // a first update of each kind came, perhaps an empty one
	changed    chan struct{} // closed and replaced at each change that matters
	gen        atomic.Uint64 // counts the same changes
}

// The kinds of object that are watched, as indexes of received.
const (
	kindSpu = iota
	kindPartition
	kindTopic
)

// topicView is what producers and consumers need of a topic. It is immutable;
// nil stands for an unknown topic.
type topicView struct {
	count       uint32 // partitions according to the spec
	compression api.Compression
	leaders     []int32  // SPU by partition; noLeader where unknown
	online      []uint32 // partitions, ascending
}

const noLeader int32 = -1

// exists is upstream's rule: a topic is there when its partition 0 is.
func (v *topicView) exists() bool { return v != nil && v.count > 0 && v.leader(0) != noLeader }

func (v *topicView) leader(partition uint32) int32 {
	if v == nil || uint64(partition) >= uint64(len(v.leaders)) {
		return noLeader
	}
	return v.leaders[partition]
}

// serves reports whether the leader of a partition is known to be well.
func (v *topicView) serves(partition uint32) bool {
	if v == nil {
		return false
	}
	_, ok := slices.BinarySearch(v.online, partition)
	return ok
}

func (v *topicView) equal(o *topicView) bool {
	if v == nil || o == nil {
		return v == o
	}
	return v.count == o.count && v.compression == o.compression &&
		slices.Equal(v.leaders, o.leaders) && slices.Equal(v.online, o.online)
}

func newMetadata(cfg *config, sc *peer) *metadata {
	return &metadata{
		cfg: cfg, sc: sc,
		spus:       make(map[string]*api.Spu),
		spuByID:    make(map[int32]*api.Spu),
		partitions: make(map[string]map[uint32]*api.Partition),
		topics:     make(map[string]*api.Topic),
		views:      make(map[string]*topicView),
		changed:    make(chan struct{}),
	}
}

// topic returns what is known now, or nil.
func (m *metadata) topic(name string) *topicView {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.views[name]
}

// spu returns the SPU with that id, or nil.
func (m *metadata) spu(id int32) *api.Spu {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.spuByID[id]
}

// changes returns a channel that closes at the next change. Take it before
// looking, or a change in between is missed.
func (m *metadata) changes() <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.changed
}

// ready waits until every kind was received once.
func (m *metadata) ready(ctx context.Context) error {
	return m.wait(ctx, func() bool { return m.received == [3]bool{true, true, true} })
}

// await waits until ok accepts the view of a topic.
func (m *metadata) await(ctx context.Context, name string, ok func(*topicView) bool) (*topicView, error) {
	var v *topicView
	err := m.wait(ctx, func() bool { v = m.views[name]; return ok(v) })
	return v, err
}

// wait returns when cond, called with the lock held, is true.
func (m *metadata) wait(ctx context.Context, cond func() bool) error {
	for {
		m.mu.Lock()
		ok, changed := cond(), m.changed
		m.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// lookupError words the error of a metadata lookup as upstream does.
func (c *Client) lookupError(ctx context.Context, label string, err error) error {
	if cause := context.Cause(ctx); cause == errMetadataTimeout {
		return fmt.Errorf("timed out searching metadata %s failed due to timeout: %d ms: %w",
			label, c.cfg.metadata.Milliseconds(), errMetadataTimeout)
	}
	return c.closing(err)
}

// run keeps three watches open until ctx ends.
func (m *metadata) run(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		progress, err := m.watchOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		if progress {
			failures = 0
		}
		m.cfg.logger.Info("metadata watch ended", slog.String("addr", m.cfg.endpoint), slog.Any("err", err))
		if sleep(ctx, redial.delay(failures), nil) != nil {
			return
		}
		failures++
	}
}

// watchOnce watches until one of the streams ends. progress means that
// something was received.
func (m *metadata) watchOnce(ctx context.Context) (progress bool, err error) {
	l, err := m.sc.get(ctx)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var got atomic.Bool
	var tasks sync.WaitGroup
	var once sync.Once
	watch := func(f func() error) {
		tasks.Go(func() {
			defer cancel() // the other two have to start anew as well
			if e := f(); e != nil {
				once.Do(func() { err = e })
			}
		})
	}
	watch(func() error {
		return watchObjects(ctx, m.cfg.logger, l, api.LabelSpu, false, func(u *api.WatchResponse[api.SpuSpec, api.SpuStatus]) {
			got.Store(true)
			m.applySpus(u)
		})
	})
	watch(func() error {
		return watchObjects(ctx, m.cfg.logger, l, api.LabelPartition, false, func(u *api.WatchResponse[api.PartitionSpec, api.PartitionStatus]) {
			got.Store(true)
			m.applyPartitions(u)
		})
	})
	watch(func() error {
		return watchObjects(ctx, m.cfg.logger, l, api.LabelTopic, false, func(u *api.WatchResponse[api.TopicSpec, api.TopicStatus]) {
			got.Store(true)
			m.applyTopics(u)
		})
	})
	tasks.Wait()
	return got.Load(), err
}

// watchObjects opens a watch and hands over each update until the stream ends
// or ctx does. An update that cannot be decoded is skipped, as official
// clients do: one strange object must not cost the view of all others.
func watchObjects[S, T any](ctx context.Context, log *slog.Logger, l *link, label api.Label, summary bool, apply func(*api.WatchResponse[S, T])) error {
	version, ok := l.versions.Pick(api.KeyWatch)
	if !ok {
		return fmt.Errorf("watch of %s: %w", label, ErrUnsupported)
	}
	req := api.Typed{Label: label, Msg: &api.WatchRequest{Summary: summary}}
	s, err := l.Stream(ctx, api.KeyWatch, version, req)
	if err != nil {
		return err
	}
	defer s.Close()
	for {
		body, err := s.Next(ctx)
		if err != nil {
			return err
		}
		var u api.WatchResponse[S, T]
		if err := unmarshalTyped(body, version, label, &u); err != nil {
			log.Warn("watch update skipped", slog.String("label", string(label)), slog.Any("err", err))
			continue
		}
		apply(&u)
	}
}
