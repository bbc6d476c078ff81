package client

import (
	"context"
	"encoding/binary"
	"testing"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/record"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// FuzzReceive sends one response of arbitrary bytes through a stream and the
// loop. Whatever it holds: offsets rise, none below the start is delivered,
// and the next offset never goes back.
func FuzzReceive(f *testing.F) {
	for _, size := range []int{1, 3} {
		f.Add(streamResponse(f, 0, size), int64(0))
		f.Add(streamResponse(f, 10, size), int64(11))
	}
	whole := streamResponse(f, 10, 2)
	f.Add(whole[:len(whole)-5], int64(0))
	f.Add([]byte{}, int64(0))
	f.Fuzz(func(t *testing.T, body []byte, from int64) {
		if from < 0 {
			return
		}
		c := &Consumer{topic: "t", cfg: &consumerConfig{}, live: 1, out: make(chan message, maxOutstanding+1), ctx: t.Context()}
		s := newStream(c, 0, 1000)
		s.next = from
		err := receiveOne(t, s, body)
		if s.next < from {
			t.Fatalf("next offset went back from %d to %d", from, s.next)
		}
		c.out <- message{err: ErrClosed} // ends the loop
		last := from - 1
		for rec, err := range c.Records(t.Context()) {
			if err != nil {
				break
			}
			if rec.Offset <= last {
				t.Fatalf("offset %d after %d", rec.Offset, last)
			}
			last = rec.Offset
		}
		_ = err
	})
}

// receiveOne runs stream.receive over a connection that carries body.
func receiveOne(t *testing.T, s *stream, body []byte) error {
	a, b := transport.MemPipe(nil, nil)
	frame := binary.BigEndian.AppendUint32(nil, uint32(len(body)+4))
	frame = binary.BigEndian.AppendUint32(frame, 1) // correlation id of the first request
	conn := transport.NewConn(a, "fuzz", transport.Options{})
	defer conn.Close()
	st, err := conn.Stream(context.Background(), api.KeyStreamFetch, api.SpuVersion, &api.StreamFetchRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Write(append(frame, body...)); err != nil {
		t.Fatal(err)
	}
	b.Close()
	return s.receive(t.Context(), &link{Conn: conn}, st)
}

func streamResponse(f *testing.F, base int64, n int) []byte {
	var b record.Builder
	for range n {
		b.Add([]byte("k"), true, []byte("value"), 1000)
	}
	raw, err := b.Finish(nil, record.None)
	if err != nil {
		f.Fatal(err)
	}
	record.Batch(raw).SetBaseOffset(base)
	resp := &api.StreamFetchResponse{Topic: "t", StreamID: 1}
	resp.Partition.Records.Bytes = raw
	out, err := codec.Append(nil, api.SpuVersion, resp)
	if err != nil {
		f.Fatal(err)
	}
	return out
}

// FuzzMetadata applies arbitrary watch updates: no update may panic, nor make
// a view that contradicts itself.
func FuzzMetadata(f *testing.F) {
	u := &api.WatchResponse[api.PartitionSpec, api.PartitionStatus]{All: []api.Partition{{Name: "t-0"}, {Name: "t-1"}}}
	seed, err := codec.Append(nil, api.ScVersion, u)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed, uint32(2))
	f.Fuzz(func(t *testing.T, body []byte, count uint32) {
		m := newMetadata(&config{}, nil)
		m.applyTopics(&api.WatchResponse[api.TopicSpec, api.TopicStatus]{All: []api.Topic{
			{Name: "t", Spec: api.TopicSpec{Replicas: api.Computed(count%1000, 1)}},
		}})
		var u api.WatchResponse[api.PartitionSpec, api.PartitionStatus]
		if _, err := codec.Unmarshal(body, api.ScVersion, &u); err != nil {
			return
		}
		m.applyPartitions(&u)
		v := m.topic("t")
		if v == nil {
			return
		}
		for _, id := range v.online {
			if id >= v.count {
				t.Fatalf("partition %d of %d is online", id, v.count)
			}
		}
	})
}
