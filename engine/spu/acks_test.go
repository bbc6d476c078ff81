package spu

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fluvio-go/fluvio/engine/log"
	"github.com/fluvio-go/fluvio/engine/log/vfs/errorfs"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// pending is a produce request that is on its way.
type pending struct {
	c    *cluster
	done chan api.ProduceResult
}

// send produces one record without waiting for the answer. The request says
// that it can wait for a millisecond.
func (c *cluster) send(conn *transport.Conn, topic string, iso api.Isolation, value string) *pending {
	p := &pending{c, make(chan api.ProduceResult, 1)}
	req := produceReq(topic, entry(0, batchOf(c.t, value)))
	req.Isolation, req.TimeoutMS = iso, 1
	s, err := conn.Stream(context.Background(), api.KeyProduce, api.SpuVersion, req)
	if err != nil {
		c.t.Fatal(err)
	}
	go func() {
		defer s.Close()
		var resp api.ProduceResponse
		if err := s.Recv(context.Background(), &resp); err == nil {
			p.done <- resp.Topics[0].Partitions[0]
		}
	}()
	return p
}

// open checks that there is no answer, which is certain in a bubble, when
// everybody waits, and nowhere else.
func (p *pending) open(what string) {
	p.c.t.Helper()
	select {
	case res := <-p.done:
		p.c.t.Errorf("%s: answered with %v", what, res.Error)
	default:
	}
}

// answer waits for the answer and checks its code.
func (p *pending) answer(what string, want api.Code) {
	p.c.t.Helper()
	select {
	case res := <-p.done:
		if res.Error.ID != want {
			p.c.t.Errorf("%s: %v, want %s", what, res.Error, want.Name())
		}
	case <-time.After(testPatience):
		p.c.t.Fatalf("%s: no answer, want %s\n%s", what, want.Name(), p.c.describe())
	}
}

var modes = []api.Durability{api.DurabilityAuto, api.DurabilityAlways, api.DurabilityInterval, api.DurabilityNever}

// Who waits for the followers, for how long, and what they are told.
func TestWhoWaitsForACommit(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := newCluster(t, three, nil)
				a := replicated("t", three...)
				a.Config.Durability = mode
				c.host(a)
				conn := c.nodes[1].dial()
				waits := mode == api.DurabilityAuto || mode == api.DurabilityAlways
				mustProduce(t, conn, "t", "all are there")
				c.awaitEnds(a, 1, three...)

				c.cut(2, 1)
				c.cut(3, 1)
				plain := c.send(conn, "t", api.ReadUncommitted, "plain")
				committed := c.send(conn, "t", api.ReadCommitted, "committed")
				time.Sleep(time.Minute)
				synctest.Wait()
				committed.answer("committed", api.RequestTimedOut)
				if !waits {
					plain.answer("plain", api.OK)
					return
				}
				plain.open("plain, without followers")
				c.heal(2, 1)
				time.Sleep(time.Minute)
				synctest.Wait()
				plain.open("plain, with one follower of two")
				c.heal(3, 1)
				plain.answer("plain", api.OK)

				// Or until leadership ends.
				c.cut(2, 1)
				plain = c.send(conn, "t", api.ReadUncommitted, "lost")
				time.Sleep(time.Minute)
				synctest.Wait()
				plain.open("plain, before the election")
				c.elect(a, 3)
				plain.answer("plain, after the election", api.NotLeaderForPartition)
			})
		})
	}
}

// Too few replicas in sync concern those who asked for a commit. The others
// are told nothing that they do not know.
func TestUncommittedProduceIgnoresMinInSync(t *testing.T) {
	c := newCluster(t, three, nil)
	a := replicated("t", three...)
	a.Config.MinInSync = 2
	c.host(a)
	conn := c.nodes[1].dial()
	mustProduce(t, conn, "t", "all")
	c.cut(2, 1)
	c.cut(3, 1)
	parked := c.send(conn, "t", api.ReadUncommitted, "parked")
	c.await("the record", func() bool { end, _ := c.ends(1, a); return end == 2 })
	c.alter(a, func(a *api.ReplicaAssignment) { a.ISR, a.Gone = []int32{1}, []int32{2, 3} })
	parked.answer("it waited when the set shrank", api.OK)
	mustProduce(t, conn, "t", "came later")
	if res := commit(t, conn, "t", testPatience, "committed"); res.Error.ID != api.Other {
		t.Errorf("committed: %v", res.Error)
	}
}

// Consumers see what producers may be told of, and nothing that can be lost
// with the leader and replaced.
func TestWhoSeesWhatIsNotCommitted(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			c := newCluster(t, three, nil)
			a := replicated("t", three...)
			a.Config.Durability = mode
			c.host(a)
			conn := c.nodes[1].dial()
			mustProduce(t, conn, "t", "all")
			c.awaitEnds(a, 1, three...)
			c.cut(2, 1)
			c.cut(3, 1)
			c.send(conn, "t", api.ReadUncommitted, "one")
			c.await("the record", func() bool { end, _ := c.ends(1, a); return end == 2 })
			want := []string{"all", "one"}
			if mode == api.DurabilityAuto || mode == api.DurabilityAlways {
				want = want[:1]
			}
			s := consume(t, conn, &api.StreamFetchRequest{Topic: "t"})
			if got, _ := values(t, s.next()); !slices.Equal(got, want) {
				t.Errorf("a stream has %q, want %q", got, want)
			}
			var resp api.FetchResponse
			call(t, conn, api.KeyFetch, api.SpuVersion, &api.FetchRequest{MaxBytes: 1 << 20, Topics: []api.FetchTopic{{
				Name: "t", Partitions: []api.FetchPartition{{MaxBytes: 1 << 20}},
			}}}, &resp)
			got, _ := values(t, &api.StreamFetchResponse{Partition: resp.Topics[0].Partitions[0]})
			if !slices.Equal(got, want) {
				t.Errorf("a fetch has %q, want %q", got, want)
			}
		})
	}
}

// A pipelining client is held back when too much of it waits, and goes on.
func TestParkedUncommittedProduceIsBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCluster(t, three, func(cfg *Config) { cfg.MaxParked = 4 })
		a := replicated("t", three...)
		c.host(a)
		conn := c.nodes[1].dial()
		c.cut(2, 1)
		var sent []*pending
		for i := range 20 {
			sent = append(sent, c.send(conn, "t", api.ReadUncommitted, fmt.Sprint(i)))
		}
		synctest.Wait()
		if end, _ := c.ends(1, a); end != 4 {
			t.Errorf("%d records were taken, want 4", end)
		}
		c.heal(2, 1)
		for i, p := range sent {
			p.answer(fmt.Sprint("request ", i), api.OK)
		}
		c.awaitEnds(a, 20, three...)
	})
}

// syncGate holds the syncs of a node's segments.
func (n *node) syncGate() *gate {
	g := newGate()
	n.fs.Inject(errorfs.Rule{Op: errorfs.OpSync, Match: "*.log", Do: g.hold})
	n.c.t.Cleanup(g.open)
	return g
}

func (c *cluster) mode(id int32, a api.ReplicaAssignment) log.Durability {
	return c.part(id, a).open().Config().Durability
}

// What the leader alone has is acknowledged when its disk has it, and that
// ends when somebody else has to have it again. Records from before count the
// same.
func TestLeaderAloneInSync(t *testing.T) {
	c := newCluster(t, three, func(cfg *Config) { cfg.Flush = time.Hour }) // nobody else syncs
	a := replicated("t", three...)
	c.host(a)
	conn := c.nodes[1].dial()
	mustProduce(t, conn, "t", "on all")
	c.awaitEnds(a, 1, three...)
	l := c.part(1, a).open()
	if d := l.DurableOffset(); d != 0 {
		t.Fatalf("%d records are on the disk although two others have them", d)
	}

	c.cut(2, 1)
	c.cut(3, 1)
	g := c.nodes[1].syncGate()
	var waiting []*pending
	for _, iso := range []api.Isolation{api.ReadUncommitted, api.ReadCommitted} {
		req := produceReq("t", entry(0, batchOf(t, "from before")))
		req.Isolation, req.TimeoutMS = iso, 60_000
		waiting = append(waiting, c.sendReq(conn, req))
	}
	c.await("two records", func() bool { end, _ := c.ends(1, a); return end == 3 })
	c.alter(a, func(a *api.ReplicaAssignment) { a.ISR, a.Gone = []int32{1}, []int32{2, 3} })
	<-g.entered
	waiting = append(waiting, c.send(conn, "t", api.ReadUncommitted, "while alone"))
	c.await("three records", func() bool { end, _ := c.ends(1, a); return end == 4 })
	if _, hw := c.ends(1, a); hw != 1 {
		t.Errorf("high watermark is %d before the disk has more than 1", hw)
	}
	for _, p := range waiting {
		p.open("before the disk has it")
	}
	g.open()
	for i, p := range waiting {
		p.answer(fmt.Sprint("request ", i), api.OK)
	}
	if d := l.DurableOffset(); d != 4 {
		t.Errorf("%d records are on the disk, want 4", d)
	}
	for range 3 {
		mustProduce(t, conn, "t", "one more")
		if end, d := l.EndOffset(), l.DurableOffset(); d != end {
			t.Errorf("acknowledged up to %d, on the disk up to %d", end, d)
		}
	}

	c.nodes[1].fs.Clear()
	c.heal(2, 1)
	c.alter(a, func(a *api.ReplicaAssignment) { a.Gone = []int32{3} })
	c.await("SPU 2 in sync", func() bool { return slices.Contains(c.assigned(a).ISR, 2) })
	c.await("the mode of many", func() bool { return c.mode(1, a) == log.Interval })
	before := c.nodes[1].fs.Count(errorfs.OpSync)
	mustProduce(t, conn, "t", "two have it")
	if n := c.nodes[1].fs.Count(errorfs.OpSync); n != before {
		t.Errorf("%d syncs for a record that two have", n-before)
	}
}

func (c *cluster) sendReq(conn *transport.Conn, req *api.ProduceRequest) *pending {
	p := &pending{c, make(chan api.ProduceResult, 1)}
	go func() {
		var resp api.ProduceResponse
		if conn.Call(context.Background(), api.KeyProduce, api.SpuVersion, req, &resp) == nil {
			p.done <- resp.Topics[0].Partitions[0]
		}
	}()
	return p
}

// A leader alone in sync loses power right after an acknowledgement.
func TestLeaderAloneLosesPower(t *testing.T) {
	for seed := range uint64(20) {
		c := newCluster(t, three, func(cfg *Config) { cfg.Flush = time.Hour })
		a := replicated("t", three...)
		a.ISR = []int32{1}
		c.cut(2, 1)
		c.cut(3, 1)
		c.host(a)
		n := c.nodes[1]
		conn := n.dial()
		mustProduce(t, conn, "t", "kept")
		n.kill()
		n.mem = n.mem.CrashClone(rand.New(rand.NewPCG(seed, 0)))
		n.fs = errorfs.New(n.mem)
		n.start()
		c.elect(a, 1)
		c.awaitEnds(a, 1, 1)
		if got := c.recordsOf(1, a, 1); got[0] != "kept" {
			t.Errorf("seed %d: %q", seed, got)
		}
	}
}

// The SC may have stored a set before we know. Until its answer is there the
// stricter rule holds, and it is in force when the request leaves.
func TestLeaderPerhapsAlone(t *testing.T) {
	c := newCluster(t, []int32{1, 2}, func(cfg *Config) { cfg.ReplicaLag = testLag })
	a := replicated("t", 1, 2)
	c.host(a)
	conn := c.nodes[1].dial()
	mustProduce(t, conn, "t", "both")
	c.sc.mu.Lock()
	c.sc.alter = alterIgnore
	c.sc.mu.Unlock()
	c.nodes[2].kill()
	p := c.part(1, a)
	c.sc.await("a proposal", func() bool {
		alone := slices.ContainsFunc(c.sc.altered, func(ch api.ISRChange) bool { return slices.Equal(ch.ISR, []int32{1}) })
		if mode := p.open().Config().Durability; alone && mode != log.Always {
			t.Errorf("mode is %s when the SC can have stored the set", mode)
		}
		return alone
	})
	// Refused: the set is what it was.
	c.sc.mu.Lock()
	c.sc.alter = alterRefuse
	c.sc.mu.Unlock()
	c.sc.down() // the request that is not answered has to be made anew
	c.sc.up()
	c.await("a refusal", func() bool { return c.mode(1, a) == log.Interval })
}

// A follower keeps its log as the topic says, whatever it was before.
func TestOnlyTheLeaderSyncsMore(t *testing.T) {
	c := newCluster(t, three, nil)
	a := replicated("t", three...)
	c.host(a)
	c.cut(2, 1) // or they are back before anybody looks
	c.cut(3, 1)
	c.alter(a, func(a *api.ReplicaAssignment) { a.ISR, a.Gone = []int32{1}, []int32{2, 3} })
	c.await("the mode of one", func() bool { return c.mode(1, a) == log.Always })
	for _, id := range three[1:] {
		if mode := c.mode(id, a); mode != log.Interval {
			t.Errorf("mode of SPU %d is %s", id, mode)
		}
	}
	c.alter(a, func(a *api.ReplicaAssignment) { a.Gone = nil })
	c.heal(2, 1)
	c.heal(3, 1)
	c.await("the full set", func() bool { return len(c.assigned(a).ISR) == 3 })
	c.elect(a, 2)
	c.await("the mode of a follower", func() bool { return c.mode(1, a) == log.Interval })
}

// The set shrinks and grows all the time while producers of both kinds are
// busy. Everybody is answered, in time and with OK.
func TestSetChangesUnderLoad(t *testing.T) {
	c := newCluster(t, three, nil)
	a := replicated("t", three...)
	c.host(a)
	var wg sync.WaitGroup
	var produced atomic.Int64
	stop := make(chan struct{})
	for i := range 6 {
		conn := c.nodes[1].dial()
		iso := []api.Isolation{api.ReadUncommitted, api.ReadCommitted}[i%2]
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				req := produceReq("t", entry(0, batchOf(t, "x")))
				req.Isolation, req.TimeoutMS = iso, int32(testPatience.Milliseconds())
				var resp api.ProduceResponse
				if err := conn.Call(context.Background(), api.KeyProduce, api.SpuVersion, req, &resp); err != nil {
					t.Error(err)
					return
				}
				if err := resp.Topics[0].Partitions[0].Error.Err(); err != nil {
					t.Errorf("isolation %v: %v", iso, err)
				}
				produced.Add(1)
			}
		})
	}
	for range 30 {
		before := produced.Load()
		c.alter(a, func(a *api.ReplicaAssignment) { a.ISR = []int32{1} })
		c.await("records, and a larger set", func() bool { return produced.Load() > before+20 && len(c.assigned(a).ISR) > 1 })
	}
	close(stop)
	wg.Wait()
	c.awaitEnds(a, produced.Load(), three...)
	c.sameUpTo(a, produced.Load(), three...)
}

// A term of leadership that has ended has nothing to say about what was
// appended in it, even if the same SPU leads again.
func TestTicketsBelongToATerm(t *testing.T) {
	old, now := new(term), new(term)
	var q ticketQueue
	q.outcome = always(api.ErrorCode{})
	q.open(now, 10)
	for _, tt := range []struct {
		in   *term
		end  int64
		want api.Code
	}{{now, 10, api.OK}, {old, 10, api.NotLeaderForPartition}, {old, 11, api.NotLeaderForPartition}} {
		tk := &ticket{left: 2, entries: []ticketEntry{{waits: [2]int{0, -1}}}}
		tk.resp.Topics = []api.ProduceTopicResult{{Partitions: make([]api.ProduceResult, 1)}}
		q.add(queued{tk, 0, tt.end, tt.in})
		if got := tk.resp.Topics[0].Partitions[0].Error.ID; got != tt.want || tk.left != 1 {
			t.Errorf("%+v: %s, %d waits left", tt, got.Name(), tk.left-1)
		}
	}
}

// An SPU that stops does not wait for followers that are not there.
func TestCloseWithoutFollowers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := newCluster(t, three, nil)
		a := replicated("t", three...)
		c.host(a)
		conn := c.nodes[1].dial()
		mustProduce(t, conn, "t", "all")
		c.alter(a, func(a *api.ReplicaAssignment) { a.ISR = []int32{1, 2} })
		c.cut(2, 1)
		c.cut(3, 1)
		c.sc.mu.Lock()
		c.sc.stuck = true
		c.sc.mu.Unlock()
		parked := c.send(conn, "t", api.ReadUncommitted, "nobody else has it")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		start := time.Now()
		if err := c.nodes[1].srv.Close(ctx); err != nil {
			t.Error(err)
		}
		c.nodes[1].srv = nil
		if d := time.Since(start); d > 2*commitGrace { // on the clock of the bubble
			t.Errorf("the stop took %v", d)
		}
		parked.answer("parked", api.NotLeaderForPartition)
	})
}

// An SPU that only follows says goodbye too, so that nobody waits for it.
func TestFollowerSaysGoodbye(t *testing.T) {
	c := newCluster(t, three, nil)
	a := replicated("t", three...)
	own := replicated("own", 3)
	own.Leader = 3
	c.host(a, own)
	c.nodes[2].close()
	c.sc.mu.Lock()
	defer c.sc.mu.Unlock()
	if !slices.Equal(c.sc.goodbyes, []int32{2}) {
		t.Errorf("goodbyes of %v", c.sc.goodbyes)
	}
}

// However leadership ends, streams and whoever waits for a commit are told so
// at once.
func TestEndsOfLeadership(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(c *cluster, a api.ReplicaAssignment)
		want api.Code // of the stream
	}{
		{"lease", func(c *cluster, _ api.ReplicaAssignment) {
			c.sc.mu.Lock()
			c.sc.deaf = true
			c.sc.mu.Unlock()
		}, api.NotLeaderForPartition},
		{"another leader", func(c *cluster, a api.ReplicaAssignment) {
			c.alter(a, func(a *api.ReplicaAssignment) { a.Leader, a.LeaderEpoch = 2, 2 })
		}, api.NotLeaderForPartition},
		{"no leader", func(c *cluster, a api.ReplicaAssignment) {
			c.alter(a, func(a *api.ReplicaAssignment) { a.Leader, a.LeaderEpoch = api.NoLeader, 2 })
		}, api.NotLeaderForPartition},
		{"the same leader in a new epoch", func(c *cluster, a api.ReplicaAssignment) {
			c.alter(a, func(a *api.ReplicaAssignment) { a.LeaderEpoch = 2 })
		}, api.NotLeaderForPartition},
		{"no replica here any more", func(c *cluster, a api.ReplicaAssignment) {
			c.alter(a, func(a *api.ReplicaAssignment) {
				a.Leader, a.LeaderEpoch, a.Replicas, a.ISR = 2, 2, []int32{2, 3}, []int32{2, 3}
			})
		}, api.NotLeaderForPartition},
		{"records lost", func(c *cluster, a api.ReplicaAssignment) {
			p := c.part(1, a)
			p.role.RLock()
			p.lost(1)
			p.role.RUnlock()
		}, api.NotLeaderForPartition},
		{"topic deleted", func(c *cluster, a api.ReplicaAssignment) { c.sc.drop(a.ReplicaRef) }, api.TopicDeleted},
		{"stop", func(c *cluster, _ api.ReplicaAssignment) { c.nodes[1].srv.resign() }, api.NotLeaderForPartition},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCluster(t, three, func(cfg *Config) { cfg.Lease = testLag })
			a := replicated("t", three...)
			c.host(a)
			conn := c.nodes[1].dial()
			mustProduce(t, conn, "t", "all")
			c.awaitEnds(a, 1, three...)
			var streams []*consumer
			for _, iso := range []api.Isolation{api.ReadUncommitted, api.ReadCommitted} {
				waiting := consume(t, conn, &api.StreamFetchRequest{Topic: "t", FetchOffset: 1, Isolation: iso})
				unacknowledged := consume(t, conn, &api.StreamFetchRequest{Topic: "t", Isolation: iso})
				if got, _ := values(t, unacknowledged.next()); !slices.Equal(got, []string{"all"}) {
					t.Fatalf("stream: %q", got)
				}
				streams = append(streams, waiting, unacknowledged)
			}
			p := c.part(1, a)
			c.await("the streams", func() bool {
				p.streamsMu.Lock()
				defer p.streamsMu.Unlock()
				return len(p.streams) == len(streams)
			})
			c.cut(2, 1)
			c.cut(3, 1)
			long := produceReq("t", entry(0, batchOf(t, "parked")))
			long.Isolation, long.TimeoutMS = api.ReadCommitted, 60_000
			parked := []*pending{c.sendReq(conn, long), c.send(conn, "t", api.ReadUncommitted, "parked")}
			c.await("the records", func() bool { end, _ := c.ends(1, a); return end == 3 })
			tt.end(c, a)
			for _, p := range parked {
				p.answer("produce", api.NotLeaderForPartition)
			}
			for i, s := range streams {
				resp := s.next()
				if i == 0 && resp.Partition.Error.ID == api.OK {
					resp = s.next() // it reads what is not committed
				}
				if resp.Partition.Error.ID != tt.want {
					t.Errorf("stream %d: %v, want %s", i, resp.Partition.Error, tt.want.Name())
				}
			}
		})
	}
}

// offsetsOf asks for the offsets of a topic without waiting.
func offsetsOf(t testing.TB, conn *transport.Conn, topic string) chan api.PartitionOffsets {
	done := make(chan api.PartitionOffsets, 1)
	req := &api.FetchOffsetsRequest{Topics: []api.OffsetsTopic{{Name: topic, Partitions: []uint32{0}}}}
	s, err := conn.Stream(context.Background(), api.KeyFetchOffsets, api.SpuVersion, req)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer s.Close()
		var resp api.FetchOffsetsResponse
		if err := s.Recv(context.Background(), &resp); err == nil {
			done <- resp.Topics[0].Partitions[0]
		}
	}()
	return done
}

// A new leader whose high watermark is behind does not send readers "from the
// end" to old records: it says where the end is when it knows.
func TestOffsetsOfANewLeader(t *testing.T) {
	for _, tt := range []struct {
		name string
		go_  func(c *cluster, a api.ReplicaAssignment)
		want api.PartitionOffsets
	}{
		{"a follower fetches", func(c *cluster, _ api.ReplicaAssignment) { c.heal(3, 2) }, api.PartitionOffsets{LastStableOffset: 10}},
		{"it is alone", func(c *cluster, a api.ReplicaAssignment) {
			c.alter(a, func(a *api.ReplicaAssignment) { a.ISR = []int32{2} })
		}, api.PartitionOffsets{LastStableOffset: 10}},
		{"it leads no more", func(c *cluster, a api.ReplicaAssignment) {
			c.alter(a, func(a *api.ReplicaAssignment) { a.Leader, a.LeaderEpoch = api.NoLeader, 3 })
		}, api.PartitionOffsets{Error: api.ErrorCode{ID: api.PartitionNotLeader}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c := newCluster(t, three, nil)
				a := replicated("t", three...)
				c.host(a)
				conn := c.nodes[1].dial()
				if got := fetchOffsets(t, conn, "t"); got.Error.ID != api.OK || got.LastStableOffset != 0 {
					t.Errorf("a new topic: %+v", got)
				}
				for i := range 10 {
					// An acknowledged record is before the end at once.
					mustProduce(t, conn, "t", fmt.Sprint(i))
					if got := fetchOffsets(t, conn, "t"); got.LastStableOffset != int64(i+1) {
						t.Errorf("after %d records: %+v", i+1, got)
					}
				}
				c.awaitEnds(a, 10, three...)
				// SPU 2 comes back without its watermark, and leads.
				c.nodes[1].kill()
				c.nodes[2].kill()
				_ = c.nodes[2].mem.Remove(c.nodes[2].dir(a) + "/replication.chk")
				c.cut(3, 2)
				c.nodes[2].start()
				c.alter(a, func(a *api.ReplicaAssignment) { a.ISR = []int32{2, 3} })
				c.elect(a, 2)
				if _, hw := c.ends(2, a); hw != 0 {
					t.Fatalf("high watermark is %d", hw)
				}
				conn = c.nodes[2].dial()
				asked := offsetsOf(t, conn, "t")
				time.Sleep(time.Minute)
				synctest.Wait()
				select {
				case got := <-asked:
					t.Fatalf("answered too early: %+v", got)
				default:
				}
				// Others on the connection do not wait.
				if got := fetchOffsets(t, conn, "unknown"); got.Error.ID != api.PartitionNotLeader {
					t.Errorf("another partition: %+v", got)
				}
				tt.go_(c, a)
				if got := <-asked; got.Error.ID != tt.want.Error.ID || got.LastStableOffset != tt.want.LastStableOffset {
					t.Errorf("offsets %+v, want %+v", got, tt.want)
				}
			})
		})
	}
}

// unawaited appends a record to the leader's log that nobody waits for.
func (p *partition) unawaited(t *testing.T) {
	t.Helper()
	if _, on, code := p.append(batchOf(t, "unawaited"), api.ReadUncommitted); code.ID != api.OK || !on.disk {
		t.Fatalf("%v, awaits %+v", code, on)
	}
}

// aloneInSync hosts a partition on three SPUs of which only the leader is in
// sync, and is not going to be joined.
func (c *cluster) aloneInSync() (api.ReplicaAssignment, *partition) {
	c.t.Helper()
	a := replicated("t", three...)
	a.ISR = []int32{1}
	c.cut(2, 1)
	c.cut(3, 1)
	c.host(a)
	return a, c.part(1, a)
}

// A term begins with what the one before left on the way to the disk.
func TestNewTermSyncsTheOldTail(t *testing.T) {
	c := newCluster(t, three, func(cfg *Config) { cfg.Flush = time.Hour })
	a, p := c.aloneInSync()
	p.unawaited(t)
	if _, hw := c.ends(1, a); hw != 0 {
		t.Fatalf("high watermark is %d", hw)
	}
	c.elect(a, 1)
	c.awaitEnds(a, 1, 1)
}

// When others have to have the records again, what is not on the disk yet goes
// there with the interval.
func TestUnsyncedTailIsFlushedLater(t *testing.T) {
	c := newCluster(t, three, func(cfg *Config) { cfg.Flush = 10 * time.Millisecond })
	a, p := c.aloneInSync()
	p.unawaited(t)
	c.await("the flusher to forget it", func() bool { return !p.unsynced.Load() })
	l := p.open()
	if d := l.DurableOffset(); d != 0 {
		t.Fatalf("%d records on the disk", d)
	}
	c.alter(a, func(a *api.ReplicaAssignment) { a.ISR = []int32{1, 2} })
	c.await("the disk", func() bool { return l.DurableOffset() == 1 })
}

// Records that the log could save from a failed sync count without another
// append, whether it could do so at once or later.
func TestSavedRecordsAreAcknowledged(t *testing.T) {
	for _, tt := range []struct {
		failures int // of syncs, those of the repair included
		retry    time.Duration
	}{{1, time.Hour}, {3, time.Millisecond}} {
		for _, iso := range []api.Isolation{api.ReadUncommitted, api.ReadCommitted} {
			c := newCluster(t, three, func(cfg *Config) { cfg.Flush, cfg.Retry, cfg.RetryMax = time.Hour, tt.retry, tt.retry })
			a, _ := c.aloneInSync()
			conn := c.nodes[1].dial()
			mustProduce(t, conn, "t", "names are synced")
			c.nodes[1].fs.Inject(errorfs.Rule{Op: errorfs.OpSync, Match: "*.log*", Times: tt.failures, Err: syscall.EIO})
			req := produceReq("t", entry(0, batchOf(t, "saved")))
			req.Isolation, req.TimeoutMS = iso, 60_000
			res := c.sendReq(conn, req)
			c.awaitEnds(a, 2, 1)
			if tt.failures == 1 { // else the disk said no for too long
				res.answer("saved", api.OK)
			}
		}
	}
}
