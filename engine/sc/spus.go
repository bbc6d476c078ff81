package sc

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/fluvio-go/fluvio/engine/sc/meta"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// registered looks an SPU up by name or id.
func (c *controller) registered(key api.CustomSpuKey) *spu {
	if key.ByID {
		return c.byID[key.ID]
	}
	return c.spus[key.Name]
}

// registerSpu adds an SPU whose name and id nobody has.
func (c *controller) registerSpu(name string, spec api.SpuSpec) {
	c.putSpu(name, &meta.Spu{Spec: spec})
	c.log.Info("SPU registered", "spu", spec.ID, "name", name)
}

// unregisterSpu removes an SPU. Its partitions stay where they are, leaderless.
func (c *controller) unregisterSpu(s *spu) {
	c.stage(meta.KindSpu, s.name, nil, &s.revision)
	c.dropSpu(s)
	c.log.Info("SPU unregistered", "spu", s.id(), "name", s.name)
}

// admit puts an SPU online. The newest connection is the true one: an SPU
// that dials again while we still believe in its old connection lost that
// one.
func (c *controller) admit(s *spu, n *session) {
	if old := s.session; old != nil {
		c.log.Info("SPU connected again", "spu", s.id())
		c.setOffline(s)
	}
	if s.val.Boot != n.boot {
		c.restarted(s, n.clean)
		v := *s.val
		v.Boot = n.boot
		c.putSpu(s.name, &v)
	}
	c.endLease(s.id()) // the connection is one, and an earlier start is over
	s.session, s.left, s.since = n, false, time.Now()
	c.log.Info("SPU online", "spu", s.id(), "peer", n.peer, "clean", n.clean)
	c.statusMoved(s)
	c.touchUnplaced()
	if t := c.topics[OffsetsTopic]; t != nil {
		c.touch(t) // which may get a copy here
	}
}

// sessionEnded puts an SPU offline, unless it has another connection by now.
func (c *controller) sessionEnded(n *session) {
	if s := c.byID[n.spu]; s != nil && s.session == n {
		c.setOffline(s)
		c.log.Info("SPU offline", "spu", s.id(), "peer", n.peer)
	}
}

// setOffline ends an SPU's session. What it leads may be taken by others once
// it cannot be acting as a leader any more.
func (c *controller) setOffline(s *spu) {
	n := s.session
	if n == nil {
		return
	}
	n.end()
	s.session, s.left = nil, n.leaving
	if h := c.hosted[s.id()]; !n.leaving || h != nil && len(h.leads) > 0 {
		c.startLease(s.id(), c.timeouts.Lease-time.Since(n.heardAt())+c.timeouts.LeaseMargin)
	}
	c.stopWaitingFor(s.id())
	c.statusMoved(s)
	c.touchUnplaced() // whose reasons count online SPUs
}

// statusMoved publishes that an SPU came or went.
func (c *controller) statusMoved(s *spu) {
	c.spuMoved[s] = struct{}{}
	if h := c.hosted[s.id()]; h != nil {
		for p := range h.leads {
			c.resolve(p)
		}
	}
	c.standingMoved(s.id())
	c.unsettleHosted(s.id())
}

func (s *spu) status() api.SpuStatus {
	switch {
	case s.session != nil:
		return api.SpuStatus{Resolution: api.SpuOnlineState}
	case s.val.Boot == 0:
		return api.SpuStatus{Resolution: api.SpuInitState}
	}
	return api.SpuStatus{Resolution: api.SpuOfflineState}
}

// spuSpecs is all SPUs by id.
func (c *controller) spuSpecs() []api.SpuSpec {
	out := make([]api.SpuSpec, 0, len(c.spus))
	for _, s := range c.spus {
		out = append(out, s.val.Spec)
	}
	slices.SortFunc(out, func(a, b api.SpuSpec) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// subscribe gives an SPU everything it has to know, and changes from then on.
func (c *controller) subscribe(n *session) {
	var replicas []api.ReplicaAssignment
	if h := c.hosted[n.spu]; h != nil {
		for p := range h.all {
			if slices.Contains(p.val.Replicas, n.spu) && !p.topic.val.Deleting {
				replicas = append(replicas, p.assignment())
			}
		}
	}
	n.fill(c.revision, replicas, c.spuSpecs())
}

// ensureCustomSpu makes a custom SPU exist as described.
func (c *controller) ensureCustomSpu(ctx context.Context, name string, spec api.CustomSpuSpec) error {
	if err := checkName(name); err != nil {
		return fmt.Errorf("invalid SPU name %q: %w", name, err)
	}
	var failed error
	err := c.do(ctx, func() {
		want := spec.Spec()
		s, byID := c.spus[name], c.byID[spec.ID]
		switch {
		case s == nil && byID == nil:
			c.registerSpu(name, want)
		case s != byID:
			failed = fmt.Errorf("SPU %s with id %d: name or id belongs to another SPU", name, spec.ID)
		case s.val.Spec.Type != api.SpuCustom:
			failed = fmt.Errorf("SPU %s with id %d is managed", name, spec.ID)
		case !reflect.DeepEqual(s.val.Spec, want):
			c.putSpu(name, &meta.Spu{Spec: want, Boot: s.val.Boot})
		}
	})
	if err != nil {
		return err
	}
	return failed
}
