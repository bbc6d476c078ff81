package client

import (
	"context"
	"fmt"
	"iter"
	"strconv"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// CreateTopicOptions modify CreateTopic.
type CreateTopicOptions struct {
	// DryRun only validates.
	DryRun bool
	// Config holds settings that upstream does not have. With anything but
	// the zero value the cluster must be one of ours.
	Config api.TopicConfig
}

// CreateTopic makes a topic. The SC answers when its partitions are online. An
// ErrUnsupported means that opts.Config asks for what a real Fluvio cluster
// does not have.
func (a *Admin) CreateTopic(ctx context.Context, name string, spec api.TopicSpec, opts CreateTopicOptions) error {
	if opts.Config == (api.TopicConfig{}) {
		return Create(ctx, a, api.LabelTopic, name, spec, opts.DryRun)
	}
	req := &api.ExtCreateTopicRequest{Name: name, DryRun: opts.DryRun, Spec: spec, Config: opts.Config}
	if err := a.status(ctx, api.KeyExtCreateTopic, name, req); err != nil {
		return fmt.Errorf("topic %s with settings of its own: %w", name, err)
	}
	return nil
}

// DeleteTopic removes a topic and its records. System topics need force.
func (a *Admin) DeleteTopic(ctx context.Context, name string, force bool) error {
	return a.Delete(ctx, api.LabelTopic, name, force)
}

// Topics lists topics.
func (a *Admin) Topics(ctx context.Context, opts ListOptions) ([]api.Topic, error) {
	return List[api.TopicSpec, api.TopicStatus](ctx, a, api.LabelTopic, opts)
}

// DescribeTopics returns the topics of these exact names that exist, or all,
// with the settings that upstream does not have. Real Fluvio clusters answer
// ErrUnsupported.
func (a *Admin) DescribeTopics(ctx context.Context, names ...string) ([]api.ExtTopic, error) {
	var resp api.ExtDescribeTopicsResponse
	if err := a.call(ctx, api.KeyExtDescribeTopics, &api.ExtDescribeTopicsRequest{Names: names}, &resp); err != nil {
		return nil, err
	}
	return resp.Topics, nil
}

// DescribePartitions returns the partitions of these topics, or of all, with
// what the cluster knows of each copy. Real Fluvio clusters answer
// ErrUnsupported.
func (a *Admin) DescribePartitions(ctx context.Context, topics ...string) ([]api.ExtPartition, error) {
	var resp api.ExtDescribePartitionsResponse
	if err := a.call(ctx, api.KeyExtDescribePartitions, &api.ExtDescribePartitionsRequest{Topics: topics}, &resp); err != nil {
		return nil, err
	}
	return resp.Partitions, nil
}

// AddPartitions gives a topic n more partitions.
func (a *Admin) AddPartitions(ctx context.Context, topic string, n uint32) error {
	req := &api.UpdateTopic{Name: topic, Action: api.ActionAddPartition, Count: n}
	return a.status(ctx, api.KeyUpdate, topic, api.Typed{Label: api.LabelTopic, Msg: req})
}

// AddMirror adds a remote cluster to a mirror topic.
func (a *Admin) AddMirror(ctx context.Context, topic, remote string, homeToMirror bool) error {
	req := &api.UpdateTopic{Name: topic, Action: api.ActionAddMirror, Remote: remote, HomeToMirror: homeToMirror}
	return a.status(ctx, api.KeyUpdate, topic, api.Typed{Label: api.LabelTopic, Msg: req})
}

// WatchTopics follows all topics; see Watch.
func (a *Admin) WatchTopics(ctx context.Context) iter.Seq2[Update[api.TopicSpec, api.TopicStatus], error] {
	return Watch[api.TopicSpec, api.TopicStatus](ctx, a, api.LabelTopic)
}

// Partitions lists the partitions of all topics.
func (a *Admin) Partitions(ctx context.Context, opts ListOptions) ([]api.Partition, error) {
	return List[api.PartitionSpec, api.PartitionStatus](ctx, a, api.LabelPartition, opts)
}

// Spus lists SPUs of every type.
func (a *Admin) Spus(ctx context.Context, opts ListOptions) ([]api.Spu, error) {
	return List[api.SpuSpec, api.SpuStatus](ctx, a, api.LabelSpu, opts)
}

// CustomSpus lists the SPUs that somebody registered.
func (a *Admin) CustomSpus(ctx context.Context, opts ListOptions) ([]api.CustomSpu, error) {
	return List[api.CustomSpuSpec, api.SpuStatus](ctx, a, api.LabelCustomSpu, opts)
}

// RegisterCustomSpu announces an SPU, which may then join the cluster.
func (a *Admin) RegisterCustomSpu(ctx context.Context, name string, spec api.CustomSpuSpec) error {
	return Create(ctx, a, api.LabelCustomSpu, name, spec, false)
}

// UnregisterCustomSpu removes a custom SPU by name or by id.
func (a *Admin) UnregisterCustomSpu(ctx context.Context, key api.CustomSpuKey) error {
	name := key.Name
	if key.ByID {
		name = strconv.Itoa(int(key.ID))
	}
	req := &api.DeleteCustomSpu{Key: key}
	return a.status(ctx, api.KeyDelete, name, api.Typed{Label: api.LabelCustomSpu, Msg: req})
}

// SmartModules lists stored SmartModules.
func (a *Admin) SmartModules(ctx context.Context, opts ListOptions) ([]api.SmartModule, error) {
	return List[api.SmartModuleSpec, api.SmartModuleStatus](ctx, a, api.LabelSmartModule, opts)
}
