package client

import (
	"context"
	"math"
	"math/rand/v2"
	"time"
)

// backoff is a growing delay. attempt counts from 0. A tenth of jitter keeps
// many partitions from knocking at the same moment.
type backoff struct {
	initial, max time.Duration
	factor       float64
}

func (b backoff) delay(attempt int) time.Duration {
	d := float64(b.initial) * math.Pow(b.factor, float64(attempt))
	d = min(d, float64(b.max))
	return time.Duration(d * (0.9 + 0.2*rand.Float64()))
}

// redial is the pace at which the connection to the SC and its watches are
// restored.
var redial = backoff{initial: 50 * time.Millisecond, max: time.Second, factor: 1.6}

// sleep waits for d, or less if ctx ends or wake fires. The error is the
// context's.
func sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-wake:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
