package topic

import (
	"context"
	"strconv"
	"time"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/cmd/view"
	"github.com/fluvio-go/fluvio/internal/humantime"
	"github.com/fluvio-go/fluvio/internal/output"
	"github.com/fluvio-go/fluvio/internal/table"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/spf13/cobra"
)

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
		Short: "List the topics of the cluster",
		Example: `  fluvio topic list
  fluvio topic list -O json
  fluvio topic list --system`,
		RunE: cmdutil.RunE(opts, nil, runF, listRun),
	}
	cmdutil.AddOutputFlag(cmd, &opts.output, output.Table)
	cmd.Flags().BoolVarP(&opts.system, "system", "s", false, "List system topics instead of the others")
	return cmd
}

func listRun(ctx context.Context, opts *listOptions) error {
	a, end, err := opts.connect(ctx)
	if err != nil {
		return err
	}
	defer end()
	topics, err := a.Topics(ctx, client.ListOptions{System: opts.system})
	if err != nil {
		return cmdutil.ExplainAdmin(err, "")
	}
	var configs map[string]*api.TopicConfig
	if opts.output.Format != output.Table {
		// The table has no column for them.
		if configs, err = topicConfigs(ctx, a, topics); err != nil {
			return cmdutil.ExplainAdmin(err, "")
		}
	}
	return output.Listing(opts.f.IO.Out, opts.output.Format, topics, "No topics found", listTable, func(t *api.Topic) view.Topic { return view.OfTopic(t, configs[t.Name]) })
}

// defaultRetention applies to topics without a cleanup policy.
const defaultRetention = 7 * 24 * time.Hour

func listTable(topics []api.Topic) *table.Table {
	t := &table.Table{Header: []string{
		"NAME", "TYPE", "PARTITIONS", "REPLICAS", "RETENTION TIME", "COMPRESSION", "DEDUPLICATION", "STATUS", "REASON",
	}}
	for i := range topics {
		name, spec, status := topics[i].Name, &topics[i].Spec, &topics[i].Status
		partitions, replicas, dedup := "", "", "none"
		if spec.Replicas.Kind == api.ReplicasComputed {
			partitions = strconv.FormatUint(uint64(spec.Replicas.Computed.Partitions), 10)
			replicas = strconv.FormatUint(uint64(spec.Replicas.Computed.ReplicationFactor), 10)
		}
		if spec.Deduplication != nil {
			dedup = spec.Deduplication.Uses
		}
		t.Rows = append(t.Rows, []string{
			name, typeLabel(&spec.Replicas), partitions, replicas, humantime.Format(retention(spec)),
			spec.Compression.String(), dedup, "resolution::" + status.Resolution.String(), status.Reason,
		})
	}
	return t
}

func retention(spec *api.TopicSpec) time.Duration {
	if spec.CleanupPolicy == nil {
		return defaultRetention
	}
	return time.Duration(spec.CleanupPolicy.TimeInSeconds) * time.Second
}

// typeLabel names how a topic's replicas come about.
func typeLabel(r *api.ReplicaSpec) string {
	switch {
	case r.Kind == api.ReplicasComputed:
		return "computed"
	case r.Kind == api.ReplicasAssigned:
		return "assigned"
	case r.Mirror.Side == api.MirrorRemote && r.Mirror.Target:
		return "from-home"
	case r.Mirror.Side == api.MirrorRemote:
		return "to-home"
	case r.Mirror.Source:
		return "to-remote"
	}
	return "from-remote"
}
