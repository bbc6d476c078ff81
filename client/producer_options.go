package client

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/record"
)

// ProducerOption configures a Producer.
type ProducerOption interface{ applyProducer(*producerConfig) }

// StreamOption configures a Producer or a Consumer.
type StreamOption interface {
	ProducerOption
	ConsumerOption
}

type producerConfig struct {
	batchSize    int
	linger       time.Duration
	maxRequest   int
	queue        int
	codec        *record.Codec
	isolation    api.Isolation
	timeout      time.Duration
	delivery     Semantic
	retry        RetryPolicy
	partitioner  Partitioner
	fixed        *uint32
	smartModules []api.SmartModuleInvocation
	onBatch      func(BatchEvent)
}

type producerOption func(*producerConfig)

func (o producerOption) applyProducer(c *producerConfig) { o(c) }

// Semantic is how hard a producer tries.
type Semantic uint8

const (
	// AtLeastOnce waits for the answer and sends again, as RetryPolicy says.
	AtLeastOnce Semantic = iota
	// AtMostOnce sends once and does not wait for the answer. A record counts
	// as delivered when its request is written; Offset is -1 and error codes
	// of the server are not seen.
	AtMostOnce
)

// String is the name that flags use.
func (s Semantic) String() string {
	if s == AtMostOnce {
		return "at-most-once"
	}
	return "at-least-once"
}

// RetryPolicy is how often and how long a request is sent again.
type RetryPolicy struct {
	MaxRetries int           // 0: as many as fit in Timeout
	Initial    time.Duration // first delay
	Max        time.Duration // longest delay
	Factor     float64       // growth of the delay, at least 1
	Timeout    time.Duration // from the first attempt on
}

// DefaultRetry tries for 300 s, the overall limit of official clients, at
// closer intervals than theirs, so that a moved leader is found soon. News of
// a leader ends a delay at once; the longest one matters where there is none,
// such as when the SC is away as well.
func DefaultRetry() RetryPolicy {
	return RetryPolicy{Initial: 20 * time.Millisecond, Max: time.Second, Factor: 2, Timeout: 300 * time.Second}
}

// BatchEvent tells about a batch that a server has answered for.
type BatchEvent struct {
	Partition uint32
	Records   int
	Bytes     int           // encoded, before compression
	Created   time.Time     // when its first record came
	Elapsed   time.Duration // from then to the answer
	// Again: the batch was sent more than once, because an answer did not come
	// or was that another SPU leads. It may be in the log as often.
	Again bool
	Err   error
}

// BatchSize is the uncompressed size in bytes, header included, at which a
// batch is closed. The default is 16,384. A larger record gets a batch of its
// own.
func BatchSize(n int) ProducerOption {
	return producerOption(func(c *producerConfig) { c.batchSize = n })
}

// Linger is how long a batch that is not full waits for more records. The
// default is 0: it is sent as soon as the partition has no request under way.
func Linger(d time.Duration) ProducerOption {
	return producerOption(func(c *producerConfig) { c.linger = d })
}

// MaxRequestSize is the largest batch, in bytes, that a single record may
// make. The default is 1,048,576.
func MaxRequestSize(n int) ProducerOption {
	return producerOption(func(c *producerConfig) { c.maxRequest = n })
}

// BatchQueue is how many batches of one partition may wait before Send blocks.
// The default is 100.
func BatchQueue(n int) ProducerOption {
	return producerOption(func(c *producerConfig) { c.queue = n })
}

// Compress chooses the codec. Without it the topic's rule applies, or none. A
// codec that the topic does not allow is refused by Client.Producer.
func Compress(codec record.Codec) ProducerOption {
	return producerOption(func(c *producerConfig) { c.codec = &codec })
}

// Acks chooses what an answer means: appended by the leader (ReadUncommitted,
// the default) or covered by the high watermark (ReadCommitted).
func Acks(i api.Isolation) ProducerOption {
	return producerOption(func(c *producerConfig) { c.isolation = i })
}

// Timeout is how long a server may wait for ReadCommitted, up to 24 days. The
// default is 30 s, more than it takes to do without a follower that is gone:
// records of a request that times out are in the log, whatever the answer.
func Timeout(d time.Duration) ProducerOption {
	return producerOption(func(c *producerConfig) { c.timeout = d })
}

// Delivery chooses between AtLeastOnce, the default, and AtMostOnce.
func Delivery(s Semantic) ProducerOption {
	return producerOption(func(c *producerConfig) { c.delivery = s })
}

// Retry replaces DefaultRetry.
func Retry(p RetryPolicy) ProducerOption {
	return producerOption(func(c *producerConfig) { c.retry = p })
}

// PartitionBy replaces SipHash.
func PartitionBy(p Partitioner) ProducerOption {
	return producerOption(func(c *producerConfig) { c.partitioner = p })
}

// Partition sends all records to one partition.
func Partition(id uint32) ProducerOption {
	return producerOption(func(c *producerConfig) { c.fixed = &id })
}

// OnBatch calls f after each batch, from the goroutine of its partition, which
// waits for it.
func OnBatch(f func(BatchEvent)) ProducerOption {
	return producerOption(func(c *producerConfig) { c.onBatch = f })
}

// SmartModules lets the servers transform records: before they are stored, or
// before they are sent to a consumer.
func SmartModules(steps ...api.SmartModuleInvocation) StreamOption { return smartModules(steps) }

type smartModules []api.SmartModuleInvocation

func (s smartModules) applyProducer(c *producerConfig) { c.smartModules = s }
func (s smartModules) applyConsumer(c *consumerConfig) { c.smartModules = s }

func newProducerConfig(opts []ProducerOption) (*producerConfig, error) {
	c := &producerConfig{
		batchSize:   16 << 10,
		maxRequest:  1 << 20,
		queue:       100,
		isolation:   api.ReadUncommitted,
		timeout:     30 * time.Second,
		retry:       DefaultRetry(),
		partitioner: SipHash(),
	}
	for _, o := range opts {
		o.applyProducer(c)
	}
	if c.fixed != nil {
		c.partitioner = fixedPartitioner(*c.fixed)
	}
	return c, c.validate()
}

func (c *producerConfig) validate() error {
	var errs []error
	refuse := func(bad bool, format string, v any) {
		if bad {
			errs = append(errs, fmt.Errorf("%w: "+format, ErrConfig, v))
		}
	}
	refuse(c.batchSize <= 0, "batch size is %v, want at least 1", c.batchSize)
	refuse(c.maxRequest <= 0 || c.maxRequest > maxRecordBytes, "maximum request size is %v, want 1 to 60 MiB", c.maxRequest)
	refuse(c.queue <= 0, "batch queue is %v, want at least 1", c.queue)
	refuse(c.linger < 0, "linger is %v, want 0 or more", c.linger)
	refuse(c.timeout < 0 || c.timeout.Milliseconds() > math.MaxInt32, "time-out is %v, want 0 to 24 days", c.timeout)
	refuse(c.codec != nil && !c.codec.Valid(), "compression is %v", c.codec)
	refuse(c.partitioner == nil, "partitioner is %v", c.partitioner)
	refuse(c.delivery > AtMostOnce, "delivery is %v", uint8(c.delivery))
	r := c.retry
	refuse(r.MaxRetries < 0 || r.Initial < 0 || r.Max < r.Initial || r.Factor < 1 || r.Timeout <= 0,
		"retry policy %+v, want Max >= Initial, Factor >= 1 and a time-out", r)
	return errors.Join(errs...)
}

// pickCodec settles the codec between the producer's wish and the topic's
// rule.
func (c *producerConfig) pickCodec(rule api.Compression) (record.Codec, error) {
	demanded, fixed := rule.Codec()
	switch {
	case c.codec == nil && fixed:
		return demanded, nil
	case c.codec == nil:
		return record.None, nil
	case fixed && *c.codec != demanded:
		return 0, &Error{Partition: -1, Err: ErrConfig, text: fmt.Sprintf(
			"Invalid configuration in producer: Compression in the producer (%s) does not match with topic level compression (%s)",
			codecName(*c.codec), codecName(demanded))}
	}
	return *c.codec, nil
}

func codecName(c record.Codec) string {
	if c == record.None {
		return "no compression"
	}
	return c.String()
}
