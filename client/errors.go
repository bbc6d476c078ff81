package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/record"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// Conditions that callers branch on. Match them with errors.Is.
var (
	// ErrClosed is returned by everything that belongs to a closed client,
	// producer or consumer.
	ErrClosed = errors.New("client is closed")
	// ErrTopicNotFound: the cluster has no topic of that name.
	ErrTopicNotFound = errors.New("topic not found")
	// ErrPartitionNotFound: the topic has no partition of that number.
	ErrPartitionNotFound = errors.New("partition not found")
	// ErrRecordTooLarge: a record does not fit a request. The error in the
	// chain is a *RecordTooLargeError.
	ErrRecordTooLarge = errors.New("record is too large")
	// ErrQueueTimeout: a record waited 30 seconds for room in the queue of
	// its partition.
	ErrQueueTimeout = errors.New("the batch enqueue timeout limit reached")
	// ErrUnsupported: the cluster does not have the call. Real Fluvio
	// clusters lack our own additions.
	ErrUnsupported = errors.New("not supported by this cluster")
	// ErrIncompatible: client and cluster have no protocol version in common,
	// or the cluster's platform version is too old or not a version at all.
	ErrIncompatible = errors.New("incompatible cluster")
	// ErrConfig: an option has a value that it cannot have, or that does not
	// go with the topic.
	ErrConfig = errors.New("invalid configuration")
)

// Conditions that are retried inside and surface only when patience ends.
var (
	errNoLeader    = errors.New("partition has no leader")
	errUnknownSPU  = errors.New("leader is not a known SPU")
	errShortAnswer = errors.New("answer does not match the request")
)

// Error is an error code from a server, or a failure that belongs to one
// topic, partition or object. errors.Is finds the code, for instance
// errors.Is(err, api.NotLeaderForPartition), and the cause.
type Error struct {
	Code      api.ErrorCode // zero when the failure is the client's own
	Topic     string        // topic, or name of the object of an admin call
	Partition int32         // -1 when no single partition is concerned
	Message   string        // what the SC added in words; may be empty
	Err       error         // cause; nil when the code says it all

	text string // replaces the usual text
}

// Error is the sentence that official clients print, where there is one.
func (e *Error) Error() string {
	switch {
	case e.text != "":
		return e.text
	case e.Message != "":
		return e.Message
	case e.Code.ID == api.OK && e.Err != nil:
		return e.where() + e.Err.Error()
	case e.Err != nil:
		return fmt.Sprintf("%s%s: %v", e.where(), e.Code.Error(), e.Err)
	}
	return e.Code.Error()
}

func (e *Error) where() string {
	switch {
	case e.Topic == "":
		return ""
	case e.Partition < 0:
		return e.Topic + ": "
	}
	return fmt.Sprintf("%s-%d: ", e.Topic, e.Partition)
}

// Unwrap returns the code, if it is an error, and the cause.
func (e *Error) Unwrap() []error {
	var out []error
	if err := e.Code.Err(); err != nil {
		out = append(out, err)
	}
	if e.Err != nil {
		out = append(out, e.Err)
	}
	return out
}

// Is matches the sentinels of this package that stand for a code.
func (e *Error) Is(target error) bool {
	return target == ErrTopicNotFound && e.Code.ID == api.TopicNotFound
}

func topicNotFound(topic string) error {
	return &Error{
		Code: api.ErrorCode{ID: api.TopicNotFound}, Topic: topic, Partition: -1,
		text: "Topic not found: " + topic,
	}
}

func partitionNotFound(topic string, partition uint32) error {
	return &Error{
		Topic: topic, Partition: int32(partition), Err: ErrPartitionNotFound,
		text: fmt.Sprintf("Partition not found: %s-%d", topic, partition),
	}
}

func partitionError(topic string, partition uint32, cause error) error {
	if cause == nil {
		return nil
	}
	return &Error{Topic: topic, Partition: int32(partition), Err: cause}
}

// RecordTooLargeError says that a record does not fit MaxRequestSize even in
// a batch of its own. It matches ErrRecordTooLarge.
type RecordTooLargeError struct {
	Size int // encoded size of the batch that would hold it, bytes
	Max  int // MaxRequestSize
}

// Error is upstream's sentence, which names the same number twice.
func (e *RecordTooLargeError) Error() string {
	return fmt.Sprintf("record size (%d bytes), exceeded maximum request size (%d bytes)", e.Size, e.Size)
}

// Is matches ErrRecordTooLarge.
func (e *RecordTooLargeError) Is(target error) bool { return target == ErrRecordTooLarge }

// Retryable reports whether the same call may succeed later without anyone
// changing anything: a connection broke, a leader is moving, something is not
// ready yet. Producers and consumers retry these themselves; what they report
// has used up their policy.
func Retryable(err error) bool {
	switch code, ok := codeOf(err); {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, ErrClosed),
		errors.Is(err, record.ErrCorrupt), errors.Is(err, ErrTopicNotFound), errors.Is(err, ErrIncompatible):
		return false
	case ok:
		return retryableCode(code)
	case errors.Is(err, errNoLeader), errors.Is(err, errUnknownSPU), errors.Is(err, errMoved),
		errors.Is(err, transport.ErrTimeout), errors.Is(err, transport.ErrStreamOverflow),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return true
	}
	var conn *transport.ConnError
	var netErr net.Error
	if errors.As(err, &conn) {
		return true
	}
	// A deadline is the caller's; it only looks like a network error.
	return !errors.Is(err, context.DeadlineExceeded) && errors.As(err, &netErr)
}

func codeOf(err error) (code api.ErrorCode, ok bool) {
	ok = errors.As(err, &code) && code.ID != api.OK
	return code, ok
}

// retryableCode lists the codes that pass by themselves. RequestTimedOut is
// not among them: the records are in the log, only their replication lags.
func retryableCode(c api.ErrorCode) bool {
	if c.IsNotEnoughInSync() {
		return true // an SPU is away, and will be back
	}
	switch c.ID {
	case api.NotLeaderForPartition, api.PartitionNotLeader,
		api.TopicPendingInitialization, api.TopicNotProvisioned, api.PartitionPendingInitialization,
		api.SpuOffline, api.FetchSessionNotFound:
		return true
	}
	return false
}
