package topic

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/cmd/view"
	"github.com/fluvio-go/fluvio/internal/output"
	"github.com/fluvio-go/fluvio/internal/table"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/spf13/cobra"
)

type describeOptions struct {
	f       *cmdutil.Factory
	connect connectFunc
	name    string
	output  cmdutil.OutputFlag
}

func newDescribeCmd(f *cmdutil.Factory, connect connectFunc, runF func(context.Context, *describeOptions) error) *cobra.Command {
	opts := &describeOptions{f: f, connect: connect}
	cmd := &cobra.Command{
		Use:   "describe <name>",
		Short: "Show the settings and the state of topics",
		Long: `Show the settings and the state of every topic whose name contains the given
one. Partitions that do not serve, or lack copies, are listed with the reason.`,
		Example: `  fluvio topic describe orders
  fluvio topic describe orders -O yaml`,
		ValidArgsFunction: f.CompleteTopics(false),
		RunE:              cmdutil.RunE(opts, func(args []string) { opts.name = args[0] }, runF, describeRun),
	}
	cmdutil.AddOutputFlag(cmd, &opts.output, output.Table)
	return cmd
}

func describeRun(ctx context.Context, opts *describeOptions) error {
	a, end, err := opts.connect(ctx)
	if err != nil {
		return err
	}
	defer end()
	topics, err := a.Topics(ctx, client.ListOptions{Filters: []string{opts.name}})
	if err != nil {
		return cmdutil.ExplainAdmin(err, "")
	}
	configs, err := topicConfigs(ctx, a, topics)
	if err != nil {
		return cmdutil.ExplainAdmin(err, "")
	}
	if opts.output.Format == output.Table {
		troubles, err := topicTroubles(ctx, a, topics)
		if err != nil {
			return cmdutil.ExplainAdmin(err, "")
		}
		return writeDescriptions(opts, topics, configs, troubles)
	}
	views := make([]view.Topic, len(topics))
	for i := range topics {
		views[i] = view.OfTopic(&topics[i], configs[topics[i].Name])
	}
	return output.Write(opts.f.IO.Out, opts.output.Format, views)
}

// topicConfigs returns the settings that only our clusters keep, by topic;
// none when the cluster is not one of ours.
func topicConfigs(ctx context.Context, a admin, topics []api.Topic) (map[string]*api.TopicConfig, error) {
	if len(topics) == 0 {
		return nil, nil
	}
	names := make([]string, len(topics))
	for i := range topics {
		names[i] = topics[i].Name
	}
	described, err := a.DescribeTopics(ctx, names...)
	if errors.Is(err, client.ErrUnsupported) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	configs := make(map[string]*api.TopicConfig, len(described))
	for i := range described {
		configs[described[i].Name] = &described[i].Config
	}
	return configs, nil
}

func writeDescriptions(opts *describeOptions, topics []api.Topic, configs map[string]*api.TopicConfig, troubles map[string][]trouble) error {
	w := opts.f.IO.Out
	if len(topics) != 1 {
		fmt.Fprintf(w, "Retrieved %d out of %d topics\n", len(topics), len(topics))
	}
	for i := range topics {
		if len(topics) > 1 {
			fmt.Fprint(w, "\nTOPIC DETAILS\n-------------\n")
		}
		if err := table.RenderKeyValues(w, description(&topics[i], configs[topics[i].Name], troubles[topics[i].Name])); err != nil {
			return err
		}
	}
	return nil
}

// description lists what is shown of a topic. config is nil where the cluster
// has none.
func description(t *api.Topic, config *api.TopicConfig, troubles []trouble) []table.KeyValue {
	var pairs []table.KeyValue
	add := func(key, value string) { pairs = append(pairs, table.KeyValue{Key: key, Value: value}) }
	add("Name", t.Name)
	add("Type", typeLabel(&t.Spec.Replicas))
	if t.Spec.Replicas.Kind == api.ReplicasComputed {
		c := &t.Spec.Replicas.Computed
		add("Partition Count", strconv.FormatUint(uint64(c.Partitions), 10))
		add("Replication Factor", strconv.FormatUint(uint64(c.ReplicationFactor), 10))
		add("Ignore Rack Assignment", strconv.FormatBool(c.IgnoreRack))
	}
	if d := t.Spec.Deduplication; d != nil {
		add("Deduplication Filter", d.Uses)
		pairs = append(pairs, table.KeyValue{
			Key: "Deduplication Count Bound", Value: strconv.FormatUint(d.Count, 10), Bare: d.Count == 0,
		})
		age := table.KeyValue{Key: "Deduplication Age Bound", Bare: d.Age == nil}
		if d.Age != nil {
			age.Value = view.Age(d.Age)
		}
		pairs = append(pairs, age)
	}
	if config != nil {
		add("Durability", durabilityText(config.Durability, &t.Spec.Replicas))
		add("Min In-Sync Replicas", strconv.FormatUint(uint64(max(config.MinInSync, 1)), 10))
		add("Unclean Election", strconv.FormatBool(config.UncleanElection))
	}
	add("Status", t.Status.Resolution.String())
	add("Reason", t.Status.Reason)
	for _, tr := range troubles {
		add("Partitions", idRanges(tr.partitions)+": "+tr.reason)
	}
	return append(pairs, table.KeyValue{Key: "-----------------", Bare: true})
}

// durabilityText names a mode, and for auto also what that means.
func durabilityText(d api.Durability, r *api.ReplicaSpec) string {
	n := replication(r)
	switch {
	case d != api.DurabilityAuto:
		return d.String()
	case d.Commits(n):
		return fmt.Sprintf("%s (replicated)", d)
	}
	return fmt.Sprintf("%s (%s)", d, d.Resolve(n))
}

func replication(r *api.ReplicaSpec) int {
	switch {
	case r.Kind == api.ReplicasComputed:
		return int(r.Computed.ReplicationFactor)
	case r.Kind == api.ReplicasAssigned && len(r.Assigned) > 0:
		return len(r.Assigned[0].Replicas)
	}
	return 1
}
