package client

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
)

// Admin makes the SC's administrative calls on the client's connection. A
// refusal is a *Error that holds the SC's code and words.
type Admin struct {
	c *Client
}

// Admin returns the administrative calls.
func (c *Client) Admin() *Admin { return &Admin{c} }

// ListOptions narrow a listing.
type ListOptions struct {
	// Filters select by name; any one suffices, none means all. Topics and
	// most objects match by substring, SmartModules by
	// [group/]name[@version], partitions and mirrors not at all.
	Filters []string
	// System lists system topics and their partitions instead of the others.
	System bool
	// Summary leaves out the code of SmartModules.
	Summary bool
}

// Update is one message of a watch. Full says that All is everything there
// is, which may be nothing; otherwise Changes tells what is new.
type Update[S, T any] struct {
	Full    bool
	All     []api.Object[S, T]
	Changes []api.Change[S, T]
}

// call makes one request on the SC's connection at the negotiated version.
func (a *Admin) call(ctx context.Context, key uint16, req, resp codec.Message) error {
	ctx, cancel := a.c.bind(ctx)
	defer cancel()
	l, err := a.c.sc.get(ctx)
	if err != nil {
		return a.c.closing(err)
	}
	version, ok := l.versions.Pick(key)
	if !ok {
		return fmt.Errorf("request with key %d: %w (platform version %s)", key, ErrUnsupported, l.versions.Platform)
	}
	return a.c.closing(l.call(ctx, key, version, req, resp))
}

// status makes a call that answers with a Status.
func (a *Admin) status(ctx context.Context, key uint16, name string, req codec.Message) error {
	var s api.Status
	if err := a.call(ctx, key, req, &s); err != nil {
		return err
	}
	return statusError(name, &s)
}

func statusError(name string, s *api.Status) error {
	if s.Error.ID == api.OK {
		return nil
	}
	e := &Error{Code: s.Error, Topic: name, Partition: -1}
	if s.Message != nil {
		e.Message = *s.Message
	}
	return e
}

// Create makes an object. Go infers S from spec.
func Create[S any](ctx context.Context, a *Admin, label api.Label, name string, spec S, dryRun bool) error {
	req := &api.CreateRequest[S]{Name: name, DryRun: dryRun, Spec: spec}
	return a.status(ctx, api.KeyCreate, name, api.Typed{Label: label, Msg: req})
}

// Delete removes an object by name.
func (a *Admin) Delete(ctx context.Context, label api.Label, name string, force bool) error {
	req := &api.DeleteRequest{Name: name, Force: force}
	return a.status(ctx, api.KeyDelete, name, api.Typed{Label: label, Msg: req})
}

// List returns the objects of a type, for instance
// List[api.SmartModuleSpec, api.SmartModuleStatus](ctx, admin,
// api.LabelSmartModule, opts).
func List[S, T any](ctx context.Context, a *Admin, label api.Label, opts ListOptions) ([]api.Object[S, T], error) {
	req := &api.ListRequest{Filters: opts.Filters, Summary: opts.Summary, System: opts.System}
	var resp api.ListResponse[S, T]
	err := a.call(ctx, api.KeyList, api.Typed{Label: label, Msg: req}, api.Typed{Label: label, Msg: &resp})
	if err != nil {
		return nil, err
	}
	return resp.Items, nil
}

// Watch follows the objects of a type until ctx ends, the loop breaks or the
// client closes. The first update is full. When the connection breaks it is
// restored and a full update follows; what happened in between shows in the
// difference.
func Watch[S, T any](ctx context.Context, a *Admin, label api.Label) iter.Seq2[Update[S, T], error] {
	return func(yield func(Update[S, T], error) bool) {
		ctx, cancel := a.c.bind(ctx)
		defer cancel()
		for failures := 0; ; {
			progress, err := watchRound(ctx, a, label, func(u Update[S, T]) bool { return yield(u, nil) })
			switch {
			case errors.Is(err, errStopped):
				return
			case ctx.Err() != nil:
				yield(Update[S, T]{}, a.c.closing(ctx.Err()))
				return
			case !Retryable(err):
				yield(Update[S, T]{}, err)
				return
			}
			if progress {
				failures = 0
			}
			a.c.cfg.logger.Info("watch ended", "label", string(label), "err", err)
			if err := sleep(ctx, redial.delay(failures), nil); err != nil {
				yield(Update[S, T]{}, a.c.closing(err))
				return
			}
			failures++
		}
	}
}

var errStopped = errors.New("stopped by the caller")

// watchRound watches on one connection.
func watchRound[S, T any](ctx context.Context, a *Admin, label api.Label, yield func(Update[S, T]) bool) (progress bool, err error) {
	l, err := a.c.sc.get(ctx)
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err = watchObjects(ctx, a.c.cfg.logger, l, label, true, func(u *api.WatchResponse[S, T]) {
		if context.Cause(ctx) != nil {
			return
		}
		full := !progress || len(u.All) > 0
		progress = true
		if !yield(Update[S, T]{Full: full && len(u.Changes) == 0, All: u.All, Changes: u.Changes}) {
			cancel(errStopped)
		}
	})
	if context.Cause(ctx) == errStopped {
		err = errStopped
	}
	return progress, err
}
