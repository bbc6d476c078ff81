package sc

import (
	"slices"
	"testing"
)

// TestExtend: more copies go to racks that have none, then to SPUs with the
// fewest followers, and never to one that is away.
func TestExtend(t *testing.T) {
	all := nodes{
		{id: 1, rack: "a", online: true},
		{id: 2, rack: "a", online: true},
		{id: 3, rack: "b", online: true, followers: 9},
		{id: 4, rack: "c"},
		{id: 5, rack: "a", online: true, followers: 1},
	}
	plain := nodes{{id: 1, online: true}, {id: 2, online: true, followers: 3}, {id: 3, online: true}}
	for _, tc := range []struct {
		n     nodes
		have  []int32
		count int
		want  []int32
	}{
		{all, []int32{1}, 3, []int32{1, 3, 2}},
		{all, []int32{3}, 3, []int32{3, 1, 2}},
		{all, []int32{1, 3}, 9, []int32{1, 3, 2, 5}},
		{plain, []int32{1}, 2, []int32{1, 3}},
		{plain, []int32{1, 2, 3}, 3, []int32{1, 2, 3}},
	} {
		if got := tc.n.extend(tc.have, tc.count); !slices.Equal(got, tc.want) {
			t.Errorf("%v to %d: %v, want %v", tc.have, tc.count, got, tc.want)
		}
	}
}
