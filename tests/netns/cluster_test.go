//go:build netns && linux

package netns

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/netproto/api"
)

const (
	scPublic, scPrivate   = "9003", "9004"
	spuPublic, spuPrivate = 9005, 9006

	patience = time.Minute
	poll     = 5 * time.Millisecond
)

// until waits for a condition.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if t.Context().Err() != nil || time.Now().After(deadline) {
			t.Fatalf("no %s within %v", what, patience)
		}
		time.Sleep(poll)
	}
}

// node is the process of an SC or SPU, as often as it is started.
type node struct {
	t    testing.TB
	host host
	args []string
	dir  string // its data
	log  string // what all its processes wrote
	env  []string

	cmd  *exec.Cmd // nil while it does not run
	done chan error
}

func (n *node) start() {
	n.t.Helper()
	if n.cmd != nil {
		return
	}
	ready := filepath.Join(filepath.Dir(n.log), n.host.name+".addr")
	file, err := os.OpenFile(n.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		n.t.Fatal(err)
	}
	defer file.Close()
	if err := os.Remove(ready); err != nil && !errors.Is(err, os.ErrNotExist) {
		n.t.Fatal(err)
	}
	args := append([]string{"netns", "exec", lan.namespace(n.host.name), fluvioBin, "run"}, n.args...)
	cmd := exec.Command("ip", append(args, "--address-file", ready)...)
	cmd.Stdout, cmd.Stderr = file, file
	cmd.Env = append(os.Environ(), n.env...)
	// Ctrl-c is for the tests; who made the network ends what is in it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.cmd, n.done = cmd, make(chan error, 1)
	go func(done chan<- error) { done <- cmd.Wait() }(n.done)
	until(n.t, n.host.name+" that is ready", func() bool {
		select {
		case err := <-n.done:
			n.cmd = nil
			n.t.Fatalf("%s ended by itself: %v\n%s", n.host.name, err, tail(n.log))
		default:
		}
		_, err := os.Stat(ready)
		return err == nil
	})
}

// signal is for a running process.
func (n *node) signal(s syscall.Signal) {
	n.t.Helper()
	if err := n.cmd.Process.Signal(s); err != nil {
		n.t.Errorf("%v for %s: %v\n%s", s, n.host.name, err, tail(n.log))
	}
}

// kill returns when the processes are gone, which it ends all at once. Signals
// for a process that has ended by itself fail, so that does not go unnoticed.
func kill(nodes ...*node) {
	for _, n := range nodes {
		n.t.Helper()
		n.signal(syscall.SIGKILL)
	}
	for _, n := range nodes {
		<-n.done
		n.cmd = nil
	}
}

// stop ends the process in order.
func (n *node) stop() {
	n.t.Helper()
	if n.cmd == nil {
		return
	}
	n.signal(syscall.SIGTERM)
	select {
	case err := <-n.done:
		n.cmd = nil
		if err != nil {
			n.t.Errorf("%s ended with %v after SIGTERM\n%s", n.host.name, err, tail(n.log))
		}
	case <-time.After(patience):
		n.t.Fatalf("%s still runs %v after SIGTERM\n%s", n.host.name, patience, tail(n.log))
	}
}

// wipe takes the data of a node that does not run.
func (n *node) wipe() {
	n.t.Helper()
	if n.cmd != nil {
		n.t.Fatalf("%s runs", n.host.name)
	}
	if err := os.RemoveAll(n.dir); err != nil {
		n.t.Fatal(err)
	}
}

func tail(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.SplitAfter(string(data), "\n")
	const keep = 15
	return "… " + strings.Join(lines[max(0, len(lines)-keep):], "")
}

// cluster is an SC and three SPUs, registered and running.
type cluster struct {
	t     *testing.T
	dir   string
	sc    *node
	spus  []*node // SPU 1 is at index 0
	admin *client.Client
}

// newCluster starts one. The test's end ends it, and mends the network.
func newCluster(t *testing.T) *cluster {
	c := &cluster{t: t, dir: t.TempDir()}
	secret := filepath.Join(c.dir, "secret")
	if err := os.WriteFile(secret, []byte("what all nodes know"), 0o600); err != nil {
		t.Fatal(err)
	}
	newNode := func(h host, args ...string) *node {
		n := &node{t: t, host: h, dir: filepath.Join(c.dir, h.name), log: filepath.Join(c.dir, h.name+".log")}
		n.args = append(args, "--node-secret-file", secret)
		if level := os.Getenv("NETNS_LOG"); level != "" {
			n.env = []string{"RUST_LOG=" + level}
		}
		return n
	}
	c.sc = newNode(hostSC, "sc", "--bind-public", "0.0.0.0:"+scPublic, "--bind-private", hostSC.addr()+":"+scPrivate,
		"--local", filepath.Join(c.dir, hostSC.name))
	for i, h := range hostSPUs {
		c.spus = append(c.spus, newNode(h, "spu", "--id", fmt.Sprint(i+1), "--log-base-dir", filepath.Join(c.dir, h.name),
			"-p", fmt.Sprintf("0.0.0.0:%d", spuPublic), "-v", fmt.Sprintf("%s:%d", h.addr(), spuPrivate),
			"--sc-addr", hostSC.addr()+":"+scPrivate))
	}
	t.Cleanup(c.end)
	for _, n := range c.nodes() {
		n.start()
	}
	c.admin = c.dial()
	for i, h := range hostSPUs {
		spec := api.CustomSpuSpec{
			ID:      int32(i + 1),
			Public:  api.IngressPort{Port: spuPublic, Ingress: []api.Ingress{{IP: ptr(h.addr())}}},
			Private: api.Endpoint{Host: h.addr(), Port: spuPrivate},
		}
		if err := c.admin.Admin().RegisterCustomSpu(t.Context(), h.name, spec); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "three SPUs online", func() bool {
		spus, err := c.admin.Admin().Spus(t.Context(), client.ListOptions{})
		online := 0
		for i := range spus {
			if spus[i].Status.Resolution == api.SpuOnlineState {
				online++
			}
		}
		return err == nil && online == len(c.spus)
	})
	return c
}

func ptr[T any](v T) *T { return &v }

func (c *cluster) nodes() []*node { return append([]*node{c.sc}, c.spus...) }

func (c *cluster) end() {
	if c.admin != nil {
		c.admin.Close()
	}
	for _, n := range c.nodes() {
		if n.cmd != nil {
			kill(n)
		}
	}
	c.mend()
	dir := os.Getenv("NETNS_KEEP")
	if !c.t.Failed() || dir == "" {
		return
	}
	dir, err := os.MkdirTemp(dir, "netns")
	if err == nil {
		err = os.CopyFS(dir, os.DirFS(c.dir))
	}
	c.t.Logf("kept in %s: %v", dir, err)
}

func (c *cluster) dial(opts ...client.Option) *client.Client {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	cl, err := client.Dial(ctx, append(opts, client.WithEndpoint(hostSC.addr()+":"+scPublic))...)
	if err != nil {
		c.t.Fatal(err)
	}
	return cl
}

// cut drops what goes between two hosts, both ways.
func (c *cluster) cut(a, b host) {
	c.t.Helper()
	c.cutOneWay(a, b)
	c.cutOneWay(b, a)
}

func (c *cluster) cutOneWay(from, to host) {
	c.t.Helper()
	if err := lan.cut(from, to); err != nil {
		c.t.Fatal(err)
	}
}

// mend ends all cuts.
func (c *cluster) mend() {
	for _, from := range allHosts {
		for _, to := range allHosts {
			if from == to {
				continue
			}
			if err := lan.mend(from, to); err != nil {
				c.t.Error(err)
			}
		}
	}
}

// isolate cuts a host off from all others.
func (c *cluster) isolate(h host) {
	c.t.Helper()
	for _, other := range allHosts {
		if other != h {
			c.cut(h, other)
		}
	}
}

// createTopic makes a topic that is led and in sync everywhere.
func (c *cluster) createTopic(name string, partitions, replicas uint32, config api.TopicConfig, segment uint32) {
	c.t.Helper()
	spec := api.TopicSpec{Replicas: api.Computed(partitions, replicas), Compression: api.CompressionAny}
	if segment > 0 {
		spec.Storage = &api.TopicStorage{SegmentSize: &segment}
	}
	if err := c.admin.Admin().CreateTopic(c.t.Context(), name, spec, client.CreateTopicOptions{Config: config}); err != nil {
		c.t.Fatal(err)
	}
	c.untilInSync(name)
}

// partitions is what the SC says about a topic, or nil while it says nothing.
// SC and connection may be gone for a while.
func (c *cluster) partitions(topic string) []api.Partition {
	ctx, cancel := context.WithTimeout(c.t.Context(), patience/10)
	defer cancel()
	all, err := c.admin.Admin().Partitions(ctx, client.ListOptions{})
	if err != nil {
		return nil
	}
	var own []api.Partition
	for i := range all {
		if rest, ok := strings.CutPrefix(all[i].Name, topic+"-"); ok && !strings.Contains(rest, "-") {
			own = append(own, all[i])
		}
	}
	return own
}

// untilInSync waits until every replica of a topic is in sync.
func (c *cluster) untilInSync(topic string) {
	c.t.Helper()
	var seen []api.Partition
	defer func() {
		if c.t.Failed() {
			for i := range seen {
				c.t.Logf("%s: %+v, leader %d", seen[i].Name, seen[i].Status, seen[i].Spec.Leader)
			}
		}
	}()
	until(c.t, topic+" in sync everywhere", func() bool {
		seen = c.partitions(topic)
		for i := range seen {
			st := &seen[i].Status
			if st.Resolution != api.PartitionOnline || int(st.LRS)+1 != len(seen[i].Spec.Replicas) {
				return false
			}
		}
		return len(seen) > 0
	})
}

// leader waits until a partition has a leader that is not one of others, and
// returns its id.
func (c *cluster) leader(topic string, partition uint32, others ...int32) int32 {
	c.t.Helper()
	id := int32(-1)
	until(c.t, fmt.Sprintf("leader of %s-%d other than %v", topic, partition, others), func() bool {
		for _, p := range c.partitions(topic) {
			if p.Name != fmt.Sprintf("%s-%d", topic, partition) || p.Status.Resolution != api.PartitionOnline {
				continue
			}
			id = p.Spec.Leader
			for _, o := range others {
				if id == o {
					return false
				}
			}
			return id > 0
		}
		return false
	})
	return id
}

// spu is the SPU of that id.
func (c *cluster) spu(id int32) *node { return c.spus[id-1] }

// followers are the SPUs that are not leader.
func (c *cluster) followers(leader int32) []*node {
	var out []*node
	for i, n := range c.spus {
		if int32(i+1) != leader {
			out = append(out, n)
		}
	}
	return out
}
