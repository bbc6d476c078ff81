package partition

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/cmd/cmdtest"
	"github.com/fluvio-go/fluvio/internal/iostreams"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
	"github.com/spf13/cobra"
)

type fakeLister struct {
	partitions []api.Partition
	known      []api.ExtPartition // nil: a cluster of the original
	err        error
}

func (l *fakeLister) Partitions(_ context.Context, opts client.ListOptions) ([]api.Partition, error) {
	var out []api.Partition
	for _, p := range l.partitions {
		if p.Spec.System == opts.System {
			out = append(out, p)
		}
	}
	return out, l.err
}

func (l *fakeLister) DescribePartitions(context.Context, ...string) ([]api.ExtPartition, error) {
	if l.known == nil {
		return nil, client.ErrUnsupported
	}
	return l.known, nil
}

func sample() *fakeLister {
	online := func(hw, leo, size int64) api.PartitionStatus {
		return api.PartitionStatus{Resolution: api.PartitionOnline, Leader: api.ReplicaStatus{Spu: 5001, HW: hw, LEO: leo}, Size: size}
	}
	spec := func(m *api.PartitionMirror, replicas ...int32) api.PartitionSpec {
		return api.PartitionSpec{Leader: 5001, Replicas: replicas, Mirror: m}
	}
	replicated := online(2, 2, 2500)
	replicated.Replicas = []api.ReplicaStatus{{Spu: 5002, HW: 1, LEO: 1}, api.UnknownReplica}
	replicated.LRS, replicated.BaseOffset = 1, 7
	home := api.PartitionMirror{Side: api.MirrorHome, Home: api.HomePartition{RemoteCluster: "r1"}}
	source := home
	source.Home.Source = true
	remote := api.PartitionMirror{HomeCluster: "h", HomeSpuID: 5001, HomeSpuEndpoint: "a:9010"}
	target := remote
	target.Target = true
	return &fakeLister{partitions: []api.Partition{
		{Name: "t-2", Spec: spec(nil, 5001), Status: online(2, 2, 200)},
		{Name: "t-10", Spec: spec(nil, 5002, 5001, 5003), Status: replicated},
		{Name: "a-b-0", Spec: spec(&home), Status: online(0, 0, api.SizeNotSupported)},
		{Name: "a-b-1", Spec: spec(&source), Status: online(0, 0, api.SizeError)},
		{Name: "m-0", Spec: spec(&remote), Status: online(0, 0, 0)},
		{Name: "m-1", Spec: spec(&target), Status: api.PartitionStatus{Leader: api.UnknownReplica}},
		{Name: "nodash", Spec: spec(nil)},
		{Name: "consumer-offset-0", Spec: api.PartitionSpec{System: true}},
	}}
}

func runCmd(t *testing.T, l *fakeLister, args ...string) (string, error) {
	t.Helper()
	streams := &iostreams.Test{}
	f := cmdtest.Factory(streams)
	cmd := &cobra.Command{Use: "partition"}
	cmd.AddCommand(newListCmd(f, func(context.Context) (lister, func(), error) { return l, func() {}, nil }, nil))
	err := cmdtest.Run(t.Context(), cmd, append([]string{"partition", "list"}, args...)...)
	return streams.Out.String(), err
}

func TestList(t *testing.T) {
	for name, args := range map[string]string{"list": "", "list_system": "--system", "list_system_json": "-s -Ojson"} {
		out, err := runCmd(t, sample(), strings.Fields(args)...)
		if err != nil {
			t.Fatal(err)
		}
		cmdtest.Golden(t, name, out)
	}
}

// TestWide: what a cluster of ours knows, and what can be made of one of the
// original.
func TestWide(t *testing.T) {
	ours := sample()
	replica := func(id int32, inSync bool, hw, leo int64, lack string) api.ExtReplica {
		return api.ExtReplica{Spu: id, InSync: inSync, HW: hw, LEO: leo, Lack: lack}
	}
	ours.known = []api.ExtPartition{
		{Key: api.ReplicaKey{Topic: "t", Partition: 10}, Leader: 5001, LeaderEpoch: 4, Resolution: api.PartitionOnline, Size: 2500, BaseOffset: 7,
			Reason:   "2 of 3 replicas in sync, SPU 5003 is catching up",
			Replicas: []api.ExtReplica{replica(5002, true, 90, 101, ""), replica(5001, true, 90, 100, ""), replica(5003, false, 40, 40, "is catching up")}},
		{Key: api.ReplicaKey{Topic: "t", Partition: 2}, Leader: api.NoLeader, LeaderEpoch: 9, Resolution: api.PartitionLeaderOffline, Size: api.SizeNotSupported,
			Reason:   "no replica can lead: SPU 5001 is offline",
			Replicas: []api.ExtReplica{replica(5001, false, -1, -1, "is offline"), replica(5002, false, 3, 3, "lost its log and is catching up"), replica(5003, false, -1, -1, "")}},
		{Key: api.ReplicaKey{Topic: "gone-meanwhile"}},
	}
	for name, l := range map[string]*fakeLister{"wide": ours, "wide_theirs": sample()} {
		out, err := runCmd(t, l, "-O", "Wide")
		if err != nil {
			t.Fatal(err)
		}
		cmdtest.Golden(t, name, out)
	}
	if out, err := runCmd(t, &fakeLister{}, "-Owide"); err != nil || out != "No partitions found\n" {
		t.Errorf("%v, %q", err, out)
	}
	if _, err := runCmd(t, sample(), "-O", "xml"); err == nil || !strings.Contains(err.Error(), "table, yaml, json, toml, wide") {
		t.Error(err)
	}
}

// TestSpacing: HW, LEO, LEO again, and the number of followers in sync, with
// the blanks that scripts look for.
func TestSpacing(t *testing.T) {
	l := &fakeLister{partitions: sample().partitions[:1]}
	out, err := runCmd(t, l)
	if err != nil || !strings.Contains(out, "2   2    2    0") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestEmpty(t *testing.T) {
	for args, want := range map[string]string{"": "No partitions found\n", "-Ojson": "[]\n"} {
		if out, err := runCmd(t, &fakeLister{}, strings.Fields(args)...); err != nil || out != want {
			t.Errorf("%s: %v, %q", args, err, out)
		}
	}
}

func TestFailures(t *testing.T) {
	lost := &transport.ConnError{Addr: "a:1", Err: errors.New("cable cut")}
	_, err := runCmd(t, &fakeLister{err: lost})
	if err == nil || err.Error() != "Socket error: cable cut" || cmdtest.ExitCode(err) != uerr.Unreachable {
		t.Errorf("%v (%d)", err, cmdtest.ExitCode(err))
	}
	if _, err := runCmd(t, sample(), "-O", "toml"); err == nil || err.Error() != "Fluvio client error" {
		t.Error(err)
	}
}
