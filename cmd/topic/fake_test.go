package topic

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/cmd/cmdtest"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/iostreams"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/spf13/cobra"
)

// fakeAdmin is a cluster of topics in memory. It filters as a cluster does.
type fakeAdmin struct {
	topics  []api.Topic
	configs map[string]api.TopicConfig // nil: the cluster has no such call
	parts   []api.ExtPartition         // nil: nor this one
	mirrors []api.Mirror
	modules []api.SmartModule
	err     error // of changes
	watch   func(ctx context.Context, yield func(topicUpdate, error) bool)

	created []created
	deleted []string // "name" or "name!" when forced
	added   []string // mirrors
	asked   int      // AddPartitions calls
}

type created struct {
	name string
	spec api.TopicSpec
	opts client.CreateTopicOptions
}

func refusal(code api.Code) error {
	return &client.Error{Code: api.ErrorCode{ID: code}, Partition: -1}
}

func (a *fakeAdmin) Topics(_ context.Context, opts client.ListOptions) ([]api.Topic, error) {
	var out []api.Topic
	for _, t := range a.topics {
		matches := len(opts.Filters) == 0
		for _, f := range opts.Filters {
			matches = matches || strings.Contains(t.Name, f)
		}
		if matches && t.Spec.System == opts.System {
			out = append(out, t)
		}
	}
	return out, nil
}

func (a *fakeAdmin) CreateTopic(_ context.Context, name string, spec api.TopicSpec, opts client.CreateTopicOptions) error {
	a.created = append(a.created, created{name, spec, opts})
	return a.err
}

func (a *fakeAdmin) DeleteTopic(_ context.Context, name string, force bool) error {
	i := slices.IndexFunc(a.topics, func(t api.Topic) bool { return t.Name == name })
	switch {
	case a.err != nil:
		return a.err
	case i < 0:
		return refusal(api.TopicNotFound)
	case a.topics[i].Spec.System && !force:
		return &client.Error{Partition: -1, Code: api.ErrorCode{
			ID: api.SystemSpecDeletionAttempt, Detail: &api.ErrorDetail{Kind: "topic", Name: name},
		}}
	case force:
		name += "!"
	}
	a.deleted = append(a.deleted, name)
	return nil
}

func (a *fakeAdmin) DescribeTopics(_ context.Context, names ...string) ([]api.ExtTopic, error) {
	if a.configs == nil {
		return nil, client.ErrUnsupported
	}
	var out []api.ExtTopic
	for _, name := range names {
		if c, ok := a.configs[name]; ok {
			out = append(out, api.ExtTopic{Name: name, Config: c})
		}
	}
	return out, nil
}

func (a *fakeAdmin) DescribePartitions(_ context.Context, topics ...string) ([]api.ExtPartition, error) {
	if a.parts == nil {
		return nil, client.ErrUnsupported
	}
	return slices.DeleteFunc(slices.Clone(a.parts), func(p api.ExtPartition) bool { return !slices.Contains(topics, p.Key.Topic) }), nil
}

func (a *fakeAdmin) AddPartitions(context.Context, string, uint32) error {
	a.asked++
	return a.err
}

func (a *fakeAdmin) AddMirror(_ context.Context, topic, remote string, home bool) error {
	if home {
		remote += "!"
	}
	a.added = append(a.added, topic+" "+remote)
	return a.err
}

func (a *fakeAdmin) WatchTopics(ctx context.Context) iter.Seq2[topicUpdate, error] {
	return func(yield func(topicUpdate, error) bool) { a.watch(ctx, yield) }
}

func (a *fakeAdmin) SmartModules(context.Context, client.ListOptions) ([]api.SmartModule, error) {
	return a.modules, nil
}

func (a *fakeAdmin) Mirrors(context.Context) ([]api.Mirror, error) { return a.mirrors, nil }

type result struct {
	err         error
	out, stderr string
}

// run runs one verb on an input.
func runCmd(ctx context.Context, a *fakeAdmin, in string, args ...string) result {
	streams := &iostreams.Test{}
	f := cmdtest.Factory(streams)
	streams.In.WriteString(in)
	connect := func(context.Context) (admin, func(), error) { return a, func() {}, nil }
	cmd := &cobra.Command{Use: "topic"}
	cmd.AddCommand(newCreateCmd(f, connect, nil), newDeleteCmd(f, connect, nil), newDescribeCmd(f, connect, nil),
		newListCmd(f, connect, nil), newAddPartitionCmd(f, connect, nil), newAddMirrorCmd(f, connect, nil))
	err := cmdtest.Run(ctx, cmd, append([]string{"topic"}, args...)...)
	return result{err, streams.Out.String(), streams.Err.String()}
}

var _ cmdutil.TopicLister = (*fakeAdmin)(nil)
