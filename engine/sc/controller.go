package sc

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/fluvio-go/fluvio/engine/sc/meta"
)

// errStopped is what callers get that come when the controller is closing.
var errStopped = errors.New("streaming controller is closing")

// maxBatch is how many waiting commands share a commit.
const maxBatch = 256

// controller owns the state of the cluster. All fields belong to the
// goroutine of run, except mailbox, stopped and the feeds.
type controller struct {
	log      *slog.Logger
	store    meta.Store
	timeouts Timeouts
	balance  Rebalance

	limits limits

	mailbox chan command
	stopped chan struct{} // closed when run returned

	topics map[string]*topic
	spus   map[string]*spu
	byID   map[int32]*spu
	hosted map[int32]*hosting // by SPU id, registered or not

	changes  []staged         // of this cycle, in the order they were made
	stagedAt map[objectID]int // index into changes
	stale    bool             // the state may differ from the store's

	revision uint64              // of the store, as far as we know
	listedAt uint64              // store revision of the last resync
	buried   map[objectID]uint64 // deleted by us at that revision, not yet followed

	touched   map[*topic]struct{}     // to be reconciled, then published
	moved     map[*partition]struct{} // to be published now
	drifted   map[*partition]struct{} // to be published when statusTimer fires
	assigned  map[*partition]struct{} // whose SPUs must be told
	spuMoved  map[*spu]struct{}       // to be published
	gone      goneObjects             // to be taken from the feeds
	unsettled map[*partition]struct{} // whose leadership must be looked at
	newAddrs  bool                    // SPU specs changed: all SPUs must be told
	after     []func(error)           // run when the cycle is published, or failed
	again     bool                    // another cycle must follow
	revisit   []*topic                // to be touched in that cycle

	leases   map[int32]*lease // by SPU id
	counters counters

	displaced map[*partition]struct{} // not led by their preferred replica
	full      map[*partition]struct{} // led by an SPU that is out of storage
	keepTimer *time.Timer             // armed while either has elements
	keepArmed bool

	offsetsTimer *time.Timer // limits the wait for more SPUs, nil until it begins
	offsetsDue   bool        // it is over

	statusTimer *time.Timer // armed while drifted has elements

	topicFeed, partitionFeed, spuFeed *feed
}

type goneObjects struct {
	topics, partitions, spus []string
}

// command is a function to be run by the controller. done gets the outcome
// of the cycle: nil once everything the function did is durable and
// published.
type command struct {
	run  func()
	done chan error
}

func newController(cfg *Config) *controller {
	c := &controller{
		log:           cfg.Logger,
		store:         cfg.Store,
		limits:        limits{partitions: cfg.MaxPartitions, replicas: cfg.MaxReplicas},
		timeouts:      cfg.Timeouts,
		mailbox:       make(chan command, maxBatch),
		stopped:       make(chan struct{}),
		topics:        make(map[string]*topic),
		spus:          make(map[string]*spu),
		byID:          make(map[int32]*spu),
		hosted:        make(map[int32]*hosting),
		drifted:       make(map[*partition]struct{}),
		leases:        make(map[int32]*lease),
		displaced:     make(map[*partition]struct{}),
		full:          make(map[*partition]struct{}),
		balance:       cfg.Rebalance,
		keepTimer:     time.NewTimer(time.Hour),
		statusTimer:   time.NewTimer(time.Hour),
		topicFeed:     newFeed(),
		partitionFeed: newFeed(),
		spuFeed:       newFeed(),
	}
	c.statusTimer.Stop()
	c.keepTimer.Stop()
	c.reset()
	return c
}

// reset forgets what the cycle collected.
func (c *controller) reset() {
	c.changes = nil
	c.stagedAt = make(map[objectID]int)
	c.touched = make(map[*topic]struct{})
	c.moved = make(map[*partition]struct{})
	c.assigned = make(map[*partition]struct{})
	c.unsettled = make(map[*partition]struct{})
	c.spuMoved = make(map[*spu]struct{})
	c.gone = goneObjects{}
	c.newAddrs = false
	c.after = nil
}

// do runs f in the controller and waits until all it did is durable and
// published. When ctx ends first, f may still run.
func (c *controller) do(ctx context.Context, f func()) error {
	cmd := command{f, make(chan error, 1)}
	select {
	case c.mailbox <- cmd:
	case <-ctx.Done():
		return ctx.Err()
	case <-c.stopped:
		return errStopped
	}
	select {
	case err := <-cmd.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-c.stopped:
		return errStopped
	}
}

// run is the controller's goroutine.
func (c *controller) run(ctx context.Context) {
	defer close(c.stopped)
	defer c.stopTimers()
	for {
		var batch []command
		select {
		case cmd := <-c.mailbox:
			batch = c.drain([]command{cmd})
		case <-c.statusTimer.C:
			c.flushDrifted()
		case <-c.keepTimer.C:
			c.keep()
		case <-ctx.Done():
			return
		}
		c.cycle(ctx, batch)
		for c.again && ctx.Err() == nil {
			c.cycle(ctx, nil)
		}
	}
}

func (c *controller) stopTimers() {
	c.statusTimer.Stop()
	c.keepTimer.Stop()
	if c.offsetsTimer != nil {
		c.offsetsTimer.Stop()
	}
	for _, l := range c.leases {
		l.timer.Stop()
	}
	for _, t := range c.topics {
		if t.deletion != nil {
			t.deletion.timer.Stop()
		}
	}
}

// drain adds what else is waiting, so that it shares the commit.
func (c *controller) drain(batch []command) []command {
	for len(batch) < maxBatch {
		select {
		case cmd := <-c.mailbox:
			batch = append(batch, cmd)
		default:
			return batch
		}
	}
	return batch
}

// cycle runs commands, brings what they touched closer to its declared state,
// stores the changes and publishes the result.
func (c *controller) cycle(ctx context.Context, batch []command) {
	c.again = false
	err := c.recover(ctx)
	if err == nil {
		for _, t := range c.revisit {
			c.touchIfCurrent(t)
		}
		c.revisit = nil
		for _, cmd := range batch {
			cmd.run()
		}
		c.reconcile()
		err = c.commit(ctx)
	}
	if err == nil {
		c.publish()
	} else {
		c.log.Error("cycle of the controller", "err", err)
	}
	for _, f := range c.after {
		f(err)
	}
	for _, cmd := range batch {
		cmd.done <- err
	}
	c.reset()
}

// reconcile moves every touched topic one step and settles who leads.
func (c *controller) reconcile() {
	c.ensureSystemTopics()
	for _, t := range c.sortedTouched() {
		c.reconcileTopic(t)
	}
	c.settleAll()
}

// sortedTouched makes the order, and with it the placement, repeatable.
func (c *controller) sortedTouched() []*topic {
	return slices.SortedFunc(maps.Keys(c.touched), func(a, b *topic) int { return cmp.Compare(a.name, b.name) })
}

// staged is a change that the cycle will commit, and where the revision it
// gets is kept.
type staged struct {
	meta.Change
	revision *uint64
}

type objectID struct {
	kind meta.Kind
	name string
}

// stage adds a change to the commit of this cycle. A later change of the same
// object replaces an earlier one.
func (c *controller) stage(kind meta.Kind, name string, v meta.Value, revision *uint64) {
	id := objectID{kind, name}
	i, again := c.stagedAt[id]
	if !again {
		i = len(c.changes)
		c.stagedAt[id] = i
		c.changes = append(c.changes, staged{meta.Change{Kind: kind, Name: name, IfRevision: *revision}, revision})
	}
	c.changes[i].Value = v
	c.changes[i].revision = revision
}

// commit stores what was staged. On failure the next cycle, which follows at
// once, begins by reading the state from the store.
func (c *controller) commit(ctx context.Context) error {
	changes := make([]meta.Change, 0, len(c.changes))
	var revisions []*uint64
	for _, s := range c.changes {
		if s.Value == nil && s.IfRevision == 0 {
			continue // made and deleted in one cycle
		}
		changes = append(changes, s.Change)
		revisions = append(revisions, s.revision)
	}
	if len(changes) == 0 {
		return nil
	}
	got, err := c.store.Commit(ctx, changes)
	for i, r := range got {
		*revisions[i] = r
		c.revision = max(c.revision, r)
	}
	if err != nil {
		c.stale, c.again = true, true
		return err
	}
	for i, change := range changes {
		if change.Value == nil {
			c.buried[objectID{change.Kind, change.Name}] = got[i]
		}
	}
	return nil
}

// recover reads the state from the store if it may differ.
func (c *controller) recover(ctx context.Context) error {
	if !c.stale {
		return nil
	}
	_, err := c.resync(ctx)
	return err
}
