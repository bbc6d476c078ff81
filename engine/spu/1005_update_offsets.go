package spu

import (
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// UpdateOffsets (1005), version 0: the consumer acknowledges responses of its
// streams. Answered at once; the streams act on their own.
func (c *conn) updateOffsets(r *transport.Request) (codec.Message, error) {
	req, resp := &c.ackReq, &c.ackResp
	if cap(req.Offsets) > keepEntries {
		*req, *resp = api.UpdateOffsetsRequest{}, api.UpdateOffsetsResponse{}
	}
	if err := r.Decode(req); err != nil {
		return nil, err
	}
	resp.Offsets = resp.Offsets[:0]
	for _, o := range req.Offsets {
		status := extend(&resp.Offsets)
		*status = api.StreamOffsetStatus{SessionID: o.SessionID}
		if s := c.stream(o.SessionID); s != nil {
			s.acknowledge(o.Offset)
		} else {
			status.Error.ID = api.FetchSessionNotFound
		}
	}
	return resp, nil
}
