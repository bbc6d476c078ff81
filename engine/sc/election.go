package sc

import (
	"slices"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// candidate is a replica as an election sees it.
type candidate struct {
	spu    int32
	inSync bool
	ready  bool // its SPU is here to stay and says that the replica can serve
	loss   api.ReplicaLoss
	leo    int64 // as last reported
}

// lost reports whether records are known to be missing at the end. Such a
// replica would give others their offsets.
func lost(loss api.ReplicaLoss) bool { return loss >= api.LossTail }

// doubtful reports whether records may be missing at the end, or are in the
// middle, where nothing can take their place. Such a replica leads if none
// that is whole is left.
func doubtful(loss api.ReplicaLoss) bool { return loss != api.LossNone && !lost(loss) }

// electClean returns the replica that leads next: the first in assignment
// order that is in sync, whole and ready. It has every record that was ever
// committed.
func electClean(replicas []candidate) (spu int32, ok bool) {
	for _, r := range replicas {
		if r.inSync && r.ready && r.loss == api.LossNone {
			return r.spu, true
		}
	}
	return 0, false
}

// electDoubtful returns the ready replica in sync that has most, apart from
// those that are known to lack the end.
func electDoubtful(replicas []candidate) (spu int32, ok bool) {
	return most(replicas, func(r *candidate) bool { return r.inSync && r.ready && !lost(r.loss) })
}

// electUnclean returns the ready replica that has most, which may lack
// committed records: the one that lost least and has the highest end offset,
// in assignment order where they are equal.
func electUnclean(replicas []candidate) (spu int32, ok bool) {
	return most(replicas, func(r *candidate) bool { return r.ready })
}

// electRest returns the replica that has most of what is left when every
// replica in sync has lost its end, as after a loss of power everywhere. All
// of them have to be there, none of the others may have more, and the log of
// one of them at least must be more than an empty one.
func electRest(replicas []candidate) (spu int32, ok bool) {
	if slices.ContainsFunc(replicas, func(r candidate) bool { return r.inSync && !(r.ready && lost(r.loss)) }) {
		return 0, false
	}
	spu, ok = most(replicas, func(r *candidate) bool { return r.inSync && r.loss == api.LossTail })
	if !ok {
		return 0, false
	}
	i := slices.IndexFunc(replicas, func(r candidate) bool { return r.spu == spu })
	if slices.ContainsFunc(replicas, func(r candidate) bool { return r.ready && r.leo > replicas[i].leo }) {
		return 0, false
	}
	return spu, true
}

// electEmpty returns the replica to begin anew with, if that costs nothing
// any more: the only replica there is lost its log, or all are ready and none
// has a record. Offsets are a little old; hence one that lost nothing comes
// first.
func electEmpty(replicas []candidate) (spu int32, ok bool) {
	if len(replicas) > 1 && slices.ContainsFunc(replicas, func(r candidate) bool { return !r.ready || r.leo > 0 }) {
		return 0, false
	}
	return electUnclean(replicas)
}

// most returns the best of those that may be elected.
func most(replicas []candidate, may func(*candidate) bool) (spu int32, ok bool) {
	best := -1
	for i := range replicas {
		if r := &replicas[i]; may(r) && (best < 0 || r.better(&replicas[best])) {
			best = i
		}
	}
	if best < 0 {
		return 0, false
	}
	return replicas[best].spu, true
}

func (r *candidate) better(s *candidate) bool {
	if lost(r.loss) != lost(s.loss) {
		return lost(s.loss)
	}
	return r.leo > s.leo
}
