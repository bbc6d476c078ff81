package sc

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/fluvio-go/fluvio/netproto/api"
)

const maxNameLength = 63

var (
	errNameTooLong = fmt.Errorf("Name exceeds max characters allowed %d", maxNameLength)
	errNameChars   = errors.New("Contain only lowercase alphanumeric characters or '-'")
)

// checkName is the rule for names of topics and SPUs. The texts are
// upstream's; unlike upstream an empty name breaks the rule.
func checkName(name string) error {
	if len(name) > maxNameLength {
		return errNameTooLong
	}
	for i := range len(name) {
		if ch := name[i]; ch != '-' && (ch < 'a' || ch > 'z') && (ch < '0' || ch > '9') {
			return errNameChars
		}
	}
	if name == "" || name[0] == '-' || name[len(name)-1] == '-' {
		return errNameChars
	}
	return nil
}

// Smallest settings, in seconds and bytes, and the segment size that applies
// without one.
const (
	minRetention       = 10
	minSegmentSize     = 1024
	minPartitionSize   = 2048
	defaultSegmentSize = 1 << 30
)

// checkSettings validates what a topic says about its logs.
func checkSettings(s *api.TopicSpec) error {
	if p := s.CleanupPolicy; p != nil && p.TimeInSeconds < minRetention {
		return fmt.Errorf("retention_secs %d is less than minimum %d", p.TimeInSeconds, minRetention)
	}
	if s.Storage == nil {
		return nil
	}
	segment := uint32(defaultSegmentSize)
	if v := s.Storage.SegmentSize; v != nil {
		if segment = *v; segment < minSegmentSize {
			return fmt.Errorf("segment_size %d is less than minimum %d", segment, minSegmentSize)
		}
	}
	if v := s.Storage.MaxPartitionSize; v != nil {
		if *v < minPartitionSize {
			return fmt.Errorf("max_partition_size %d is less than minimum %d", *v, minPartitionSize)
		}
		if *v < uint64(segment) {
			return fmt.Errorf("max_partition_size %d is less than segment size %d", *v, segment)
		}
	}
	return nil
}

// checkReplicas validates what a topic says about its partitions, without
// regard to the SPUs there are.
func checkReplicas(s *api.ReplicaSpec) error {
	switch s.Kind {
	case api.ReplicasComputed:
		switch {
		case s.Computed.Partitions == 0:
			return errors.New("partition must be greater than 0")
		case s.Computed.ReplicationFactor == 0:
			return errors.New("replication factor must be greater than 0")
		}
	case api.ReplicasAssigned:
		return checkAssigned(s.Assigned)
	}
	return nil
}

func checkAssigned(maps []api.PartitionMap) error {
	if len(maps) == 0 {
		return errors.New("no assigned partitions found")
	}
	factor := len(maps[0].Replicas)
	for i, m := range maps {
		switch {
		case i == 0 && m.ID != 0:
			return errors.New("assigned partitions must start with id 0")
		case i == 0 && factor == 0:
			return errors.New("assigned replicas must have at least one spu id")
		case uint64(m.ID) != uint64(i):
			return errors.New("assigned partition ids must be in sequence and without gaps")
		case len(m.Replicas) != factor:
			return fmt.Errorf("all assigned replicas must have the same number of spu ids: %d", factor)
		}
		sorted := slices.Sorted(slices.Values(m.Replicas))
		if len(slices.Compact(sorted)) != factor {
			return fmt.Errorf("duplicate spu ids found in assigned partition with id: %d", i)
		}
		for _, spu := range m.Replicas {
			if spu < 0 {
				return fmt.Errorf("invalid spu id: %d in assigned partition with id: %d", spu, i)
			}
		}
	}
	return nil
}

// checkConfig validates the settings that upstream does not have.
func checkConfig(config *api.TopicConfig, s *api.ReplicaSpec) error {
	_, factor := size(s)
	if s.Kind != api.ReplicasMirror && uint64(config.MinInSync) > factor {
		return fmt.Errorf("min in-sync replicas %d is more than the replication factor %d", config.MinInSync, factor)
	}
	return nil
}

// limits are the largest numbers that a topic may ask for.
type limits struct {
	partitions uint32
	replicas   uint32 // 0: as many as there are SPUs
}

// checkSupported refuses what is valid but beyond this release or cluster.
func checkSupported(s *api.ReplicaSpec, most limits) error {
	partitions, factor := size(s)
	switch {
	case s.Kind == api.ReplicasMirror:
		return errors.New("mirror topics are not supported yet: this release does not connect clusters")
	case most.replicas > 0 && factor > uint64(most.replicas):
		return fmt.Errorf("replication factor %d is more than the maximum of %d", factor, most.replicas)
	case partitions > uint64(most.partitions):
		return fmt.Errorf("%d partitions are more than the maximum of %d", partitions, most.partitions)
	}
	return nil
}

// size is how many partitions with how many replicas a topic declares.
func size(s *api.ReplicaSpec) (partitions, factor uint64) {
	switch s.Kind {
	case api.ReplicasComputed:
		return uint64(s.Computed.Partitions), uint64(s.Computed.ReplicationFactor)
	case api.ReplicasAssigned:
		if len(s.Assigned) > 0 {
			factor = uint64(len(s.Assigned[0].Replicas))
		}
		return uint64(len(s.Assigned)), factor
	}
	return 0, 0
}

var lenientVersion = regexp.MustCompile(`^[vV]?\d+(\.\d+){0,4}([-+.][0-9A-Za-z.+-]+)?$`)

// checkSmartModuleName validates [group/]name[@version]. As upstream it looks
// at the version only where there is a group.
func checkSmartModuleName(name string) error {
	_, rest, grouped := strings.Cut(name, "/")
	if !grouped {
		return nil
	}
	if _, version, ok := strings.Cut(rest, "@"); ok && !lenientVersion.MatchString(version) {
		return fmt.Errorf("version %q of SmartModule %q is not a version number", version, name)
	}
	return nil
}
