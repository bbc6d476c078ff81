package sc

import (
	"slices"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// replica is what the controller knows of one copy of a partition.
type replica struct {
	spu     int32
	report  api.ReplicaReport // the last one; zero until the first
	session *session          // that the report came in; another one has to report anew
	// loss is what it lacks although it was in sync: as reported, or as has to
	// be assumed until the first report of another start.
	loss api.ReplicaLoss
}

// known reports whether a report ever came.
func (r *replica) known() bool { return r.report.LeaderEpoch != 0 }

// setReplicas keeps p.replicas in step with p.val.
func (p *partition) setReplicas() {
	if slices.EqualFunc(p.replicas, p.val.Replicas, func(r replica, id int32) bool { return r.spu == id }) {
		return
	}
	before := p.replicas
	p.replicas = make([]replica, len(p.val.Replicas))
	for i, id := range p.val.Replicas {
		p.replicas[i].spu = id
		for _, r := range before {
			if r.spu == id {
				p.replicas[i] = r
			}
		}
	}
}

// replica is the copy on an SPU, or nil.
func (p *partition) replica(spu int32) *replica {
	for i := range p.replicas {
		if p.replicas[i].spu == spu {
			return &p.replicas[i]
		}
	}
	return nil
}

// leader is the copy that leads, or nil.
func (p *partition) leader() *replica { return p.replica(p.val.Leader) }

func (p *partition) inSync(spu int32) bool { return slices.Contains(p.val.ISR, spu) }

// ready reports whether a replica could lead: its SPU is online, does not
// mean to leave, and said in this session that the replica is well.
func (c *controller) ready(r *replica) bool {
	return r != nil && c.staying(r.spu) && r.session == c.byID[r.spu].session && r.report.State == api.ReplicaServing
}

// candidates are the replicas of a partition with isr as the in-sync set.
func (c *controller) candidates(p *partition, isr []int32) []candidate {
	out := make([]candidate, len(p.replicas))
	for i := range p.replicas {
		r := &p.replicas[i]
		out[i] = candidate{spu: r.spu, inSync: slices.Contains(isr, r.spu), ready: c.ready(r), loss: r.loss, leo: r.report.LEO}
	}
	return out
}

// takeReport notes what an SPU says about one of its replicas. Reports about
// another topic of the same name say nothing; nor does what a leader said
// before its leadership last changed.
func (c *controller) takeReport(n *session, report *api.ReplicaReport) {
	p := c.replica(report.Key)
	if p == nil || p.val.TopicID != report.TopicID || report.LeaderEpoch > p.val.LeaderEpoch {
		return
	}
	r := p.replica(n.spu)
	leads := p.val.Leader == n.spu
	if r == nil || leads && report.LeaderEpoch != p.val.LeaderEpoch {
		return
	}
	was := *r
	r.report, r.session = *report, n
	r.loss = report.Loss
	if leads {
		p.reported = true
		c.noteStorage(p)
	}
	c.resolve(p)
	// Without a leader the offsets matter, too: they may allow to begin anew.
	if p.val.Leader == api.NoLeader || was.session != n || was.loss != r.loss || was.report.State != report.State || was.report.Reason != report.Reason {
		c.unsettle(p)
	}
	if was.report.State != report.State || was.loss != r.loss {
		p.position++
		c.moved[p] = struct{}{}
	}
	if !was.known() || was.session != n || was.position() != r.position() {
		p.position++
		c.drift(p)
	}
}

// position is the part of a report that moves all the time.
type position struct {
	start, hw, leo, size int64
}

func (r *replica) position() position {
	return position{r.report.StartOffset, r.report.HW, r.report.LEO, r.report.Size}
}
