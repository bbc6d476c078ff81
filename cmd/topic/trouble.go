package topic

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// trouble is what some partitions of a topic have in common.
type trouble struct {
	partitions []uint32
	reason     string
}

// topicTroubles returns what is wrong with the partitions of each topic. The
// reason of a topic names only the first; it is also what tells whether there
// is anything to ask for. Clusters of the original are not asked.
func topicTroubles(ctx context.Context, a admin, topics []api.Topic) (map[string][]trouble, error) {
	var names []string
	for i := range topics {
		if st := &topics[i].Status; st.Resolution == api.TopicProvisioned && st.Reason != "" {
			names = append(names, topics[i].Name)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	partitions, err := a.DescribePartitions(ctx, names...)
	if errors.Is(err, client.ErrUnsupported) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := make(map[string][]trouble)
	for i := range partitions {
		p := &partitions[i]
		if p.Reason == "" {
			continue
		}
		of := out[p.Key.Topic]
		at := slices.IndexFunc(of, func(t trouble) bool { return t.reason == p.Reason })
		if at < 0 {
			at, of = len(of), append(of, trouble{reason: p.Reason})
		}
		of[at].partitions = append(of[at].partitions, p.Key.Partition)
		out[p.Key.Topic] = of
	}
	return out, nil
}

// idRanges writes ascending numbers such as "0-3, 7".
func idRanges(ids []uint32) string {
	var parts []string
	for i := 0; i < len(ids); {
		last := i
		for last+1 < len(ids) && ids[last+1] == ids[last]+1 {
			last++
		}
		text := strconv.FormatUint(uint64(ids[i]), 10)
		if last > i {
			text += "-" + strconv.FormatUint(uint64(ids[last]), 10)
		}
		parts = append(parts, text)
		i = last + 1
	}
	return strings.Join(parts, ", ")
}
