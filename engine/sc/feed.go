package sc

import (
	"cmp"
	"container/list"
	"fmt"
	"slices"
	"sync"

	"github.com/fluvio-go/fluvio/netproto/codec"
)

// published is one version of an object as clients see it. It never changes.
type published struct {
	name    string
	msg     codec.Message // *api.Topic, *api.Partition or *api.Spu
	deleted bool          // msg is the last one known

	mu      sync.Mutex
	encoded map[int16][]byte // by API version; shared by all watchers
}

// Code encodes the object, once for each API version that anybody asks for.
func (p *published) Code(c *codec.Coder) {
	b, err := p.bytes(c.Version())
	if err != nil {
		c.Fail(fmt.Errorf("%q: %w", p.name, err))
		return
	}
	c.Raw(&b, len(b))
}

func (p *published) bytes(version int16) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b, ok := p.encoded[version]; ok {
		return b, nil
	}
	b, err := codec.Append(nil, version, p.msg)
	if err != nil {
		return nil, err
	}
	if p.encoded == nil {
		p.encoded = make(map[int16][]byte, 1)
	}
	p.encoded[version] = b
	return b, nil
}

// maxTombstones is how many deletions a feed remembers beyond the number of
// objects it holds. A watcher that is further behind gets a full list.
const maxTombstones = 1024

// feed is all published objects of one type, in the order in which they
// changed last. A watcher needs to remember only the epoch it has seen: what
// changed since is at the end of the list, each object once, so slow watchers
// cost nothing and skip intermediate versions.
type feed struct {
	mu         sync.Mutex
	epoch      int64
	fence      int64 // deletions up to this epoch may be forgotten
	order      *list.List
	byName     map[string]*list.Element // of *feedEntry
	tombstones int
	changed    chan struct{} // closed by the next change
}

type feedEntry struct {
	epoch int64
	*published
}

func newFeed() *feed {
	return &feed{order: list.New(), byName: make(map[string]*list.Element), changed: make(chan struct{})}
}

// publish makes new versions of objects known, all at once. Deleting an
// object that is not there does nothing.
func (f *feed) publish(versions []*published) {
	if len(versions) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.epoch++
	for _, v := range versions {
		f.put(v)
	}
	if f.tombstones > maxTombstones+len(f.byName)-f.tombstones {
		f.prune()
	}
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *feed) put(v *published) {
	el, known := f.byName[v.name]
	if !known {
		if !v.deleted {
			f.byName[v.name] = f.order.PushBack(&feedEntry{f.epoch, v})
		}
		return
	}
	e := el.Value.(*feedEntry)
	if e.deleted && v.deleted {
		return
	}
	switch {
	case v.deleted:
		f.tombstones++
		v = &published{name: e.name, msg: e.msg, deleted: true}
	case e.deleted:
		f.tombstones--
	}
	e.epoch, e.published = f.epoch, v
	f.order.MoveToBack(el)
}

// prune forgets the older half of all deletions.
func (f *feed) prune() {
	excess := f.tombstones / 2
	for el := f.order.Front(); el != nil && excess > 0; {
		next := el.Next()
		if e := el.Value.(*feedEntry); e.deleted {
			f.order.Remove(el)
			delete(f.byName, e.name)
			f.tombstones--
			f.fence = e.epoch
			excess--
		}
		el = next
	}
}

// since returns what changed after an epoch in the order of change, the epoch
// to continue from, and a channel that the next change closes. A watcher that
// has seen nothing passes −1. It, and one that is too far behind, gets all
// objects instead (full).
func (f *feed) since(epoch int64) (objects []*published, full bool, now int64, changed <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if epoch < f.fence || epoch < 0 {
		return f.all(), true, f.epoch, f.changed
	}
	for el := f.order.Back(); el != nil; el = el.Prev() {
		e := el.Value.(*feedEntry)
		if e.epoch <= epoch {
			break
		}
		objects = append(objects, e.published)
	}
	slices.Reverse(objects)
	return objects, false, f.epoch, f.changed
}

// list returns all objects by name.
func (f *feed) list() []*published {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.all()
}

func (f *feed) all() []*published {
	out := make([]*published, 0, len(f.byName)-f.tombstones)
	for el := f.order.Front(); el != nil; el = el.Next() {
		if e := el.Value.(*feedEntry); !e.deleted {
			out = append(out, e.published)
		}
	}
	slices.SortFunc(out, func(a, b *published) int { return cmp.Compare(a.name, b.name) })
	return out
}
