package sc

import (
	"context"
	"fmt"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// watch is Watch (1004), versions 15 to 19: all objects at once, even if
// there are none, and from then on what changes. Any number of watches of one
// type may run on a connection.
func (s *SC) watch(_ context.Context, r *transport.Request) (reply, error) {
	b, err := typed(r)
	if err != nil {
		return reply{}, err
	}
	var req api.WatchRequest
	if err := payload(r, &b, &req); err != nil {
		return reply{}, err
	}
	var f *feed
	switch b.Label {
	case api.LabelTopic:
		f = s.ctl.topicFeed
	case api.LabelPartition:
		f = s.ctl.partitionFeed
	case api.LabelSpu:
		f = s.ctl.spuFeed
	case api.LabelSpuGroup, api.LabelSmartModule, api.LabelTableFormat, api.LabelMirror:
		f = newFeed() // this release has none: nothing ever happens
	default:
		return reply{}, fmt.Errorf("watch of type %q", b.Label)
	}
	return reply{stream: func(ctx context.Context, send func(codec.Message) error) error {
		return f.watch(ctx, func(u *update) error { return send(api.Typed{Label: b.Label, Msg: u}) })
	}}, nil
}

// watch sends everything and then every change, until ctx ends or send fails.
// What changes while send is busy is sent together afterwards.
func (f *feed) watch(ctx context.Context, send func(*update) error) error {
	for epoch := int64(-1); ; {
		items, full, now, changed := f.since(epoch)
		if len(items) > 0 || epoch < 0 {
			if err := send(&update{epoch: now, full: full, items: items}); err != nil {
				return err
			}
		}
		epoch = now
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// update is a set of published objects, encoded as an api.WatchResponse.
type update struct {
	epoch int64
	full  bool
	items objects
}

// Code encodes the update.
func (u *update) Code(c *codec.Coder) {
	c.I64(&u.epoch)
	if u.full {
		objects(nil).Code(c)
		u.items.Code(c)
		return
	}
	n := uint32(len(u.items))
	c.U32(&n)
	for _, p := range u.items {
		c.Bool(&p.deleted)
		p.Code(c)
	}
	objects(nil).Code(c)
}
