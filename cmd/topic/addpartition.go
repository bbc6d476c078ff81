package topic

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/table"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/spf13/cobra"
)

// silence is how long the cluster may keep quiet while partitions are made.
const silence = 10 * time.Second

type addPartitionOptions struct {
	f       *cmdutil.Factory
	connect connectFunc
	topic   string
	count   uint32
	silence time.Duration
}

func newAddPartitionCmd(f *cmdutil.Factory, connect connectFunc, runF func(context.Context, *addPartitionOptions) error) *cobra.Command {
	opts := &addPartitionOptions{f: f, connect: connect, silence: silence}
	cmd := &cobra.Command{
		Use:   "add-partition <TOPIC>",
		Short: "Give a topic more partitions",
		Long: `Give a topic more partitions and show where they are. Records that exist stay
where they are; records with a key may go to other partitions from now on.`,
		Example: `  fluvio topic add-partition orders
  fluvio topic add-partition orders --count 3`,
		ValidArgsFunction: f.CompleteTopics(false),
		RunE:              cmdutil.RunE(opts, func(args []string) { opts.topic = args[0] }, runF, addPartitionRun),
	}
	cmd.Flags().Uint32VarP(&opts.count, "count", "c", 1, "Number of partitions to add")
	return cmd
}

func addPartitionRun(ctx context.Context, opts *addPartitionOptions) error {
	if opts.count == 0 {
		return cmdutil.ErrInvalidArg("count must be at least 1")
	}
	a, end, err := opts.connect(ctx)
	if err != nil {
		return err
	}
	defer end()
	topics, err := a.Topics(ctx, client.ListOptions{Filters: []string{opts.topic}})
	if err != nil {
		return cmdutil.ExplainAdmin(err, "")
	}
	i := slices.IndexFunc(topics, func(t api.Topic) bool { return t.Name == opts.topic })
	if i < 0 {
		why, next := cmdutil.NoSuchTopic(ctx, a, opts.topic, "fluvio topic add-partition %s")
		return &uerr.Error{What: fmt.Sprintf("topic \"%s\" not found", opts.topic), Why: why, Next: next, Code: uerr.NotFound}
	}
	before := topics[i].Status.ReplicaMap
	after, err := growTopic(ctx, opts, a, len(before)+int(opts.count))
	if err != nil {
		return err
	}
	fmt.Fprintf(opts.f.IO.Out, "added new partitions to topic: \"%s\"\n", opts.topic)
	return placement(before, after).Render(opts.f.IO.Out, 0)
}

var errSilence = errors.New("response timeout exceeded")

// growTopic asks for the partitions once the watch is open, so that no update
// is missed, and returns the replica map with want entries.
func growTopic(ctx context.Context, opts *addPartitionOptions, a admin, want int) (map[uint32][]int32, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	quiet := time.AfterFunc(opts.silence, func() { cancel(errSilence) })
	defer quiet.Stop()
	asked := false
	for update, err := range a.WatchTopics(ctx) {
		if err != nil {
			if context.Cause(ctx) == errSilence {
				return nil, timeoutError(opts, want)
			}
			return nil, cmdutil.ExplainAdmin(err, "")
		}
		quiet.Reset(opts.silence)
		if !asked {
			if err := a.AddPartitions(ctx, opts.topic, opts.count); err != nil {
				return nil, cmdutil.ExplainAdmin(err, "")
			}
			asked = true
		}
		if m := replicaMap(&update, opts.topic); len(m) >= want {
			return m, nil
		}
	}
	return nil, timeoutError(opts, want)
}

func timeoutError(opts *addPartitionOptions, want int) error {
	return &uerr.Error{
		What: errSilence.Error(), Code: uerr.TimedOut, Err: errSilence,
		Why:  fmt.Sprintf("the partitions were asked for, but the topic did not get to %d partitions within %v of the last update", want, opts.silence),
		Next: []string{"fluvio topic describe " + opts.topic, "fluvio partition list", "fluvio cluster spu list"},
	}
}

// replicaMap returns the placement that an update has for a topic.
func replicaMap(u *topicUpdate, name string) map[uint32][]int32 {
	for i := range u.All {
		if u.All[i].Name == name {
			return u.All[i].Status.ReplicaMap
		}
	}
	for i := range u.Changes {
		if c := &u.Changes[i]; c.Object.Name == name && !c.Deleted {
			return c.Object.Status.ReplicaMap
		}
	}
	return nil
}

// placement lists the partitions that are new or have moved, with their
// leaders.
func placement(before, after map[uint32][]int32) *table.Table {
	t := &table.Table{Header: []string{"PARTITION", "SPU"}}
	for _, id := range slices.Sorted(maps.Keys(after)) {
		replicas := after[id]
		if old, ok := before[id]; ok && slices.Equal(old, replicas) {
			continue
		}
		leader := ""
		if len(replicas) > 0 {
			leader = strconv.Itoa(int(replicas[0]))
		}
		t.Rows = append(t.Rows, []string{strconv.FormatUint(uint64(id), 10), leader})
	}
	return t
}
