package sc

import "slices"

// candidate is a replica as an election sees it.
type candidate struct {
	spu     int32
	inSync  bool
	ready   bool  // its SPU is here to stay and says that the replica can serve
	lost    bool  // it was in sync and lost its log
	doubted bool  // it may lack records that another in-sync replica has
	leo     int64 // as last reported
}

// electClean returns the replica that leads next: the first in assignment
// order that is in sync and ready. It has every record that was ever
// committed.
func electClean(replicas []candidate) (spu int32, ok bool) {
	for _, r := range replicas {
		if r.inSync && r.ready && !r.lost && !r.doubted {
			return r.spu, true
		}
	}
	return 0, false
}

// electUnclean returns the ready replica that has most, which may lack
// committed records: the one that lost nothing and has the highest end
// offset, in assignment order where they are equal.
func electUnclean(replicas []candidate) (spu int32, ok bool) {
	best := -1
	for i, r := range replicas {
		if r.ready && (best < 0 || r.better(&replicas[best])) {
			best = i
		}
	}
	if best < 0 {
		return 0, false
	}
	return replicas[best].spu, true
}

func (r *candidate) better(s *candidate) bool {
	if r.lost != s.lost {
		return s.lost
	}
	return r.leo > s.leo
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
