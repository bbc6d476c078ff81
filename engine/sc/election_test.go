package sc

import (
	"testing"

	"github.com/fluvio-go/fluvio/netproto/api"
)

func TestElections(t *testing.T) {
	type cs = []candidate
	// A replica that is in sync and ready, and how others differ from it.
	good := func(spu int32) candidate { return candidate{spu: spu, inSync: true, ready: true, leo: 10} }
	away := func(c candidate) candidate { c.ready = false; return c }
	behind := func(c candidate, leo int64) candidate { c.inSync, c.leo = false, leo; return c }
	lost := func(c candidate) candidate { c.loss, c.leo = api.LossAll, 0; return c }
	empty := func(c candidate) candidate { c.leo = 0; return c }
	const nobody = -1
	for _, tc := range []struct {
		name                  string
		replicas              cs
		clean, unclean, empty int32
	}{
		{"first in order", cs{good(3), good(1), good(2)}, 3, 3, nobody},
		{"first is away", cs{away(good(3)), good(1), good(2)}, 1, 1, nobody},
		{"order, not offsets", cs{away(good(3)), empty(good(1)), good(2)}, 1, 2, nobody},
		{"not in sync", cs{away(good(1)), behind(good(2), 9), good(3)}, 3, 3, nobody},
		{"lost its log", cs{lost(good(1)), good(2)}, 2, 2, nobody},
		{"all are away", cs{away(good(1)), away(good(2))}, nobody, nobody, nobody},
		{"only out of sync", cs{away(good(1)), behind(good(2), 5), behind(good(3), 7)}, nobody, 3, nobody},
		{"equally far", cs{away(good(1)), behind(good(2), 7), behind(good(3), 7)}, nobody, 2, nobody},
		{"any before one that lost its log", cs{lost(good(1)), behind(good(2), 5)}, nobody, 2, nobody},
		{"the rest is away", cs{lost(good(1)), away(good(2))}, nobody, 1, nobody},
		{"in sync but gone, empty ones left", cs{away(good(1)), behind(good(2), 0)}, nobody, 2, nobody},
		{"nothing anywhere", cs{lost(good(1)), lost(good(2))}, nobody, 1, 1},
		{"nothing, one lost nothing", cs{lost(good(1)), behind(good(2), 0)}, nobody, 2, 2},
		{"only copy lost", cs{lost(good(1))}, nobody, 1, 1},
		{"only copy away", cs{away(good(1))}, nobody, nobody, nobody},
		{"only copy", cs{good(1)}, 1, 1, 1},
	} {
		for _, e := range []struct {
			name  string
			elect func([]candidate) (int32, bool)
			want  int32
		}{
			{"clean", electClean, tc.clean}, {"unclean", electUnclean, tc.unclean}, {"empty", electEmpty, tc.empty},
		} {
			got, ok := e.elect(tc.replicas)
			if !ok {
				got = nobody
			}
			if got != e.want {
				t.Errorf("%s, %s: %d, want %d", tc.name, e.name, got, e.want)
			}
		}
	}
}

func TestElectionsAfterLosses(t *testing.T) {
	type cs = []candidate
	// A replica that is in sync, ready and has so many records.
	has := func(spu int32, loss api.ReplicaLoss, leo int64) candidate {
		return candidate{spu: spu, inSync: true, ready: true, loss: loss, leo: leo}
	}
	away := func(c candidate) candidate { c.ready = false; return c }
	behind := func(c candidate) candidate { c.inSync = false; return c }
	const (
		whole, perhaps, damage, tail, all = api.LossNone, api.LossPossible, api.LossDamage, api.LossTail, api.LossAll

		nobody = -1
	)
	for _, tc := range []struct {
		name                  string
		replicas              cs
		clean, doubtful, rest int32
	}{
		{"a whole one is there", cs{has(1, perhaps, 9), has(2, damage, 9), has(3, whole, 8)}, 3, 1, nobody},
		{"none is certain", cs{has(1, perhaps, 8), has(2, perhaps, 9), has(3, damage, 9)}, nobody, 2, nobody},
		{"the best is away", cs{has(1, perhaps, 8), away(has(2, perhaps, 9))}, nobody, 1, nobody},
		{"the best is not in sync", cs{has(1, damage, 8), behind(has(2, whole, 9))}, nobody, 1, nobody},
		{"short ones do not count", cs{has(1, tail, 9), has(2, perhaps, 3)}, nobody, 2, nobody},
		{"all are short", cs{has(1, tail, 5), has(2, tail, 7), has(3, tail, 7)}, nobody, nobody, 2},
		{"one is away", cs{has(1, tail, 5), away(has(2, tail, 3))}, nobody, nobody, nobody},
		{"a whole one is away", cs{has(1, tail, 5), away(has(2, whole, 3))}, nobody, nobody, nobody},
		{"one has none", cs{has(1, all, 0), has(2, tail, 7)}, nobody, nobody, 2},
		{"none has any", cs{has(1, all, 0), has(2, all, 0)}, nobody, nobody, nobody},
		{"refilled, but not the end", cs{has(1, all, 6), has(2, tail, 5)}, nobody, nobody, nobody},
		{"another has more", cs{has(1, tail, 5), behind(has(2, whole, 6))}, nobody, nobody, nobody},
		{"another has less", cs{has(1, tail, 5), behind(has(2, whole, 5))}, nobody, nobody, 1},
		{"another that is away", cs{has(1, tail, 5), away(behind(has(2, whole, 6)))}, nobody, nobody, 1},
	} {
		for _, e := range []struct {
			name  string
			elect func([]candidate) (int32, bool)
			want  int32
		}{
			{"clean", electClean, tc.clean}, {"doubtful", electDoubtful, tc.doubtful}, {"rest", electRest, tc.rest},
		} {
			got, ok := e.elect(tc.replicas)
			if !ok {
				got = nobody
			}
			if got != e.want {
				t.Errorf("%s, %s: %d, want %d", tc.name, e.name, got, e.want)
			}
		}
	}
}
