package memstore

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"

	"github.com/fluvio-go/fluvio/engine/sc/meta"
)

// DefaultHistory is how many changes Watch remembers by default.
const DefaultHistory = 16384

// Options is what a store begins with. The zero value is an empty store of a
// new cluster.
type Options struct {
	ClusterID string // empty: a new one
	Revision  uint64 // of the last commit
	Objects   []meta.Object
	History   int // changes that Watch remembers; 0 means DefaultHistory

	// Persist, if set, makes a commit durable. It is called by one goroutine
	// at a time, with changes whose conditions hold; only if it returns nil
	// do they happen.
	Persist func(revision uint64, changes []meta.Change) error
}

// Store is a meta.Store.
type Store struct {
	clusterID string
	persist   func(uint64, []meta.Change) error

	commits sync.Mutex // held for a whole commit, disk included

	mu       sync.RWMutex // guards the rest, never held while waiting
	objects  map[meta.Kind]map[string]meta.Object
	revision uint64
	history  history
	changed  chan struct{} // closed by the next change, or by Close
	closed   bool
}

// New returns a store.
func New(opts Options) *Store {
	if opts.ClusterID == "" {
		opts.ClusterID = NewClusterID()
	}
	if opts.History <= 0 {
		opts.History = DefaultHistory
	}
	s := &Store{
		clusterID: opts.ClusterID,
		persist:   opts.Persist,
		objects:   make(map[meta.Kind]map[string]meta.Object),
		revision:  opts.Revision,
		history:   history{limit: opts.History, since: opts.Revision},
		changed:   make(chan struct{}),
	}
	for _, k := range meta.Kinds() {
		s.objects[k] = make(map[string]meta.Object)
	}
	for _, o := range opts.Objects {
		s.objects[o.Kind()][o.Name] = o
	}
	return s
}

// NewClusterID returns a random cluster id: 32 hexadecimal digits.
func NewClusterID() string {
	var b [16]byte
	rand.Read(b[:]) // cannot fail
	return hex.EncodeToString(b[:])
}

// ClusterID implements meta.Store.
func (s *Store) ClusterID() string { return s.clusterID }

// List implements meta.Store.
func (s *Store) List(ctx context.Context) ([]meta.Object, uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.usable(ctx); err != nil {
		return nil, 0, err
	}
	var out []meta.Object
	for _, k := range meta.Kinds() {
		start := len(out)
		for _, o := range s.objects[k] {
			out = append(out, o)
		}
		slices.SortFunc(out[start:], func(a, b meta.Object) int { return cmp.Compare(a.Name, b.Name) })
	}
	return out, s.revision, nil
}

// Get implements meta.Store.
func (s *Store) Get(ctx context.Context, kind meta.Kind, name string) (meta.Object, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.usable(ctx); err != nil {
		return meta.Object{}, err
	}
	o, ok := s.objects[kind][name]
	if !ok {
		return meta.Object{}, fmt.Errorf("%s %q: %w", kind, name, meta.ErrNotFound)
	}
	return o, nil
}

// Commit implements meta.Store. All changes get the same revision.
func (s *Store) Commit(ctx context.Context, changes []meta.Change) ([]uint64, error) {
	if len(changes) == 0 {
		return nil, nil
	}
	s.commits.Lock()
	defer s.commits.Unlock()
	revision, err := s.check(ctx, changes)
	if err != nil {
		return nil, err
	}
	if s.persist != nil {
		if err := s.persist(revision, changes); err != nil {
			return nil, err
		}
	}
	s.apply(revision, changes)
	return slices.Repeat([]uint64{revision}, len(changes)), nil
}

// check returns the revision of the commit if all conditions hold.
func (s *Store) check(ctx context.Context, changes []meta.Change) (uint64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.usable(ctx); err != nil {
		return 0, err
	}
	type key struct {
		kind meta.Kind
		name string
	}
	seen := make(map[key]struct{}, len(changes))
	for i := range changes {
		c := &changes[i]
		if err := c.Check(); err != nil {
			return 0, err
		}
		if _, twice := seen[key{c.Kind, c.Name}]; twice {
			return 0, fmt.Errorf("%s %q is changed twice in one commit", c.Kind, c.Name)
		}
		seen[key{c.Kind, c.Name}] = struct{}{}
		if got := s.objects[c.Kind][c.Name].Revision; got != c.IfRevision {
			return 0, &meta.ConflictError{Kind: c.Kind, Name: c.Name, Want: c.IfRevision, Revision: got}
		}
	}
	return s.revision + 1, nil
}

func (s *Store) apply(revision uint64, changes []meta.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revision = revision
	for _, c := range changes {
		if c.Value == nil {
			delete(s.objects[c.Kind], c.Name)
		} else {
			s.objects[c.Kind][c.Name] = meta.Object{Name: c.Name, Revision: revision, Value: c.Value}
		}
		s.history.add(meta.Event{Kind: c.Kind, Name: c.Name, Revision: revision, Value: c.Value})
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// Watch implements meta.Store.
func (s *Store) Watch(ctx context.Context, after uint64) ([]meta.Event, uint64, error) {
	for {
		s.mu.RLock()
		err := s.usable(ctx)
		events, known := s.history.after(after)
		revision, changed := s.revision, s.changed
		s.mu.RUnlock()
		switch {
		case err != nil:
			return nil, 0, err
		case !known, after > revision:
			return nil, 0, fmt.Errorf("revision %d of %d: %w", after, revision, meta.ErrTooOld)
		case len(events) > 0:
			return events, revision, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		}
	}
}

// usable returns why nothing can be done, if so. s.mu is held.
func (s *Store) usable(ctx context.Context) error {
	if s.closed {
		return meta.ErrClosed
	}
	return ctx.Err()
}

// Close implements meta.Store. A commit under way is finished first.
func (s *Store) Close() error {
	s.commits.Lock()
	defer s.commits.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.closed = true
		close(s.changed)
	}
	return nil
}
