package topic

import (
	"context"
	"iter"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/spf13/cobra"
)

// NewCmd returns the topic command with all its verbs.
func NewCmd(f *cmdutil.Factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "topic",
		Aliases: []string{"topics"},
		Short:   "Create, list, describe and delete topics",
		Long: `Create, list, describe and delete topics.

A topic is a named log of records, split into partitions that may live on
different SPUs.`,
		Example: `  fluvio topic create orders --partitions 4
  fluvio topic list
  fluvio topic describe orders`,
	}
	c := connector(f)
	cmd.AddCommand(
		newCreateCmd(f, c, nil),
		newDeleteCmd(f, c, nil),
		newDescribeCmd(f, c, nil),
		newListCmd(f, c, nil),
		newAddPartitionCmd(f, c, nil),
		newAddMirrorCmd(f, c, nil),
	)
	return cmd
}

type topicUpdate = client.Update[api.TopicSpec, api.TopicStatus]

// admin is what the verbs ask of a cluster.
type admin interface {
	cmdutil.TopicLister
	CreateTopic(ctx context.Context, name string, spec api.TopicSpec, opts client.CreateTopicOptions) error
	DeleteTopic(ctx context.Context, name string, force bool) error
	DescribeTopics(ctx context.Context, names ...string) ([]api.ExtTopic, error)
	DescribePartitions(ctx context.Context, topics ...string) ([]api.ExtPartition, error)
	AddPartitions(ctx context.Context, topic string, n uint32) error
	AddMirror(ctx context.Context, topic, remote string, homeToMirror bool) error
	WatchTopics(ctx context.Context) iter.Seq2[topicUpdate, error]
	SmartModules(ctx context.Context, opts client.ListOptions) ([]api.SmartModule, error)
	Mirrors(ctx context.Context) ([]api.Mirror, error)
}

// connectFunc opens a connection, which close ends.
type connectFunc func(context.Context) (a admin, close func(), err error)

func connector(f *cmdutil.Factory) connectFunc {
	return func(ctx context.Context) (admin, func(), error) {
		a, end, err := f.Admin(ctx)
		if err != nil {
			return nil, nil, err
		}
		return cluster{a}, end, nil
	}
}

// cluster adds the listing that the client has only as a generic function.
type cluster struct{ *client.Admin }

func (c cluster) Mirrors(ctx context.Context) ([]api.Mirror, error) {
	return client.List[api.MirrorSpec, api.MirrorStatus](ctx, c.Admin, api.LabelMirror, client.ListOptions{})
}
