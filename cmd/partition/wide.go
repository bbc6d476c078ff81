package partition

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/fluvio-go/fluvio/internal/table"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// wideTable shows everything that is known of each copy, known being what only
// our clusters tell. What it lacks is made from the partition itself.
func wideTable(partitions []api.Partition, known []api.ExtPartition) *table.Table {
	byKey := make(map[string]*api.ExtPartition, len(known))
	for i := range known {
		byKey[known[i].Key.String()] = &known[i]
	}
	t := &table.Table{Header: []string{
		"TOPIC", "PARTITION", "LEADER", "EPOCH", "MIRROR", "REPLICAS", "IN SYNC", "RESOLUTION",
		"SIZE", "BASE", "HW", "LEO", "LAG", "FOLLOWERS", "REASON",
	}}
	for _, p := range byName(partitions) {
		topic, partition := split(p.Name)
		x, inSync, epoch := byKey[p.Name], "", ""
		if x == nil {
			x, inSync = fromStatus(&p)
		} else {
			inSync, epoch = syncedIDs(x), strconv.Itoa(int(x.LeaderEpoch))
		}
		hw, leo := leaderOffsets(x, &p)
		t.Rows = append(t.Rows, []string{
			topic, partition, leaderText(x.Leader), epoch, mirrorText(p.Spec.Mirror), idList(replicaIDs(x)), inSync,
			x.Resolution.String(), sizeText(x.Size), strconv.FormatInt(x.BaseOffset, 10),
			offsetText(hw), offsetText(leo), lagText(x, leo), followerTexts(x, leo), x.Reason,
		})
	}
	return t
}

// fromStatus makes of a partition what a cluster of the original tells: the
// number of followers in sync, and not which.
func fromStatus(p *api.Partition) (x *api.ExtPartition, inSync string) {
	x = &api.ExtPartition{
		Leader: p.Spec.Leader, Resolution: p.Status.Resolution, Size: p.Status.Size, BaseOffset: p.Status.BaseOffset,
	}
	for _, id := range p.Spec.Replicas {
		r := api.ExtReplica{Spu: id, HW: -1, LEO: -1}
		for _, st := range p.Status.Replicas {
			if st.Spu == id {
				r.HW, r.LEO = st.HW, st.LEO
			}
		}
		x.Replicas = append(x.Replicas, r)
	}
	return x, fmt.Sprintf("%d of %d followers", p.Status.LRS, max(0, len(p.Spec.Replicas)-1))
}

// leaderOffsets are the last ones of the leader, also while it is away: the
// resolution says that it is.
func leaderOffsets(x *api.ExtPartition, p *api.Partition) (hw, leo int64) {
	for _, r := range x.Replicas {
		if r.Spu == x.Leader && r.LEO >= 0 {
			return r.HW, r.LEO
		}
	}
	return p.Status.Leader.HW, p.Status.Leader.LEO
}

func leaderText(id int32) string {
	if id == api.NoLeader {
		return "none"
	}
	return strconv.Itoa(int(id))
}

func replicaIDs(x *api.ExtPartition) []int32 {
	ids := make([]int32, len(x.Replicas))
	for i := range x.Replicas {
		ids[i] = x.Replicas[i].Spu
	}
	return ids
}

func syncedIDs(x *api.ExtPartition) string {
	var ids []int32
	for i := range x.Replicas {
		if x.Replicas[i].InSync {
			ids = append(ids, x.Replicas[i].Spu)
		}
	}
	return idList(ids)
}

func idList(ids []int32) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.Itoa(int(id))
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

func offsetText(offset int64) string {
	if offset < 0 {
		return "?"
	}
	return strconv.FormatInt(offset, 10)
}

// lag is how many records a follower lacks. The two offsets come in reports
// that are not made at the same moment, so it may seem to have more.
func lag(r *api.ExtReplica, leo int64) int64 { return max(0, leo-r.LEO) }

// lagText is the lag of the follower that is farthest behind. Of one that is
// away it is not known.
func lagText(x *api.ExtPartition, leo int64) string {
	longest := int64(0)
	for i := range x.Replicas {
		r := &x.Replicas[i]
		switch {
		case r.Spu == x.Leader:
		case r.LEO < 0 || leo < 0:
			return "?"
		default:
			longest = max(longest, lag(r, leo))
		}
	}
	return strconv.FormatInt(longest, 10)
}

// followerTexts has the position of each follower, or why there is none.
func followerTexts(x *api.ExtPartition, leo int64) string {
	var texts []string
	for i := range x.Replicas {
		r := &x.Replicas[i]
		switch {
		case r.Spu == x.Leader:
		case r.LEO >= 0 && leo >= 0:
			texts = append(texts, fmt.Sprintf("%d: hw %d, leo %d, lag %d", r.Spu, r.HW, r.LEO, lag(r, leo)))
		case r.LEO >= 0:
			texts = append(texts, fmt.Sprintf("%d: hw %d, leo %d", r.Spu, r.HW, r.LEO))
		case r.Lack != "":
			texts = append(texts, fmt.Sprintf("%d %s", r.Spu, r.Lack))
		default:
			texts = append(texts, fmt.Sprintf("%d: ?", r.Spu))
		}
	}
	return strings.Join(texts, "; ")
}
