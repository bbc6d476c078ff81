package sc

import (
	"context"
	"errors"
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// create is Create (1001), versions 11 to 19. A topic is answered when all its
// partitions are online. Types that this release does not have are refused,
// after decoding them.
func (s *SC) create(ctx context.Context, r *transport.Request) (reply, error) {
	b, err := typed(r)
	if err != nil {
		return reply{}, err
	}
	switch b.Label {
	case api.LabelTopic:
		var req api.CreateRequest[api.TopicSpec]
		if err := payload(r, &b, &req); err != nil {
			return reply{}, err
		}
		return s.createTopic(ctx, &topicRequest{name: req.Name, dryRun: req.DryRun, spec: req.Spec, wait: s.cfg.Timeouts.Provision})
	case api.LabelCustomSpu:
		return s.createCustomSpu(ctx, r, &b)
	case api.LabelSpuGroup:
		var req api.CreateRequest[api.SpuGroupSpec]
		return refuse(r, &b, &req, &req.Name, api.SpuError, "SPU groups")
	case api.LabelSmartModule:
		var req api.CreateRequest[api.SmartModuleSpec]
		return refuse(r, &b, &req, &req.Name, api.SmartModuleError, "SmartModules")
	case api.LabelTableFormat:
		var req api.CreateRequest[api.TableFormatSpec]
		return refuse(r, &b, &req, &req.Name, api.TableFormatError, "table formats")
	case api.LabelMirror:
		var req api.CreateRequest[api.MirrorSpec]
		return refuse(r, &b, &req, &req.Name, api.Other, "mirrors")
	}
	return unknownType("create"), nil
}

// refuse answers a create of something that this release does not have. name
// is filled in by decoding req.
func refuse(r *transport.Request, b *api.TypeBuffer, req codec.Message, name *string, code api.Code, what string) (reply, error) {
	if err := payload(r, b, req); err != nil {
		return reply{}, err
	}
	text := what + " are not supported yet by this release"
	if code == api.Other {
		return reply{msg: api.StatusError(*name, api.Errorf("%s", text), text)}, nil
	}
	return reply{msg: fail(*name, code, "%s", text)}, nil
}

// topicRequest is a create of a topic, by either of its APIs.
type topicRequest struct {
	name   string
	dryRun bool
	spec   api.TopicSpec
	config api.TopicConfig
	wait   time.Duration // until all partitions are online
}

func (s *SC) createTopic(ctx context.Context, req *topicRequest) (reply, error) {
	var status *api.Status
	var w *waiter
	err := s.ctl.do(ctx, func() {
		if status = s.ctl.checkTopic(req); status.Error.ID == api.OK && !req.dryRun {
			w = s.ctl.wait(s.ctl.declare(req.name, req.spec, req.config))
		}
	})
	switch {
	case ctx.Err() != nil:
		// The function above has run or is about to; this comes after it.
		_ = s.ctl.do(context.WithoutCancel(ctx), func() {
			if w != nil {
				delete(w.topic.waiters, w)
			}
		})
		return reply{}, ctx.Err()
	case err != nil:
		return reply{msg: fail(req.name, api.TopicNotProvisioned, "error: %v", err)}, nil
	case w == nil:
		return reply{msg: status}, nil
	}
	timer := time.NewTimer(req.wait)
	defer timer.Stop()
	unplaceable := time.NewTimer(s.cfg.Timeouts.Unplaceable)
	defer unplaceable.Stop()
	for {
		select {
		case online := <-w.done:
			if !online {
				status = fail(req.name, api.TopicDeleted, "topic '%s' was deleted while it was being created", req.name)
			}
			return reply{msg: status}, nil
		case <-unplaceable.C:
			if s.placeable(ctx, w.topic) {
				continue
			}
			return s.notProvisioned(ctx, w)
		case <-timer.C:
			return s.notProvisioned(ctx, w)
		case <-ctx.Done():
			_, err := s.notProvisioned(context.WithoutCancel(ctx), w)
			return reply{}, errors.Join(ctx.Err(), err)
		}
	}
}

// placeable reports whether a topic that is being created has its place, or
// will have it as soon as SPUs that are registered come online. A cluster
// without any SPU is one that is being started.
func (s *SC) placeable(ctx context.Context, t *topic) bool {
	ok := true
	_ = s.ctl.do(ctx, func() {
		_, factor := size(&t.val.Spec.Replicas)
		registered := len(s.ctl.spus)
		ok = len(t.val.Status.ReplicaMap) > 0 || registered == 0 || factor <= uint64(registered)
	})
	return ok
}

// notProvisioned gives up waiting. The topic stays and may yet become ready.
func (s *SC) notProvisioned(ctx context.Context, w *waiter) (reply, error) {
	var online int
	var want uint64
	err := s.ctl.do(ctx, func() {
		delete(w.topic.waiters, w)
		online = w.topic.online
		want, _ = size(&w.topic.val.Spec.Replicas)
	})
	if err != nil {
		return reply{}, err
	}
	return reply{msg: fail(w.topic.name, api.TopicNotProvisioned, "only %d out of %d provisioned", online, want)}, nil
}

// checkTopic validates a topic that is to be created. Codes, texts and their
// order are upstream's; what this release cannot do comes last.
func (c *controller) checkTopic(req *topicRequest) *api.Status {
	if err := checkName(req.name); err != nil {
		return fail(req.name, api.TopicInvalidName, "Invalid topic name: '%s'. %v", req.name, err)
	}
	if c.topics[req.name] != nil {
		return fail(req.name, api.TopicAlreadyExists, "Topic '%s' already exists", req.name)
	}
	if err := checkSettings(&req.spec); err != nil {
		return fail(req.name, api.TopicInvalidConfiguration, "%v", err)
	}
	if d := req.spec.Deduplication; d != nil {
		return checkDeduplication(d)
	}
	replicas := &req.spec.Replicas
	err := checkReplicas(replicas)
	if err == nil && replicas.Kind == api.ReplicasAssigned {
		err = checkRegistered(replicas.Assigned, c.nodes())
	}
	if err != nil {
		return fail(req.name, api.TopicError, "%v", err)
	}
	for _, err := range []error{checkSupported(replicas, c.limits), checkConfig(&req.config, replicas)} {
		if err != nil {
			return fail(req.name, api.TopicInvalidConfiguration, "%v", err)
		}
	}
	return api.StatusOK(req.name)
}

// checkDeduplication looks up the module that filters duplicates. No module
// can be loaded in this release.
func checkDeduplication(d *api.Deduplication) *api.Status {
	if err := checkSmartModuleName(d.Uses); err != nil {
		detail := &api.ErrorDetail{Text: err.Error()}
		return api.StatusError(d.Uses, api.ErrorCode{ID: api.DeduplicationSmartModuleNameInvalid, Detail: detail}, err.Error())
	}
	return fail(d.Uses, api.DeduplicationSmartModuleNotLoaded, "%v\nHint: try `fluvio hub sm download %s` and repeat this operation",
		api.DeduplicationSmartModuleNotLoaded, d.Uses)
}

// createCustomSpu registers an SPU that somebody runs on their own. A dry run
// is answered with an empty status, as upstream does.
func (s *SC) createCustomSpu(ctx context.Context, r *transport.Request, b *api.TypeBuffer) (reply, error) {
	var req api.CreateRequest[api.CustomSpuSpec]
	if err := payload(r, b, &req); err != nil {
		return reply{}, err
	}
	var status *api.Status
	err := s.ctl.do(ctx, func() {
		if status = s.ctl.checkSpu(req.Name, &req.Spec); status.Error.ID != api.OK {
			return
		}
		if req.DryRun {
			status = new(api.Status)
			return
		}
		s.ctl.registerSpu(req.Name, req.Spec.Spec())
	})
	if ctx.Err() != nil {
		return reply{}, ctx.Err()
	}
	if err != nil {
		status = fail(req.Name, api.SpuError, "error: %v", err)
	}
	return reply{msg: status}, nil
}

func (c *controller) checkSpu(name string, spec *api.CustomSpuSpec) *api.Status {
	if err := checkName(name); err != nil {
		return fail(name, api.SpuError, "Invalid spu name: '%s'. %v", name, err)
	}
	if spec.ID < 0 {
		return fail(name, api.SpuError, "invalid spu id: %d", spec.ID)
	}
	if c.spus[name] != nil || c.byID[spec.ID] != nil {
		return fail(name, api.SpuAlreadyExists, "spu '%s(%d)' already defined", name, spec.ID)
	}
	return api.StatusOK(name)
}
