package spu

import (
	"bytes"
	"fmt"
	"testing"
)

func TestReplicate(t *testing.T) {
	c := newCluster(t, three, nil)
	a := replicated("t", three...)
	c.host(a)
	conn := c.nodes[1].dial()
	for i := range 50 {
		if base := mustCommit(t, conn, "t", fmt.Sprint("a", i), fmt.Sprint("b", i)); base != int64(2*i) {
			t.Fatalf("offset %d, want %d", base, 2*i)
		}
	}
	c.awaitEnds(a, 100, three...)
	c.sameUpTo(a, 100, three...)
	for _, id := range three[1:] {
		if !bytes.Equal(c.nodes[id].files(a), c.nodes[1].files(a)) {
			t.Errorf("the files of SPU %d differ from those of SPU 1", id)
		}
	}
	// The SC hears of followers too.
	c.await("reports", func() bool {
		c.sc.mu.Lock()
		defer c.sc.mu.Unlock()
		for _, id := range three {
			if r := c.sc.by[id][a.ReplicaRef]; r.LEO != 100 || r.HW != 100 || r.LeaderEpoch != 1 {
				return false
			}
		}
		return true
	})
}
