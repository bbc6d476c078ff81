package spu

import (
	"math/rand/v2"
	"sync"
	"time"
)

// jitter spreads what many SPUs would otherwise do at the same moment. It is
// seeded with what tells this start of the SPU from others, so a simulation
// that decides about that decides about everything.
type jitter struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func newJitter(boot uint64) *jitter {
	return &jitter{rng: rand.New(rand.NewPCG(boot, 0))}
}

// below returns a random duration from 0 to d, without d unless that is 0.
func (j *jitter) below(d time.Duration) time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	return time.Duration(j.rng.Int64N(max(int64(d), 1)))
}
