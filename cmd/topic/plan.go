package topic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
)

const (
	dedupFilter       = "fluvio/dedup-bloom-filter@0.1.0"
	defaultDedupCount = 5
	defaultDedupAge   = 5 * time.Second
)

// plan is the topic to be made.
type plan struct {
	name   string
	spec   api.TopicSpec
	config api.TopicConfig
	// minInSync is what was asked for, 0 if nothing was.
	minInSync uint32
}

// newPlan reads flags and files. What it returns has a valid name.
func newPlan(opts *createOptions) (*plan, error) {
	p := &plan{name: opts.name}
	var err error
	if opts.config != "" {
		err = p.fromFile(opts.config)
	} else {
		err = p.fromFlags(opts)
	}
	if err != nil {
		return nil, err
	}
	if opts.durability.Value != "" {
		p.config.Durability, _ = api.ParseDurability(opts.durability.Value) // a Choice of these
	}
	if n := opts.minInSync.Value; n != nil {
		p.minInSync = *n
	}
	p.config.UncleanElection = p.config.UncleanElection || opts.uncleanElection
	if err := p.settleMinInSync(); err != nil {
		return nil, err
	}
	return p, checkName(p.name)
}

// settleMinInSync checks the wish for in-sync replicas against the number of
// replicas. One is what every cluster does, so it asks for nothing.
func (p *plan) settleMinInSync() error {
	n, replicas := p.minInSync, uint32(replication(&p.spec.Replicas))
	switch {
	case n > replicas:
		return &uerr.Error{
			What: fmt.Sprintf("Invalid argument: min in-sync replicas %d is more than the replication factor %d", n, replicas), Code: uerr.Usage,
			Why:  "records would be refused for ever",
			Next: []string{fmt.Sprintf("fluvio topic create %s --replication %d --min-in-sync-replicas %d", p.name, n, n)},
		}
	case n > 1:
		p.config.MinInSync = n
	}
	return nil
}

func (p *plan) fromFlags(opts *createOptions) error {
	replicas, err := replicaSpec(opts)
	if err != nil {
		return err
	}
	p.spec = api.TopicSpec{Replicas: replicas, Compression: api.CompressionAny, System: opts.system}
	if c := opts.compression.Value; c != nil {
		p.spec.Compression = *c
	}
	p.spec.CleanupPolicy = cleanupPolicy(opts.retention.Value)
	p.spec.Storage = storage(opts.segmentSize.Value, opts.maxPartitionSize.Value)
	if opts.dedup {
		age := defaultDedupAge
		if opts.dedupAge.Value != nil {
			age = *opts.dedupAge.Value
		}
		p.spec.Deduplication = &api.Deduplication{Count: opts.dedupCount, Age: span(age), Uses: dedupFilter}
	}
	return nil
}

func replicaSpec(opts *createOptions) (api.ReplicaSpec, error) {
	switch {
	case opts.replicaAssignment != "":
		maps, err := readAssignment(opts.replicaAssignment)
		return api.ReplicaSpec{Kind: api.ReplicasAssigned, Assigned: maps}, err
	case opts.mirrorApply != "":
		remotes, err := readJSON[[]string](opts.mirrorApply, "mirror")
		mirror := api.MirrorConfig{Side: api.MirrorHome, Source: opts.homeToRemote}
		for _, remote := range remotes {
			mirror.Partitions = append(mirror.Partitions, api.HomePartition{
				RemoteCluster: remote, RemoteReplica: opts.name + "-0", Source: opts.homeToRemote,
			})
		}
		return api.ReplicaSpec{Kind: api.ReplicasMirror, Mirror: mirror}, err
	case opts.mirror:
		mirror := api.MirrorConfig{Side: api.MirrorHome, Source: opts.homeToRemote}
		return api.ReplicaSpec{Kind: api.ReplicasMirror, Mirror: mirror}, nil
	}
	spec := api.Computed(opts.partitions, uint32(opts.replication))
	spec.Computed.IgnoreRack = opts.ignoreRack
	return spec, nil
}

// partitionMap is one entry of a replica assignment, in JSON and YAML.
type partitionMap struct {
	ID       *uint32 `json:"id" yaml:"id"`
	Replicas []int32 `json:"replicas" yaml:"replicas"`
}

func readAssignment(path string) ([]api.PartitionMap, error) {
	entries, err := readJSON[[]partitionMap](path, "replica")
	if err != nil {
		return nil, err
	}
	maps, err := assignment(entries)
	if err != nil {
		return nil, readError("replica", path, err)
	}
	return maps, nil
}

func assignment(entries []partitionMap) ([]api.PartitionMap, error) {
	maps := make([]api.PartitionMap, len(entries))
	for i, e := range entries {
		if e.ID == nil || e.Replicas == nil {
			return nil, fmt.Errorf("entry %d: missing field `id` or `replicas`", i)
		}
		maps[i] = api.PartitionMap{ID: *e.ID, Replicas: e.Replicas}
	}
	return maps, nil
}

func readJSON[T any](path, what string) (T, error) {
	var v T
	text, err := os.ReadFile(path)
	if err != nil {
		return v, cmdutil.FileError(path, err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		return v, readError(what, path, err)
	}
	return v, nil
}

func readError(what, path string, err error) error {
	return &uerr.Error{
		What: fmt.Sprintf("error reading %s assignment: %v", what, err), Err: err,
		Why: path + " does not have the expected form", Code: uerr.Usage,
	}
}

func cleanupPolicy(retention *time.Duration) *api.CleanupPolicy {
	if retention == nil {
		return nil
	}
	return &api.CleanupPolicy{TimeInSeconds: uint32(*retention / time.Second)}
}

// storage returns the sizes that are set. segment fits 32 bits.
func storage(segment, partition *uint64) *api.TopicStorage {
	if segment == nil && partition == nil {
		return nil
	}
	s := &api.TopicStorage{MaxPartitionSize: partition}
	if segment != nil {
		n := uint32(*segment)
		s.SegmentSize = &n
	}
	return s
}

func span(d time.Duration) *codec.Duration {
	return &codec.Duration{Secs: uint64(d / time.Second), Nanos: uint32(d % time.Second)}
}

func parseCompression(s string) (api.Compression, error) {
	c, ok := api.ParseCompression(strings.ToLower(s))
	if !ok {
		return 0, errors.New("Invalid compression type in topic") //nolint:staticcheck // upstream's sentence
	}
	return c, nil
}

// maxName is the longest name of a topic, in characters.
const maxName = 63

// checkName applies the rules for names before anything is sent.
func checkName(name string) error {
	if strings.TrimSpace(name) == "" {
		return cmdutil.ErrInvalidArg("Topic name is required")
	}
	reason := ""
	switch {
	case len(name) > maxName:
		reason = fmt.Sprintf("Name exceeds max characters allowed %d", maxName)
	case strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || name[0] == '-' || name[len(name)-1] == '-':
		reason = "Contain only lowercase alphanumeric characters or '-'"
	default:
		return nil
	}
	return cmdutil.ErrInvalidArg("Invalid Topic name %s. %s", name, reason)
}

// check asks the cluster for what the plan needs there.
func (p *plan) check(ctx context.Context, opts *createOptions, a admin) error {
	if opts.mirrorApply != "" {
		if err := p.checkRemotes(ctx, a); err != nil {
			return err
		}
	}
	if !opts.dedup {
		return nil
	}
	found, err := a.SmartModules(ctx, client.ListOptions{Filters: []string{dedupFilter}, Summary: true})
	switch {
	case err != nil:
		return cmdutil.ExplainAdmin(err, "")
	case len(found) > 0:
		return nil
	}
	fmt.Fprintln(opts.f.IO.Out, "deduplication filter not found, downloading")
	return &uerr.Error{
		What: "missing access credentials, try 'fluvio cloud login'", Code: uerr.NotFound,
		Why: fmt.Sprintf("the SmartModule %s is not stored in the cluster, and fetching it from the hub needs an account", dedupFilter),
	}
}

func (p *plan) checkRemotes(ctx context.Context, a admin) error {
	mirrors, err := a.Mirrors(ctx)
	if err != nil {
		return cmdutil.ExplainAdmin(err, "")
	}
	var unknown []string
	for _, part := range p.spec.Replicas.Mirror.Partitions {
		if !slices.ContainsFunc(mirrors, func(m api.Mirror) bool { return m.Name == part.RemoteCluster }) {
			unknown = append(unknown, fmt.Sprintf("%q", part.RemoteCluster))
		}
	}
	if len(unknown) > 0 {
		return cmdutil.ErrInvalidArg("Remote clusters not registered: [%s]", strings.Join(unknown, ", "))
	}
	return nil
}

// settings are the flags that a cluster of upstream does not have, of those
// that were used.
func settings(c *api.TopicConfig) []string {
	var flags []string
	if c.Durability != api.DurabilityAuto {
		flags = append(flags, "--durability")
	}
	if c.MinInSync != 0 {
		flags = append(flags, "--min-in-sync-replicas")
	}
	if c.UncleanElection {
		flags = append(flags, "--allow-unclean-election")
	}
	return flags
}

// explainCreate adds what usually helps to a refusal.
func explainCreate(ctx context.Context, a admin, err error, p *plan) error {
	switch {
	case errors.Is(err, api.TopicAlreadyExists):
		return cmdutil.ExplainAdmin(err, fmt.Sprintf("the cluster has a topic called %q", p.name),
			"fluvio topic describe "+p.name, "fluvio topic delete "+p.name)
	case errors.Is(err, client.ErrUnsupported):
		return cmdutil.ExplainAdmin(err, "this cluster does not know "+strings.Join(settings(&p.config), ", ")+"; without them its own rules apply")
	case errors.Is(err, api.TopicNotProvisioned), errors.Is(err, api.RequestTimedOut):
		return cmdutil.ExplainAdmin(err, unprovisioned(ctx, a, p.name), "fluvio cluster spu list", "fluvio topic delete "+p.name)
	}
	return cmdutil.ExplainAdmin(err, "")
}

// unprovisioned says why a topic that was just declared has no partitions yet,
// as far as the cluster does.
func unprovisioned(ctx context.Context, a admin, name string) string {
	why := "a partition needs as many online SPUs as it has replicas"
	topics, err := a.Topics(ctx, client.ListOptions{Filters: []string{name}})
	i := slices.IndexFunc(topics, func(t api.Topic) bool { return t.Name == name })
	switch {
	case err != nil || i < 0:
		return why
	case topics[i].Status.Reason != "":
		why = topics[i].Status.Reason
	}
	return why + "; the topic is declared and gets its partitions when they are there"
}
