//go:build sim

package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/record"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// user is a client of one partition. It keeps to an SPU until that refuses it
// or does not answer, then mostly asks the one that leads, and sometimes any:
// clients know what was true a while ago.
type user struct {
	w         *world
	name      string
	partition uint32
	rng       *rand.Rand
	conn      *transport.Conn
	at        *spuNode
}

func (w *world) newUser(name string, partition uint32) *user {
	return &user{w: w, name: name, partition: partition, rng: rand.New(rand.NewPCG(w.seed, hashOf(name)))}
}

// connect makes sure that there is a connection.
func (u *user) connect() bool {
	if u.conn != nil && u.conn.Err() == nil {
		return true
	}
	u.drop()
	w := u.w
	u.at = w.spus[u.rng.IntN(len(w.spus))]
	if leader := w.partition(u.partition).Leader; leader != api.NoLeader && u.rng.IntN(4) > 0 {
		u.at = w.spus[leader-1]
	}
	ctx, cancel := context.WithTimeout(w.ctx, 2*time.Second)
	defer cancel()
	nc, err := w.net.dial(ctx, u.name, u.at.host, public)
	if err != nil {
		return false
	}
	u.conn = transport.NewConn(nc, u.at.host, transport.Options{ClientID: u.name, RequestTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second})
	return true
}

func (u *user) drop() {
	if u.conn != nil {
		u.conn.Close()
		u.conn = nil
	}
}

// rest waits for up to d. False means that the run is over.
func (u *user) rest(d time.Duration) bool {
	return sleep(u.w.ctx, 1+time.Duration(u.rng.Int64N(int64(d)))) == nil
}

// produce sends records one after another, a few requests at a time, until the
// run is over. Each value is sent once, whatever becomes of it.
func (u *user) produce() {
	defer u.drop()
	pause := 120 * time.Millisecond
	if u.w.opts.busy {
		pause = 15 * time.Millisecond
	}
	for seq := 0; u.rest(pause); {
		if !u.connect() {
			continue
		}
		n := 1 + u.rng.IntN(3)
		batches := make([][]string, n)
		for i := range batches {
			for range 1 + u.rng.IntN(3) {
				seq++
				batches[i] = append(batches[i], fmt.Sprintf("%s/%d/%s", u.name, seq, strings.Repeat("x", u.rng.IntN(300))))
			}
		}
		if !u.send(batches) {
			u.drop()
		}
	}
}

// send has several requests on their way at once. It reports whether to stay
// with this SPU.
func (u *user) send(batches [][]string) bool {
	w := u.w
	var streams []*transport.Stream
	for i, values := range batches {
		req := &api.ProduceRequest{
			Isolation: w.opts.isolation, TimeoutMS: int32(1500 + i), // not all at the same moment
			Topics: []api.ProduceTopic{{Name: topicName, Partitions: []api.ProducePartition{{
				Partition: u.partition, Records: api.RecordSet{Bytes: batchOf(values)},
			}}}},
		}
		w.ledger.sent(u.partition, values)
		s, err := u.conn.Stream(w.ctx, api.KeyProduce, api.SpuVersion, req)
		if err != nil {
			return false
		}
		streams = append(streams, s)
	}
	ctx, cancel := context.WithTimeout(w.ctx, 5*time.Second)
	defer cancel()
	stay := true
	for i, s := range streams {
		var resp api.ProduceResponse
		if err := s.Recv(ctx, &resp); err != nil {
			return false
		}
		r := resp.Topics[0].Partitions[0]
		switch r.Error.ID {
		case api.OK:
			w.ledger.acknowledged(u.partition, r.BaseOffset, batches[i], u.at.host)
		case api.RequestTimedOut:
		default:
			stay = false
		}
	}
	return stay
}

func batchOf(values []string) []byte {
	var b record.Builder
	for _, v := range values {
		b.Add(nil, false, []byte(v), 1_700_000_000_000)
	}
	out, err := b.Finish(nil, record.None)
	if err != nil {
		panic(err) // nothing here can be wrong with the values
	}
	return out
}

// consume reads what is committed until the run is over, and hands it to the
// ledger.
func (u *user) consume() {
	defer u.drop()
	for next := int64(0); u.rest(50 * time.Millisecond); {
		if !u.connect() {
			continue
		}
		end, err := u.follow(next)
		next = end
		if err != nil {
			u.drop()
		}
	}
}

var errMoved = errors.New("stream ended")

// follow reads one stream from an offset to its end, and returns where to go
// on.
func (u *user) follow(next int64) (int64, error) {
	w := u.w
	req := &api.StreamFetchRequest{
		Topic: topicName, Partition: u.partition, FetchOffset: next, MaxBytes: 1 << (8 + u.rng.IntN(10)), Isolation: api.ReadCommitted,
	}
	s, err := u.conn.Stream(w.ctx, api.KeyStreamFetch, api.SpuVersion, req)
	if err != nil {
		return next, err
	}
	for {
		ctx, cancel := context.WithTimeout(w.ctx, 2*time.Second)
		var resp api.StreamFetchResponse
		err := s.Recv(ctx, &resp)
		cancel()
		if err != nil {
			return next, err
		}
		part := &resp.Partition
		switch part.Error.ID {
		case api.OK:
		case api.NotLeaderForPartition:
			return next, errMoved
		default:
			w.ledger.fail("%s asked %s for offset %d of partition %d and was told %v", u.name, u.at.host, next, u.partition, &part.Error)
			return next, errMoved
		}
		if next, err = w.ledger.read(u.partition, next, part.Records.Bytes, u.name, u.at.host); err != nil {
			return next, err
		}
		ack := &api.UpdateOffsetsRequest{Offsets: []api.StreamOffset{{Offset: next, SessionID: resp.StreamID}}}
		if err := u.conn.Call(w.ctx, api.KeyUpdateOffsets, 0, ack, new(api.UpdateOffsetsResponse)); err != nil {
			return next, err
		}
	}
}

// readOnce reads from the beginning until there is nothing more for a while.
func (u *user) readOnce() {
	if u.connect() {
		if _, err := u.follow(0); err != nil {
			u.drop()
		}
	}
}
