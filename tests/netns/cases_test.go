//go:build netns && linux

package netns

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"
)

// beyondLease is longer than the lease and the margin that the SC adds.
const beyondLease = 4 * time.Second

// fault is one round of a case under load. It ends with everything mended and
// running.
type fault func(w *workload, rng *rand.Rand)

var cases = []struct {
	name  string
	fault fault
	quiet bool // producers must not be told of any failure
}{
	{name: "leader killed", fault: leaderKilled},
	{name: "leader cut from the SC", fault: leaderCutFromSC},
	{name: "leader cut from everybody", fault: leaderCutFromAll},
	{name: "leader cut from followers", fault: leaderCutFromFollowers},
	{name: "follower cut", fault: followerCut(true, true)},
	{name: "follower cut, hears nothing", fault: followerCut(true, false)},
	{name: "follower cut, is not heard", fault: followerCut(false, true)},
	{name: "disk of a follower wiped", fault: followerWiped},
	{name: "disk of the leader wiped", fault: leaderWiped},
	{name: "leader stopped for a while", fault: leaderPaused},
	{name: "SC stopped for a while", fault: scPaused},
	{name: "SC killed, SPU dies meanwhile", fault: scKilled},
	{name: "all SPUs killed", fault: allKilled},
	{name: "rolling restart", fault: rollingRestart, quiet: true},
}

// TestFaults is the promise: whatever happens to one node or its network, no
// acknowledged record is lost or altered, committed reads are final, and when
// all is well again everybody goes on by himself.
func TestFaults(t *testing.T) {
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			t.Logf("NETNS_SEED=%d", seed)
			rng := rand.New(rand.NewPCG(seed, 0))
			w := newWorkload(t, newCluster(t), rng)
			began := time.Now()
			report := w.verify("before any fault")
			for round := range rounds {
				w.load(func() {
					tt.fault(w, rng)
					w.c.mend()
					w.c.untilInSync(topic)
					w.untilAcks(w.all()...)
				})
				report = w.verify(fmt.Sprintf("round %d", round))
			}
			if tt.quiet && len(w.errors) > 0 {
				t.Errorf("producers were told: %s", w.failures())
			}
			w.compareFiles()
			t.Logf("%d rounds in %v; sent %d, acknowledged %d, lost %d; stored %d, of them %d unacknowledged and %d repeated; producers were told: %s",
				rounds, time.Since(began).Round(time.Second), w.ledger.Attempted(), w.ledger.Acked(), report.Lost,
				report.Records, report.Unacked, report.Duplicates, w.failures())
		})
	}
}

// moment lets a random time pass before or in the middle of a fault.
func moment(rng *rand.Rand, most time.Duration) {
	time.Sleep(time.Duration(rng.Int64N(int64(most))))
}

// victim is a random partition with its leader.
func (w *workload) victim(rng *rand.Rand) (partition int, leader *node, id int32) {
	partition = rng.IntN(partitions)
	id = w.c.leader(topic, uint32(partition))
	return partition, w.c.spu(id), id
}

// goesOn waits until another SPU leads a partition and records are
// acknowledged in all of them.
func (w *workload) goesOn(partition int, old int32) {
	w.t.Helper()
	began := time.Now()
	w.c.leader(topic, uint32(partition), old)
	elected := time.Since(began)
	w.untilAcks(w.all()...)
	w.t.Logf("another leader after %v, acknowledgements after %v", elected.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
}

func leaderKilled(w *workload, rng *rand.Rand) {
	moment(rng, 300*time.Millisecond)
	partition, leader, id := w.victim(rng)
	kill(leader)
	if rng.IntN(3) > 0 { // or it is back before anybody else is elected
		w.goesOn(partition, id)
	}
	leader.start()
}

func leaderCutFromSC(w *workload, rng *rand.Rand) {
	partition, leader, id := w.victim(rng)
	w.c.cut(leader.host, hostSC)
	w.goesOn(partition, id)
	moment(rng, time.Second)
}

func leaderCutFromAll(w *workload, rng *rand.Rand) {
	partition, leader, id := w.victim(rng)
	w.c.isolate(leader.host)
	w.goesOn(partition, id)
	moment(rng, time.Second)
}

// leaderCutFromFollowers leaves the leader its lease. It may acknowledge
// nothing alone, since the topic wants two replicas.
func leaderCutFromFollowers(w *workload, rng *rand.Rand) {
	_, leader, id := w.victim(rng)
	for _, n := range w.c.followers(id) {
		w.c.cut(leader.host, n.host)
	}
	moment(rng, 2*beyondLease)
}

// followerCut cuts a follower off from everybody in one direction or both.
func followerCut(to, from bool) fault {
	return func(w *workload, rng *rand.Rand) {
		followers := w.c.followers(w.c.leader(topic, uint32(rng.IntN(partitions))))
		follower := followers[rng.IntN(len(followers))]
		for _, h := range allHosts {
			if h == follower.host {
				continue
			}
			if to {
				w.c.cutOneWay(h, follower.host)
			}
			if from {
				w.c.cutOneWay(follower.host, h)
			}
		}
		w.untilAcks(w.all()...)
		moment(rng, beyondLease)
		w.untilAcks(w.all()...)
	}
}

func followerWiped(w *workload, rng *rand.Rand) {
	followers := w.c.followers(w.c.leader(topic, uint32(rng.IntN(partitions))))
	follower := followers[rng.IntN(len(followers))]
	kill(follower)
	follower.wipe()
	moment(rng, time.Second)
	follower.start()
}

// leaderWiped may bring the leader back empty before anybody else was elected.
func leaderWiped(w *workload, rng *rand.Rand) {
	partition, leader, id := w.victim(rng)
	kill(leader)
	leader.wipe()
	if rng.IntN(2) == 0 {
		w.goesOn(partition, id)
	}
	leader.start()
}

func leaderPaused(w *workload, rng *rand.Rand) {
	partition, leader, id := w.victim(rng)
	leader.signal(syscall.SIGSTOP)
	w.goesOn(partition, id)
	moment(rng, time.Second)
	leader.signal(syscall.SIGCONT)
}

func scPaused(w *workload, rng *rand.Rand) {
	w.c.sc.signal(syscall.SIGSTOP)
	time.Sleep(beyondLease) // the fault itself
	moment(rng, time.Second)
	w.c.sc.signal(syscall.SIGCONT)
}

func scKilled(w *workload, rng *rand.Rand) {
	partition, leader, id := w.victim(rng)
	kill(w.c.sc)
	moment(rng, beyondLease)
	kill(leader)
	moment(rng, beyondLease)
	w.c.sc.start()
	w.goesOn(partition, id)
	leader.start()
}

func allKilled(w *workload, rng *rand.Rand) {
	moment(rng, 300*time.Millisecond)
	kill(w.c.spus...)
	order := rng.Perm(len(w.c.spus))
	for _, i := range order {
		moment(rng, time.Second)
		w.c.spus[i].start()
	}
}

func rollingRestart(w *workload, rng *rand.Rand) {
	for _, i := range rng.Perm(len(w.c.spus)) {
		w.c.spus[i].stop()
		w.c.spus[i].start()
		w.c.untilInSync(topic)
	}
}
