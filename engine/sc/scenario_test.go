package sc

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fluvio-go/fluvio/engine/sc/meta"
	"github.com/fluvio-go/fluvio/engine/sc/meta/memstore"
	"github.com/fluvio-go/fluvio/netproto/api"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the expected results in testdata")

// Scenarios are scripts: commands, one per line, then ---- and what they
// print, up to an empty line. Each runs on its own clock, which moves only
// when everybody waits.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/scenario/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got string
			synctest.Test(t, func(t *testing.T) { got = runScenario(t, string(text)) })
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(text) {
				t.Errorf("%s: got\n%s", file, got)
			}
		})
	}
}

// scenario is a cluster that a script plays with.
type scenario struct {
	t     *testing.T
	store meta.Store
	c     *cluster
	cl    *client
	spus  map[int32]*fakeSpu
	left  map[int32]bool         // said goodbye in its last session
	boots map[int32]uint64       // last start
	known map[int32]*fakeSpu     // its last connection
	later map[string]chan string // results of commands that run in the background
	out   bytes.Buffer
}

// runScenario runs a script and returns it with what it really prints.
func runScenario(t *testing.T, script string) string {
	store := memstore.New(memstore.Options{ClusterID: strings.Repeat("c", 32)})
	s := &scenario{t: t, store: store, spus: make(map[int32]*fakeSpu), left: make(map[int32]bool), boots: make(map[int32]uint64), known: make(map[int32]*fakeSpu), later: make(map[string]chan string)}
	s.startSC()
	var out strings.Builder
	for block := range strings.SplitSeq(strings.TrimRight(script, "\n"), "\n\n") {
		commands, _, _ := strings.Cut(block, "\n----")
		s.out.Reset()
		comments := true
		for line := range strings.SplitSeq(commands, "\n") {
			if strings.HasPrefix(line, "#") {
				continue
			}
			comments = false
			s.run(strings.Fields(line))
			synctest.Wait()
		}
		out.WriteString(commands + "\n")
		if !comments {
			out.WriteString("----\n" + s.out.String())
		}
		out.WriteString("\n")
	}
	for _, spu := range s.spus {
		spu.kill()
	}
	s.cl.Close()
	s.c.stop()
	store.Close()
	return strings.TrimRight(out.String(), "\n") + "\n"
}

func (s *scenario) startSC() {
	s.c = startCluster(s.t, s.store, nil)
	s.cl = s.c.client()
}

func (s *scenario) printf(format string, args ...any) { fmt.Fprintf(&s.out, format+"\n", args...) }

func (s *scenario) id(text string) int32 {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		s.t.Fatal(err)
	}
	return int32(n)
}

func (s *scenario) run(words []string) {
	name, args := words[0], words[1:]
	if slices.Contains(args, "&") {
		args = args[:len(args)-1]
		done := make(chan string, 1)
		s.later[args[0]] = done
		cl := s.c.client() // requests on one connection wait for each other
		go func() {
			defer cl.Close()
			done <- s.request(cl, name, args)
		}()
		return
	}
	switch name {
	case "register":
		s.register(args)
	case "start":
		s.start(s.id(args[0]), uint64(s.id(args[1])), args[2:])
	case "stop":
		s.spus[s.id(args[0])].kill()
		delete(s.spus, s.id(args[0]))
	case "mute":
		s.spus[s.id(args[0])].setMute(true)
	case "report":
		s.report(args)
	case "isr":
		s.alterISR(args)
	case "move":
		s.moveLeaders(s.id(args[0]))
	case "hang":
		close(s.spus[s.id(args[0])].hung)
	case "counters":
		s.printf("%+v", s.c.Counters())
	case "sleep":
		d, err := time.ParseDuration(args[0])
		if err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(d)
	case "result":
		s.printf("%s", <-s.later[args[0]])
	case "restart-sc":
		for id, spu := range s.spus {
			spu.kill()
			delete(s.spus, id)
		}
		s.cl.Close()
		s.c.stop()
		s.startSC()
	case "state":
		s.state()
	case "seen":
		s.seen(s.id(args[0]))
	default:
		s.printf("%s", s.request(s.cl, name, args))
	}
}

// request makes a request to the public API.
func (s *scenario) request(cl *client, name string, args []string) string {
	switch name {
	case "create":
		req := &api.ExtCreateTopicRequest{Name: args[0]}
		s.spec(req, args[1:])
		var st api.Status
		if err := call(cl.Conn, api.KeyExtCreateTopic, api.ExtVersion, req, &st); err != nil {
			return err.Error()
		}
		return describe(&st)
	case "delete":
		return cl.deleteTopic(args[0], len(args) > 1)
	case "add":
		return cl.status(api.KeyUpdate, api.LabelTopic, &api.UpdateTopic{Name: args[0], Count: uint32(s.id(args[1]))})
	case "unregister":
		return cl.status(api.KeyDelete, api.LabelCustomSpu, &api.DeleteCustomSpu{Key: api.CustomSpuKey{ByID: true, ID: s.id(args[0])}})
	}
	s.t.Errorf("unknown command %s", name)
	return ""
}

// spec reads "3", three partitions, or the SPU ids of each partition: "on
// 5001,5002 5002,5001"; then settings: "rf 3", "min 2", "unclean", "always", "noracks".
func (s *scenario) spec(req *api.ExtCreateTopicRequest, args []string) {
	req.Spec = api.TopicSpec{Replicas: api.ReplicaSpec{Kind: api.ReplicasAssigned}, Compression: api.CompressionAny}
	if args[0] != "on" {
		req.Spec.Replicas = api.Computed(uint32(s.id(args[0])), 1)
	}
	for i := 1; i < len(args); i++ {
		switch args[i] {
		case "rf":
			i++
			req.Spec.Replicas.Computed.ReplicationFactor = uint32(s.id(args[i]))
		case "min":
			i++
			req.Config.MinInSync = uint32(s.id(args[i]))
		case "unclean":
			req.Config.UncleanElection = true
		case "always":
			req.Config.Durability = api.DurabilityAlways
		case "noracks":
			req.Spec.Replicas.Computed.IgnoreRack = true
		default:
			m := api.PartitionMap{ID: uint32(len(req.Spec.Replicas.Assigned)), Replicas: s.ids(strings.Split(args[i], ","))}
			req.Spec.Replicas.Assigned = append(req.Spec.Replicas.Assigned, m)
		}
	}
}

func (s *scenario) ids(words []string) []int32 {
	var out []int32
	for _, w := range words {
		out = append(out, s.id(w))
	}
	return out
}

func (s *scenario) register(args []string) {
	id := s.id(args[0])
	spec := customSpu(id)
	if len(args) > 1 {
		spec.Rack = &args[1]
	}
	if err := s.c.EnsureCustomSpu(context.Background(), spec, spuName(id)); err != nil {
		s.printf("%v", err)
	}
}

// start connects an SPU that sends heartbeats. It says that it was stopped in
// order if it said goodbye before or is "clean", is "wiped", which it finds out when it opens
// its logs, or "silent" about them. Another connection of the same start has
// nothing to find out.
func (s *scenario) start(id int32, boot uint64, how []string) {
	clean := s.left[id] || slices.Contains(how, "clean")
	again := boot == s.boots[id]
	s.left[id], s.boots[id] = false, boot
	conn, resp := s.c.register(id, boot, "", clean)
	if resp.Error.ID != api.OK {
		s.printf("%s: %s", resp.Error.ID.Name(), resp.Message)
		return
	}
	spu := s.c.serveSpu(id, conn, func(f *fakeSpu) {
		f.clean, f.wiped, f.silent = clean, slices.Contains(how, "wiped"), slices.Contains(how, "silent")
		if again {
			f.opened, f.losses = s.known[id].opened, s.known[id].losses
		}
	})
	s.spus[id], s.known[id] = spu, spu
	go func() {
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_ = spu.send(&api.ReportReplicasRequest{})
			case <-spu.hung:
				return
			case <-spu.done:
				return
			}
		}
	}()
}

// alterISR makes an SPU ask for an in-sync set: topic, partition, SPU ids, and
// perhaps what is wrong with the request.
func (s *scenario) alterISR(args []string) {
	spu := s.spus[s.id(args[0])]
	a := spu.has(args[1], uint32(s.id(args[2])))
	change := api.ISRChange{ReplicaRef: a.ReplicaRef, LeaderEpoch: a.LeaderEpoch, PartitionEpoch: a.PartitionEpoch}
	for _, w := range args[3:] {
		switch w {
		case "stale-leader":
			change.LeaderEpoch--
		case "stale-set":
			change.PartitionEpoch--
		case "other-topic":
			change.TopicID[0]++
		default:
			change.ISR = append(change.ISR, s.id(w))
		}
	}
	var resp api.AlterISRResponse
	for _, id := range change.ISR {
		change.Boots = append(change.Boots, s.boots[id])
	}
	err := call(spu.conn, api.KeyAlterISR, api.ClusterVersion, &api.AlterISRRequest{Changes: []api.ISRChange{change}}, &resp)
	if err != nil {
		s.t.Fatal(err)
	}
	r := resp.Results[0]
	s.printf("accepted=%t epochs %d/%d isr=%v", r.Accepted, r.LeaderEpoch, r.PartitionEpoch, r.ISR)
}

func (s *scenario) moveLeaders(id int32) {
	var resp api.MoveLeadersResponse
	if err := call(s.spus[id].conn, api.KeyMoveLeaders, api.ClusterVersion, &api.MoveLeadersRequest{}, &resp); err != nil {
		s.t.Fatal(err)
	}
	s.left[id] = true
	s.printf("remaining %d", resp.Remaining)
}

// report makes an SPU report one replica: topic, partition, state, perhaps
// "@" and where it ends, then "stale" for an older epoch, or what the log lost
// ("damage", "tail", or "whole" for nothing any more), or a reason.
func (s *scenario) report(args []string) {
	spu := s.spus[s.id(args[0])]
	r := serving(spu.has(args[1], uint32(s.id(args[2]))), 7)
	states := map[string]api.ReplicaState{"serving": api.ReplicaServing, "full": api.ReplicaOutOfStorage, "failed": api.ReplicaFailed}
	r.State = states[args[3]]
	rest := args[4:]
	if len(rest) > 0 && strings.HasPrefix(rest[0], "@") {
		r.HW, r.LEO = int64(s.id(rest[0][1:])), int64(s.id(rest[0][1:]))
		rest = rest[1:]
	}
	switch {
	case len(rest) > 0 && rest[0] == "stale":
		r.LeaderEpoch--
	case len(rest) > 0 && rest[0] == "damage":
		spu.lose(&r, api.LossDamage, "offsets 3 to 3 cannot be read")
	case len(rest) > 0 && rest[0] == "tail":
		spu.lose(&r, api.LossTail, "the log ends at offset 5, records up to 9 were committed")
	case len(rest) > 0 && rest[0] == "whole":
		spu.lose(&r, api.LossNone, "")
	default:
		r.Reason = strings.Join(rest, " ")
	}
	spu.mu.Lock()
	r = spu.withLoss(r)
	spu.mu.Unlock()
	spu.report(r)
}

func (s *scenario) state() {
	time.Sleep(time.Second) // for offsets, which are published with a delay
	synctest.Wait()
	for _, o := range s.cl.spus() {
		s.printf("spu %d %s", o.Spec.ID, o.Status.Resolution)
	}
	for _, system := range []bool{true, false} {
		for _, o := range s.cl.topics(system) {
			s.printf("%s", strings.TrimSpace(fmt.Sprintf("topic %s %s %v %s", o.Name, o.Status.Resolution, o.Status.ReplicaMap, o.Status.Reason)))
		}
		for _, o := range s.cl.partitions(system) {
			deleting := ""
			if o.Status.BeingDeleted {
				deleting = " being deleted"
			}
			s.printf("  %s leader=%d %s hw=%d%s%s", o.Name, o.Spec.Leader, o.Status.Resolution, o.Status.Leader.HW, describeReplicas(&o), deleting)
		}
	}
	s.storedState()
}

// describeReplicas is what clients see of the followers of a partition.
func describeReplicas(o *api.Partition) string {
	if len(o.Spec.Replicas) == 1 {
		return ""
	}
	text := fmt.Sprintf(" lrs=%d", o.Status.LRS)
	for _, r := range o.Status.Replicas {
		text += fmt.Sprintf(" %d:%d/%d", r.Spu, r.HW, r.LEO)
	}
	return text
}

// storedState prints what only the store knows.
func (s *scenario) storedState() {
	objects, _, err := s.store.List(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	var epochs []string
	for _, o := range objects {
		if p, ok := o.Value.(*meta.Partition); ok {
			text := fmt.Sprintf("%s=%d", o.Name, p.LeaderEpoch)
			if len(p.Replicas) > 1 {
				text += fmt.Sprintf("/%d led by %d isr=%v", p.PartitionEpoch, p.Leader, p.ISR)
			}
			epochs = append(epochs, text)
		}
	}
	s.printf("stored epochs %v", epochs)
}

// seen prints what an SPU was told since the last time.
func (s *scenario) seen(id int32) {
	spu := s.spus[id]
	spu.mu.Lock()
	defer spu.mu.Unlock()
	for _, u := range spu.seen {
		s.printf("%s", u)
	}
	spu.seen = nil
}
