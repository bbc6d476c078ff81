package topic

import (
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/bytesize"
	"github.com/fluvio-go/fluvio/internal/humantime"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/goccy/go-yaml"
)

// configFile is the YAML form of a topic. Keys it does not have are ignored:
// files in use spell some with underscores and rely on that. Durability and
// what it takes to be in sync are ours.
type configFile struct {
	Meta *struct {
		Name string `yaml:"name"`
	} `yaml:"meta"`
	Partition struct {
		Count       *uint32        `yaml:"count"`
		MaxSize     scalar         `yaml:"max-size"`
		Replication *uint32        `yaml:"replication"`
		IgnoreRack  bool           `yaml:"ignore-rack-assignment"`
		Maps        []partitionMap `yaml:"maps"`
		MinInSync   *uint32        `yaml:"min-in-sync-replicas"`
		Unclean     bool           `yaml:"allow-unclean-election"`
	} `yaml:"partition"`
	Retention struct {
		Time        scalar `yaml:"time"`
		SegmentSize scalar `yaml:"segment-size"`
	} `yaml:"retention"`
	Compression struct {
		Type string `yaml:"type"`
	} `yaml:"compression"`
	Deduplication *dedupConfig `yaml:"deduplication"`
	Durability    string       `yaml:"durability"`
}

type dedupConfig struct {
	Bounds struct {
		Count uint64 `yaml:"count"`
		Age   scalar `yaml:"age"`
	} `yaml:"bounds"`
	Filter struct {
		Transform struct {
			Uses string            `yaml:"uses"`
			With map[string]string `yaml:"with"`
		} `yaml:"transform"`
	} `yaml:"filter"`
}

// scalar is text, or a number as it is written.
type scalar string

// UnmarshalYAML is part of yaml.InterfaceUnmarshaler.
func (s *scalar) UnmarshalYAML(decode func(any) error) error {
	var v any
	if err := decode(&v); err != nil {
		return err
	}
	switch v := v.(type) {
	case nil:
		*s = ""
	case string, uint64, int64, float64:
		*s = scalar(fmt.Sprint(v))
	default:
		return fmt.Errorf("%v is neither text nor a number", v)
	}
	return nil
}

// fileCompressions are the spellings of the file, in the order of
// api.Compression.
var fileCompressions = []string{"None", "Gzip", "Snappy", "Lz4", "Any", "Zstd"}

// fromFile fills p from a YAML file.
func (p *plan) fromFile(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return cmdutil.FileError(path, err)
	}
	var c configFile
	if err := yaml.Unmarshal(text, &c); err != nil {
		return &uerr.Error{What: yaml.FormatError(err, false, false), Err: err, Why: path + " is not a topic configuration", Code: uerr.Usage}
	}
	if err := p.apply(&c); err != nil {
		return &uerr.Error{What: err.Error(), Err: err, Why: path + " has a value that a topic cannot have", Code: uerr.Usage}
	}
	return nil
}

func (p *plan) apply(c *configFile) error {
	if c.Meta == nil {
		return fmt.Errorf("missing field `meta`")
	}
	p.name = c.Meta.Name
	p.spec = api.TopicSpec{Compression: api.CompressionAny}
	if name := c.Compression.Type; name != "" {
		i := slices.Index(fileCompressions, name)
		if i < 0 {
			return fmt.Errorf("compression.type: unknown variant `%s`, expected one of %v", name, fileCompressions)
		}
		p.spec.Compression = api.Compression(i)
	}
	if name := c.Durability; name != "" {
		d, ok := api.ParseDurability(name)
		if !ok {
			return fmt.Errorf("durability: unknown mode `%s`, expected auto, always, interval or never", name)
		}
		p.config.Durability = d
	}
	if n := c.Partition.MinInSync; n != nil {
		if *n == 0 {
			return fmt.Errorf("partition.min-in-sync-replicas: must be at least 1")
		}
		p.minInSync = *n
	}
	p.config.UncleanElection = c.Partition.Unclean
	var err error
	if p.spec.Replicas, err = c.replicas(); err != nil {
		return fmt.Errorf("partition.maps: %w", err)
	}
	if err := p.applySizes(c); err != nil {
		return err
	}
	p.spec.Deduplication, err = c.Deduplication.spec()
	return err
}

func (c *configFile) replicas() (api.ReplicaSpec, error) {
	if c.Partition.Maps != nil {
		maps, err := assignment(c.Partition.Maps)
		return api.ReplicaSpec{Kind: api.ReplicasAssigned, Assigned: maps}, err
	}
	one := uint32(1)
	partitions, replication := c.Partition.Count, c.Partition.Replication
	if partitions == nil {
		partitions = &one
	}
	if replication == nil {
		replication = &one
	}
	spec := api.Computed(*partitions, *replication)
	spec.Computed.IgnoreRack = c.Partition.IgnoreRack
	return spec, nil
}

func (p *plan) applySizes(c *configFile) error {
	retention, err := optional(c.Retention.Time, parseRetention)
	if err != nil {
		return fmt.Errorf("retention.time: %w", err)
	}
	segment, err := optional(c.Retention.SegmentSize, parseSegmentSize)
	if err != nil {
		return fmt.Errorf("retention.segment-size: %w", err)
	}
	partition, err := optional(c.Partition.MaxSize, bytesize.Parse)
	if err != nil {
		return fmt.Errorf("partition.max-size: %w", err)
	}
	p.spec.CleanupPolicy = cleanupPolicy(retention)
	p.spec.Storage = storage(segment, partition)
	return nil
}

func (d *dedupConfig) spec() (*api.Deduplication, error) {
	switch {
	case d == nil:
		return nil, nil
	case d.Bounds.Count == 0:
		return nil, fmt.Errorf("deduplication.bounds.count: must be at least 1")
	case d.Filter.Transform.Uses == "":
		return nil, fmt.Errorf("deduplication.filter.transform: missing field `uses`")
	}
	age, err := optional(d.Bounds.Age, humantime.Parse)
	if err != nil {
		return nil, fmt.Errorf("deduplication.bounds.age: %w", err)
	}
	spec := &api.Deduplication{Count: d.Bounds.Count, Uses: d.Filter.Transform.Uses, With: d.Filter.Transform.With}
	if age != nil {
		spec.Age = span(*age)
	}
	return spec, nil
}

// optional parses a value that may be missing.
func optional[T time.Duration | uint64](s scalar, parse func(string) (T, error)) (*T, error) {
	if s == "" {
		return nil, nil
	}
	v, err := parse(string(s))
	if err != nil {
		return nil, err
	}
	return &v, nil
}
