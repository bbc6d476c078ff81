package partition

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/cmd/view"
	"github.com/fluvio-go/fluvio/internal/bytesize"
	"github.com/fluvio-go/fluvio/internal/output"
	"github.com/fluvio-go/fluvio/internal/table"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/spf13/cobra"
)

// lister is what the command asks of a cluster.
type lister interface {
	Partitions(ctx context.Context, opts client.ListOptions) ([]api.Partition, error)
	DescribePartitions(ctx context.Context, topics ...string) ([]api.ExtPartition, error)
}

type connectFunc func(context.Context) (l lister, close func(), err error)

func connector(f *cmdutil.Factory) connectFunc {
	return func(ctx context.Context) (lister, func(), error) {
		a, end, err := f.Admin(ctx)
		if err != nil {
			return nil, nil, err
		}
		return a, end, nil
	}
}

type listOptions struct {
	f       *cmdutil.Factory
	connect connectFunc
	system  bool
	output  cmdutil.OutputFlag
}

func newListCmd(f *cmdutil.Factory, connect connectFunc, runF func(context.Context, *listOptions) error) *cobra.Command {
	opts := &listOptions{f: f, connect: connect}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the partitions of all topics",
		Long: `List the partitions of all topics.

The table is that of the original, with its last columns under the wrong
headings, since scripts count them: after LEO come the leader's end offset once
more, the number of followers in sync, and the followers. -O wide has a table
of its own: all replicas in order of preference, those in sync, how many
records the farthest one lacks (LAG), each follower's position, and what is
wrong. Offsets of -1 are unknown: that SPU is away, or has just come.`,
		Example: `  fluvio partition list
  fluvio partition list -O wide
  fluvio partition list -O json`,
		RunE: cmdutil.RunE(opts, nil, runF, listRun),
	}
	cmdutil.AddWideOutputFlag(cmd, &opts.output, output.Table)
	cmd.Flags().BoolVarP(&opts.system, "system", "s", false, "List partitions of system topics instead of the others")
	return cmd
}

func listRun(ctx context.Context, opts *listOptions) error {
	l, end, err := opts.connect(ctx)
	if err != nil {
		return err
	}
	defer end()
	partitions, err := l.Partitions(ctx, client.ListOptions{System: opts.system})
	if err != nil {
		return cmdutil.ExplainAdmin(err, "")
	}
	if opts.output.Wide {
		known, err := l.DescribePartitions(ctx)
		if err != nil && !errors.Is(err, client.ErrUnsupported) {
			return cmdutil.ExplainAdmin(err, "")
		}
		return output.List(opts.f.IO.Out, output.Table, partitions, "No partitions found",
			func(p []api.Partition) *table.Table { return wideTable(p, known) })
	}
	return output.Listing(opts.f.IO.Out, opts.output.Format, partitions, "No partitions found", listTable, view.OfPartition)
}

// listTable has a cell more than headers: the leader's end offset stands twice
// and shifts what follows. Scripts count these columns.
func listTable(partitions []api.Partition) *table.Table {
	t := &table.Table{Header: []string{
		"TOPIC", "PARTITION", "LEADER", "MIRROR", "REPLICAS", "RESOLUTION",
		"SIZE", "BASE", "HW", "LEO", "LRS", "FOLLOWER OFFSETS",
	}}
	sorted := byName(partitions)
	for i := range sorted {
		spec, status := &sorted[i].Spec, &sorted[i].Status
		topic, partition := split(sorted[i].Name)
		leo := strconv.FormatInt(status.Leader.LEO, 10)
		t.Rows = append(t.Rows, []string{
			topic, partition, strconv.Itoa(int(spec.Leader)), mirrorText(spec.Mirror), followers(spec),
			status.Resolution.String(), sizeText(status.Size), strconv.FormatInt(status.BaseOffset, 10),
			strconv.FormatInt(status.Leader.HW, 10), leo, leo,
			strconv.FormatUint(uint64(status.LRS), 10), followerOffsets(status.Replicas),
		})
	}
	return t
}

// byName is the order of the original, that of the names as texts.
func byName(partitions []api.Partition) []api.Partition {
	sorted := slices.Clone(partitions)
	slices.SortFunc(sorted, func(a, b api.Partition) int { return strings.Compare(a.Name, b.Name) })
	return sorted
}

func split(name string) (topic, partition string) {
	key, err := api.ParseReplicaKey(name)
	if err != nil {
		return err.Error(), "-1"
	}
	return key.Topic, strconv.FormatUint(uint64(key.Partition), 10)
}

func mirrorText(m *api.PartitionMirror) string {
	switch {
	case m == nil:
		return ""
	case m.Side == api.MirrorHome && m.Home.Source:
		return m.Home.RemoteCluster + "(to-remote)"
	case m.Side == api.MirrorHome:
		return m.Home.RemoteCluster + "(from-remote)"
	}
	direction := "to-home"
	if m.Target {
		direction = "from-home"
	}
	return fmt.Sprintf("%s:%d:%s(%s)", m.HomeCluster, m.HomeSpuID, m.HomeSpuEndpoint, direction)
}

func followers(spec *api.PartitionSpec) string {
	var ids []string
	for _, id := range spec.Replicas {
		if id != spec.Leader {
			ids = append(ids, strconv.Itoa(int(id)))
		}
	}
	return "[" + strings.Join(ids, ", ") + "]"
}

func sizeText(n int64) string {
	switch {
	case n == api.SizeNotSupported:
		return "NA"
	case n < 0:
		return "ERROR"
	}
	return bytesize.Format(uint64(n))
}

// followerOffsets writes positions in the debug form of the original.
func followerOffsets(replicas []api.ReplicaStatus) string {
	texts := make([]string, len(replicas))
	for i, r := range replicas {
		texts[i] = fmt.Sprintf("ReplicaStatus { spu: %d, hw: %d, leo: %d }", r.Spu, r.HW, r.LEO)
	}
	return "[" + strings.Join(texts, ", ") + "]"
}
