package sc

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// list is List (1003), versions 15 to 19. Objects come sorted by name. What
// filters and the system flag do depends on the type; upstream's rules hold.
func (s *SC) list(_ context.Context, r *transport.Request) (reply, error) {
	b, err := typed(r)
	if err != nil {
		return reply{}, err
	}
	var req api.ListRequest
	if err := payload(r, &b, &req); err != nil {
		return reply{}, err
	}
	var items codec.Message
	switch b.Label {
	case api.LabelTopic:
		items = listed(s.ctl.topicFeed, func(t *api.Topic) bool {
			return t.Spec.System == req.System && matches(req.Filters, t.Name)
		})
	case api.LabelPartition:
		items = listed(s.ctl.partitionFeed, func(p *api.Partition) bool { return p.Spec.System == req.System })
	case api.LabelSpu:
		items = listed(s.ctl.spuFeed, func(p *api.Spu) bool { return matches(req.Filters, p.Name) })
	case api.LabelCustomSpu:
		items = s.customSpus(&req)
	case api.LabelSpuGroup, api.LabelSmartModule, api.LabelTableFormat, api.LabelMirror:
		items = objects(nil) // this release has none
	default:
		return reply{}, fmt.Errorf("list of unknown type %q", b.Label)
	}
	return reply{msg: api.Typed{Label: b.Label, Msg: items}}, nil
}

// matches reports whether a name contains any of the filters, or there are
// none.
func matches(filters []string, name string) bool {
	return len(filters) == 0 || slices.ContainsFunc(filters, func(f string) bool { return strings.Contains(name, f) })
}

// objects is a vector of published objects, encoded as an api.ListResponse.
type objects []*published

// Code encodes the objects.
func (o objects) Code(c *codec.Coder) {
	n := uint32(len(o))
	c.U32(&n)
	for _, p := range o {
		p.Code(c)
	}
}

// listed is the objects of a feed that satisfy keep.
func listed[M any](f *feed, keep func(M) bool) objects {
	return slices.DeleteFunc(objects(f.list()), func(p *published) bool { return !keep(any(p.msg).(M)) })
}

// customSpus is the SPUs of that type in their own layout.
func (s *SC) customSpus(req *api.ListRequest) codec.Message {
	out := &api.ListResponse[api.CustomSpuSpec, api.SpuStatus]{}
	for _, p := range s.ctl.spuFeed.list() {
		if spu := p.msg.(*api.Spu); spu.Spec.Type == api.SpuCustom && matches(req.Filters, spu.Name) {
			out.Items = append(out.Items, api.CustomSpu{Name: spu.Name, Spec: spu.Spec.Custom(), Status: spu.Status})
		}
	}
	return out
}
