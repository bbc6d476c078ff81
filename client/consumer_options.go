package client

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// ConsumerOption configures a Consumer.
type ConsumerOption interface{ applyConsumer(*consumerConfig) }

type consumerConfig struct {
	start        Offset
	partitions   []uint32 // nil: all
	untilEnd     bool
	maxBytes     int32 // 0: chosen from the number of partitions
	isolation    api.Isolation
	smartModules []api.SmartModuleInvocation
	reconnect    ReconnectPolicy
	skipCRC      bool
	group        *group
}

type consumerOption func(*consumerConfig)

func (o consumerOption) applyConsumer(c *consumerConfig) { o(c) }

// Offset is a position to start from. The zero value is End().
type Offset struct {
	kind offsetKind
	n    int64
}

type offsetKind uint8

const (
	fromEnd offsetKind = iota
	fromBeginning
	absolute
)

// Beginning is the oldest record.
func Beginning() Offset { return FromBeginning(0) }

// FromBeginning is n records after the oldest, at most the end.
func FromBeginning(n int64) Offset { return Offset{fromBeginning, n} }

// End is after the newest stable record.
func End() Offset { return FromEnd(0) }

// FromEnd is n records before the end, at least the oldest.
func FromEnd(n int64) Offset { return Offset{fromEnd, n} }

// At is offset n itself, whether it exists or not.
func At(n int64) Offset { return Offset{absolute, n} }

// resolve turns the position into an offset, given the first offset, the end
// of the stable part and the stored offset after the last one consumed, -1 if
// there is none.
func (o Offset) resolve(first, stable, stored int64) int64 {
	base := first
	switch o.kind {
	case absolute:
		return max(0, o.n)
	case fromBeginning:
		if stored >= 0 {
			base = stored
		}
		base = saturatingAdd(base, o.n)
	case fromEnd:
		base = stable
		if stored >= 0 {
			base = stored
		}
		base -= o.n
	}
	return max(0, first, min(base, stable))
}

func saturatingAdd(a, b int64) int64 {
	if s := a + b; s >= a {
		return s
	}
	return 1<<63 - 1
}

// ReconnectPolicy is how a stream is restored after a connection broke or a
// leader moved. Attempts count from the last response that came.
type ReconnectPolicy struct {
	MaxAttempts int // 0: never reconnect; negative: without limit
	Initial     time.Duration
	Max         time.Duration
	Factor      float64
	// FailOnEvicted reports api.OffsetEvicted instead of going on at the next
	// available offset when records expired before they were read.
	FailOnEvicted bool
}

// DefaultReconnect tries 100 times, beginning at 100 ms, by a tenth longer
// each time, up to 30 s.
func DefaultReconnect() ReconnectPolicy {
	return ReconnectPolicy{MaxAttempts: 100, Initial: 100 * time.Millisecond, Max: 30 * time.Second, Factor: 1.1}
}

// From chooses where to start in each partition. The default is End().
func From(o Offset) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.start = o })
}

// Partitions reads only these partitions; the default is all that the topic
// has when the consumer is made.
func Partitions(ids ...uint32) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.partitions = append([]uint32{}, ids...) })
}

// UntilCurrentEnd ends each partition at the end that its stable part had when
// the consumer was made. With SmartModules that drop everything a real Fluvio
// cluster sends nothing, not even how far it got, and the loop waits for it.
func UntilCurrentEnd() ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.untilEnd = true })
}

// MaxBytes is the most a server sends at once; a larger batch is sent alone.
// The default is FLV_CLIENT_MAX_FETCH_BYTES or 1,048,890, less for topics with
// more than four partitions, so that the responses in memory stay below about
// 12 MiB.
func MaxBytes(n int32) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.maxBytes = n })
}

// Isolation chooses between everything the leader has, the default, and what
// is below the high watermark.
func Isolation(i api.Isolation) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.isolation = i })
}

// Reconnect replaces DefaultReconnect.
func Reconnect(p ReconnectPolicy) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.reconnect = p })
}

// SkipCRC delivers batches without comparing their checksum.
func SkipCRC() ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.skipCRC = true })
}

const (
	// defaultMaxBytes is what official clients ask for.
	defaultMaxBytes = 1_048_890
	minFetchBytes   = 64 << 10
	// fetchBudget is shared by all partitions, each of which holds up to
	// three responses: one read, one waiting, one on its way.
	fetchBudget = 4 << 20
)

func newConsumerConfig(opts []ConsumerOption) (*consumerConfig, error) {
	c := &consumerConfig{reconnect: DefaultReconnect()}
	var errs []error
	if s := os.Getenv("FLV_CLIENT_MAX_FETCH_BYTES"); s != "" {
		n, err := strconv.ParseInt(s, 10, 32)
		if err != nil || n <= 0 {
			errs = append(errs, fmt.Errorf("%w: FLV_CLIENT_MAX_FETCH_BYTES is %q, want bytes", ErrConfig, s))
		}
		c.maxBytes = int32(n)
	}
	for _, o := range opts {
		o.applyConsumer(c)
	}
	if c.maxBytes < 0 {
		errs = append(errs, fmt.Errorf("%w: maximum fetch size is %d bytes", ErrConfig, c.maxBytes))
	}
	if c.start.n < 0 {
		errs = append(errs, fmt.Errorf("%w: Attempted to create negative offset: %d", ErrConfig, c.start.n))
	}
	if c.partitions != nil && len(c.partitions) == 0 {
		errs = append(errs, fmt.Errorf("%w: no partition is named", ErrConfig))
	}
	r := c.reconnect
	if r.MaxAttempts != 0 && (r.Initial < 0 || r.Max < r.Initial || r.Factor < 1) {
		errs = append(errs, fmt.Errorf("%w: reconnect policy %+v, want Max >= Initial and Factor >= 1", ErrConfig, r))
	}
	if c.group != nil {
		errs = append(errs, c.group.validate())
	}
	return c, errors.Join(errs...)
}

// fetchBytes is what to ask for in each of n partitions.
func (c *consumerConfig) fetchBytes(n int) int32 {
	if c.maxBytes > 0 {
		return c.maxBytes
	}
	return int32(max(minFetchBytes, min(defaultMaxBytes, fetchBudget/max(n, 1))))
}
