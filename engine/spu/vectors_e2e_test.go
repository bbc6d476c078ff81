package spu

import (
	"bytes"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// upstreamEpoch makes stored batches look as upstream's do, which has no
// leader epochs.
func upstreamEpoch(a api.ReplicaAssignment) api.ReplicaAssignment {
	a.LeaderEpoch = -1
	return a
}

func TestFramesOfTheOfficialClient(t *testing.T) {
	r := newRig(t, nil)
	r.host(upstreamEpoch(always1(assignment("hello", 0))))
	c := r.raw()
	for _, step := range []struct{ name, req, resp string }{
		{"ApiVersions", hexApiVersionsReq, hexApiVersionsResp},
		{"Produce", hexProduceReq, hexProduceResp},
		{"FetchOffsets", hexFetchOffsetsReq, hexFetchOffsetsResp},
		{"StreamFetch", hexStreamReq, hexStreamResp},
		{"UpdateOffsets", hexAckReq, hexAckResp},
	} {
		want := unhex(t, step.resp)
		if got := exchange(t, c, unhex(t, step.req)); !bytes.Equal(got, want) {
			t.Errorf("%s:\n got % x\nwant % x", step.name, got, want)
		}
	}
}

// TestEvictedFrame needs a log that begins at 100: a first segment with the
// offsets before, which retention by size removes.
func TestEvictedFrame(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Clean = time.Millisecond })
	a := segmentSize(assignment("hello", 0), 1024)
	limit := uint64(1)
	a.Spec.Storage.MaxPartitionSize = &limit
	r.host(a)
	c := r.dial()
	old := make([]string, 100)
	mustProduce(t, c, "hello", old...)
	mustProduce(t, c, "hello", string(make([]byte, 900)))
	r.sc.await("eviction", func() bool { return r.sc.reports[a.ReplicaRef].StartOffset == 100 })

	stream := unhex(t, hexStreamReq)
	stream[0x26] = 5 // last byte of fetch_offset
	nc := r.raw()
	if got, want := exchange(t, nc, stream), unhex(t, hexEvicted); !bytes.Equal(got, want) {
		t.Errorf("\n got % x\nwant % x", got, want)
	}
}
