package sc

import (
	"context"
	"fmt"
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// delete is Delete (1002), versions 11 to 19. A topic is answered when it is
// gone from lists and watches. Of types that this release does not have there
// are no objects, so none is found.
func (s *SC) delete(ctx context.Context, r *transport.Request) (reply, error) {
	b, err := typed(r)
	if err != nil {
		return reply{}, err
	}
	if b.Label == api.LabelCustomSpu {
		return s.deleteCustomSpu(ctx, r, &b)
	}
	notFound := map[api.Label]api.Code{
		api.LabelTopic: api.TopicNotFound, api.LabelSpuGroup: api.SpuNotFound, api.LabelSmartModule: api.SmartModuleNotFound,
		api.LabelTableFormat: api.TableFormatNotFound, api.LabelMirror: api.MirrorNotFound,
	}
	code, known := notFound[b.Label]
	if !known {
		return unknownType("create"), nil // sic: upstream says create here
	}
	var req api.DeleteRequest
	if err := payload(r, &b, &req); err != nil {
		return reply{}, err
	}
	if b.Label == api.LabelTopic {
		return s.deleteTopic(ctx, &req)
	}
	text := "not found"
	if b.Label == api.LabelMirror {
		text = fmt.Sprintf("remote cluster %q not found", req.Name)
	}
	failure := api.ErrorCode{ID: code}
	if code == api.SmartModuleNotFound {
		failure.Detail = &api.ErrorDetail{Text: req.Name}
	}
	return reply{msg: api.StatusError(req.Name, failure, text)}, nil
}

func (s *SC) deleteTopic(ctx context.Context, req *api.DeleteRequest) (reply, error) {
	status := api.StatusOK(req.Name)
	gone := make(chan error, 1)
	err := s.ctl.do(ctx, func() {
		t := s.ctl.topics[req.Name]
		switch {
		case t == nil:
			status = fail(req.Name, api.TopicNotFound, "not found")
		case t.val.Spec.System && !req.Force:
			status = systemTopic(api.SystemSpecDeletionAttempt, req.Name)
		default:
			t.mourners = append(t.mourners, gone)
			s.ctl.markDeleting(t)
		}
	})
	if err == nil && status.Error.ID == api.OK {
		err = await(ctx, gone, 2*s.cfg.Timeouts.Delete)
	}
	if ctx.Err() != nil {
		return reply{}, ctx.Err()
	}
	if err != nil {
		status = fail(req.Name, api.TopicError, "delete topic '%s': %v", req.Name, err)
	}
	return reply{msg: status}, nil
}

func await(ctx context.Context, done <-chan error, limit time.Duration) error {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return fmt.Errorf("not finished within %v", limit)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// systemTopic refuses a change to a system topic. There must be no message:
// that is how command lines tell that they may ask and force it.
func systemTopic(code api.Code, name string) *api.Status {
	return api.StatusError(name, api.ErrorCode{ID: code, Detail: &api.ErrorDetail{Kind: "topic", Name: name}}, "")
}

func (s *SC) deleteCustomSpu(ctx context.Context, r *transport.Request, b *api.TypeBuffer) (reply, error) {
	var req api.DeleteCustomSpu
	if err := payload(r, b, &req); err != nil {
		return reply{}, err
	}
	name := req.Key.Name
	if req.Key.ByID {
		name = fmt.Sprintf("spu-%d", req.Key.ID)
	}
	var status *api.Status
	err := s.ctl.do(ctx, func() {
		spu := s.ctl.registered(req.Key)
		switch {
		case spu == nil:
			status = fail(name, api.SpuNotFound, "not found")
		case spu.val.Spec.Type != api.SpuCustom:
			status = fail(spu.name, api.SpuError, "expected 'Custom' spu, found 'Managed' spu")
		default:
			status = api.StatusOK(spu.name)
			s.ctl.unregisterSpu(spu)
		}
	})
	if ctx.Err() != nil {
		return reply{}, ctx.Err()
	}
	if err != nil {
		status = fail(name, api.SpuError, "error deleting: %v", err)
	}
	return reply{msg: status}, nil
}
