//go:build sim

package sim

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"time"

	"github.com/fluvio-go/fluvio/engine/log/vfs/errorfs"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// fault is something that goes wrong, if it can at the moment.
type fault struct {
	weight int
	do     func(w *world)
}

var faults = []fault{
	{6, (*world).killOne},
	{1, (*world).killAll},
	{3, (*world).stopOne},
	{5, (*world).powerLoss},
	{3, (*world).diskLoss},
	{4, (*world).relapse},
	{3, (*world).killSC},
	{5, (*world).cutSC},
	{6, (*world).cutPeers},
	{4, (*world).isolate},
	{3, (*world).cutClients},
	{3, (*world).slowLink},
	{3, (*world).stallDisk},
	{3, (*world).failDisk},
	{2, (*world).fillDisk},
	{2, (*world).jumpClock},
}

// direct lets things go wrong for a while.
func (w *world) direct() {
	total := 0
	for _, f := range faults {
		total += f.weight
	}
	for end := time.Now().Add(w.opts.faults); time.Now().Before(end) && len(w.ledger.broken()) == 0; {
		w.wait(time.Now().Add(w.span(20*time.Millisecond, 1500*time.Millisecond)))
		pick := w.rng.IntN(total)
		for _, f := range faults {
			if pick -= f.weight; pick < 0 {
				f.do(w)
				break
			}
		}
	}
}

// span is a random time, short ones more often.
func (w *world) span(least, most time.Duration) time.Duration {
	f := w.rng.Float64()
	return least + time.Duration(f*f*float64(most-least))
}

// anyUp returns an SPU that is up, or nil.
func (w *world) anyUp() *spuNode {
	n := w.spus[w.rng.IntN(len(w.spus))]
	// The leader is the most interesting one.
	if leader := w.partition(w.rng.Uint32N(w.opts.partitions)).Leader; leader != api.NoLeader && w.rng.IntN(2) == 0 {
		n = w.spus[leader-1]
	}
	if n.now() != up {
		return nil
	}
	return n
}

func (w *world) restart(n *spuNode) {
	w.later(w.span(10*time.Millisecond, 6*time.Second), "start "+n.host, n.startIfDown)
}

func (w *world) killOne() {
	n := w.anyUp()
	if n == nil {
		return
	}
	w.note("kill -9 %s", n.host)
	n.kill(false)
	w.restart(n)
}

// killAll ends all SPUs at once. Their disks keep what they wrote.
func (w *world) killAll() {
	w.note("kill -9 of all SPUs")
	for _, n := range w.spus {
		if n.now() == up {
			n.kill(false)
			w.restart(n)
		}
	}
}

func (w *world) stopOne() {
	n := w.anyUp()
	if n == nil {
		return
	}
	w.note("stop %s", n.host)
	n.stop()
	w.restart(n)
}

// powerLoss unplugs an SPU. Records that were not synced are lost; that must
// not matter as long as it happens to one at a time, and never matters where
// every record is synced.
func (w *world) powerLoss() {
	n := w.anyUp()
	if n == nil || !w.calm() && w.opts.durability != api.DurabilityAlways {
		return
	}
	w.note("power loss of %s", n.host)
	n.losePower(w.rng)
	w.restart(n)
}

// relapse unplugs a follower, lets it catch up slowly when it is back, and then
// ends the others: nobody may count on it before it has everything again.
func (w *world) relapse() {
	leader := w.partition(w.rng.Uint32N(w.opts.partitions)).Leader
	if !w.calm() {
		return
	}
	var others []*spuNode
	for _, n := range w.spus {
		if n.id != leader {
			others = append(others, n)
		}
	}
	if w.rng.IntN(2) == 0 {
		others[0], others[1] = others[1], others[0]
	}
	n, third, first := others[0], others[1], w.spus[leader-1]
	w.note("power loss of %s, which then catches up slowly", n.host)
	n.losePower(w.rng)
	back := w.span(10*time.Millisecond, time.Second)
	w.net.slow(first.host, n.host, w.span(100*time.Millisecond, 2*time.Second))
	w.later(back, "start "+n.host, n.startIfDown)
	for _, m := range []*spuNode{third, first} {
		w.later(back+w.span(50*time.Millisecond, 1500*time.Millisecond), "kill -9 "+m.host, func() {
			if m.now() == up {
				m.kill(false)
				// Long enough for a lease to end, so that somebody else leads.
				w.later(3*time.Second+w.span(0, 4*time.Second), "start "+m.host, m.startIfDown)
			}
		})
	}
	w.later(back+5*time.Second, "quick "+first.host+" -> "+n.host, func() { w.net.slow(first.host, n.host, 0) })
}

func (w *world) diskLoss() {
	n := w.anyUp()
	if n == nil || !w.calm() {
		return
	}
	w.note("disk of %s is lost", n.host)
	n.loseDisk()
	w.restart(n)
}

func (w *world) killSC() {
	if w.sc.now() != up {
		return
	}
	dark := w.rng.IntN(2) == 0
	w.note("kill -9 of the SC, host gone: %v", dark)
	w.sc.kill(dark)
	w.later(w.span(10*time.Millisecond, 4*time.Second), "start SC", w.sc.startIfDown)
}

// cut cuts between two hosts, in both directions or one, for a while.
func (w *world) cut(a, b string) {
	d := w.span(50*time.Millisecond, 5*time.Second)
	way := w.rng.IntN(4)
	if way != 1 {
		w.net.cut(a, b)
	}
	if way != 2 {
		w.net.cut(b, a)
	}
	arrow := [...]string{"<->", "<-", "->", "<->"}[way]
	w.note("cut %s %s %s for %v", a, arrow, b, d)
	w.later(d, fmt.Sprintf("heal %s %s %s", a, arrow, b), func() {
		if way != 1 {
			w.net.heal(a, b)
		}
		if way != 2 {
			w.net.heal(b, a)
		}
	})
}

func (w *world) cutSC() {
	n := w.anyUp()
	if n == nil {
		return
	}
	w.cut(n.host, scHost)
}

func (w *world) cutPeers() {
	i := w.rng.IntN(len(w.spus))
	j := (i + 1 + w.rng.IntN(len(w.spus)-1)) % len(w.spus)
	w.cut(w.spus[i].host, w.spus[j].host)
}

// isolate cuts an SPU off from the SC and its peers, not from clients.
func (w *world) isolate() {
	n := w.anyUp()
	if n == nil {
		return
	}
	d := w.span(200*time.Millisecond, 6*time.Second)
	w.note("isolate %s for %v", n.host, d)
	others := []string{scHost}
	for _, m := range w.spus {
		if m != n {
			others = append(others, m.host)
		}
	}
	for _, o := range others {
		w.net.cut(n.host, o)
		w.net.cut(o, n.host)
	}
	w.later(d, "end of isolation of "+n.host, func() {
		for _, o := range others {
			w.net.heal(n.host, o)
			w.net.heal(o, n.host)
		}
	})
}

func (w *world) cutClients() {
	n := w.anyUp()
	if n == nil {
		return
	}
	d := w.span(50*time.Millisecond, 3*time.Second)
	w.note("no clients at %s for %v", n.host, d)
	names := w.userNames()
	for _, c := range names {
		w.net.cut(n.host, c)
	}
	w.later(d, "clients at "+n.host, func() {
		for _, c := range names {
			w.net.heal(n.host, c)
		}
	})
}

func (w *world) slowLink() {
	from, to := w.spus[w.rng.IntN(len(w.spus))].host, scHost
	if j := w.rng.IntN(len(w.spus) + 1); j < len(w.spus) {
		to = w.spus[j].host
	}
	if from == to {
		return
	}
	by, d := w.span(time.Millisecond, 800*time.Millisecond), w.span(100*time.Millisecond, 5*time.Second)
	w.note("%s -> %s is slow by %v for %v", from, to, by, d)
	w.net.slow(from, to, by)
	w.net.slow(to, from, by/2)
	w.later(d, "quick "+from+" -> "+to, func() {
		w.net.slow(from, to, 0)
		w.net.slow(to, from, 0)
	})
}

// stallDisk makes everything that writes wait, as a process that is stopped
// in the middle of it does.
func (w *world) stallDisk() {
	n := w.anyUp()
	if n == nil {
		return
	}
	d := w.span(100*time.Millisecond, 4*time.Second)
	op := []errorfs.Op{errorfs.OpWrite, errorfs.OpSync}[w.rng.IntN(2)]
	until := time.Now().Add(d)
	w.note("disk of %s: every %s waits for %v", n.host, op, d)
	remove := n.disk.Inject(errorfs.Rule{Op: op, Do: func() { time.Sleep(time.Until(until)) }})
	w.later(d, "disk of "+n.host+" goes on", remove)
}

var errDisk = errors.New("simulated I/O error")

// failDisk makes writes or syncs fail. What was written since the last sync is
// lost then, so it counts like a power loss.
func (w *world) failDisk() {
	n := w.anyUp()
	if n == nil || !w.calm() {
		return
	}
	d := w.span(100*time.Millisecond, 3*time.Second)
	op := []errorfs.Op{errorfs.OpWrite, errorfs.OpSync}[w.rng.IntN(2)]
	w.note("disk of %s: every %s fails for %v", n.host, op, d)
	remove := n.disk.Inject(errorfs.Rule{Op: op, Err: errDisk, Short: w.rng.IntN(2) == 0})
	w.sick++
	w.later(d, "disk of "+n.host+" is well", func() { remove(); w.sick-- })
}

func (w *world) fillDisk() {
	n := w.anyUp()
	if n == nil {
		return
	}
	d := w.span(100*time.Millisecond, 4*time.Second)
	w.note("disk of %s is full for %v", n.host, d)
	disk := n.disk
	remove := disk.Inject(errorfs.Rule{Op: errorfs.OpWrite, Err: syscall.ENOSPC, Short: w.rng.IntN(2) == 0})
	w.later(d, "space on "+n.host, remove)
}

// jumpClock changes the wall clock of an SPU by less than the retention.
func (w *world) jumpClock() {
	n := w.spus[w.rng.IntN(len(w.spus))]
	by := time.Duration(w.rng.Int64N(int64(40*time.Hour))) - 20*time.Hour
	w.note("clock of %s is off by %v", n.host, by)
	n.setSkew(by)
}

// heal ends every fault and starts whatever is down.
func (w *world) heal() {
	w.note("everything heals")
	w.mu.Lock()
	due := w.due
	w.due = nil
	w.mu.Unlock()
	for _, e := range due {
		e.do()
	}
	for _, n := range w.spus {
		n.startIfDown()
	}
	w.sc.startIfDown()
}

// patience is how long a cluster may take to be whole again: lease, back-offs
// and lag together are less.
const patience = 90 * time.Second

// converge waits until every partition is led, in sync and takes records.
func (w *world) converge() {
	for end := time.Now().Add(patience); !w.calm(); {
		if time.Now().After(end) {
			w.ledger.fail("%v after the last fault the cluster is not whole:\n%s", patience, w.describe())
			return
		}
		w.wait(time.Now().Add(50 * time.Millisecond))
	}
	for i := range w.opts.partitions {
		if !w.lastWord(i) {
			w.ledger.fail("%v after the last fault partition %d takes no records:\n%s", patience, i, w.describe())
		}
	}
}

// lastWord commits one more record.
func (w *world) lastWord(partition uint32) bool {
	u := w.newUser("end", partition)
	defer u.drop()
	seq := 0
	for end := time.Now().Add(patience); time.Now().Before(end); {
		before := w.ledger.count(partition)
		seq++
		if u.connect() && u.send([][]string{{fmt.Sprintf("end/%d/", seq)}}) && w.ledger.count(partition) > before {
			return true
		}
		u.drop()
		w.wait(time.Now().Add(100 * time.Millisecond))
	}
	return false
}

// settle stops the clients and then the nodes, as they should be stopped, and
// compares what is left on their disks.
func (w *world) settle() {
	w.cancel()
	w.users.Wait()
	w.wait(time.Now().Add(2 * time.Second)) // what clients have sent may still be on its way
	for end := time.Now().Add(patience); !w.same() && time.Now().Before(end); {
		w.wait(time.Now().Add(50 * time.Millisecond))
	}
	for _, n := range w.spus {
		if n.now() == up {
			n.stop()
		}
	}
	w.tasks.Wait()
	for i := range w.opts.partitions {
		w.compare(i)
	}
}

// same reports whether the replicas of every partition are the same now.
func (w *world) same() bool {
	for i := range w.opts.partitions {
		for _, b := range w.logs(i)[1:] {
			if !bytes.Equal(b, w.logs(i)[0]) {
				return false
			}
		}
	}
	return true
}

// logs is what each SPU has of a partition.
func (w *world) logs(partition uint32) (logs [][]byte) {
	for _, n := range w.spus {
		dir := filepath.Join(dataDir, fmt.Sprintf("spu-logs-%d", n.id), api.ReplicaKey{Topic: topicName, Partition: partition}.String())
		b, err := readLog(n.mem, dir)
		if err != nil {
			b = []byte(err.Error())
		}
		logs = append(logs, b)
	}
	return logs
}

func (w *world) compare(partition uint32) {
	logs := w.logs(partition)
	for i, b := range logs[1:] {
		if !bytes.Equal(b, logs[0]) {
			w.ledger.fail("partition %d: logs of spu-1 and %s differ: %s", partition, w.spus[i+1].host, difference(logs[0], b))
		}
	}
	w.ledger.check(partition, logs[0])
}

// difference says where two logs part.
func difference(a, b []byte) string {
	as, errA := decode(a)
	bs, errB := decode(b)
	i := 0
	for i < min(len(as), len(bs)) && as[i] == bs[i] {
		i++
	}
	at := func(es []entry) string {
		if i == len(es) {
			return "the end"
		}
		return fmt.Sprintf("%q of epoch %d", brief(es[i].value), es[i].epoch)
	}
	return fmt.Sprintf("at offset %d, %s and %s, in %d records (%v) and %d (%v)", i, at(as), at(bs), len(as), errA, len(bs), errB)
}

// users begins the workload.
func (w *world) startUsers() {
	for i := range w.opts.partitions {
		for j := range 2 {
			u := w.newUser(fmt.Sprintf("producer-%d-%d", i, j), i)
			w.users.Go(u.produce)
		}
		u := w.newUser(fmt.Sprintf("consumer-%d", i), i)
		w.users.Go(u.consume)
	}
	// One that reads from the beginning again and again, wherever it can.
	for i := range w.opts.partitions {
		u := w.newUser(fmt.Sprintf("reader-%d", i), i)
		w.users.Go(func() {
			for u.rest(3 * time.Second) {
				u.readOnce()
			}
			u.drop()
		})
	}
}

func (w *world) userNames() (names []string) {
	for i := range w.opts.partitions {
		for j := range 2 {
			names = append(names, fmt.Sprintf("producer-%d-%d", i, j))
		}
		names = append(names, fmt.Sprintf("consumer-%d", i), fmt.Sprintf("reader-%d", i))
	}
	return names
}

// result is what a run shows.
type result struct {
	seed       uint64
	opts       options
	violations []string
	story      string
	trace      uint64
	acks       int
	reads      int
	delivered  int
	epochs     int32
	lines      []string
}

func (r *result) String() string {
	return fmt.Sprintf("seed %d: %d acknowledged, %d read, %d elections, %d segments delivered, trace %016x", r.seed, r.acks, r.reads, r.epochs, r.delivered, r.trace)
}

// play is one whole run. It must be called in a synctest bubble.
func (w *world) play() *result {
	defer w.end()
	w.startUsers()
	w.direct()
	if len(w.ledger.broken()) == 0 {
		w.heal()
		w.converge()
	}
	r := &result{seed: w.seed, opts: w.opts}
	for i := range w.opts.partitions {
		r.epochs += w.partition(i).LeaderEpoch - 1
	}
	if len(w.ledger.broken()) == 0 {
		w.settle()
	}
	r.violations, r.story = w.ledger.broken(), w.story()
	r.trace, r.delivered = w.net.fingerprint()
	r.acks, r.reads = w.ledger.totals()
	return r
}
