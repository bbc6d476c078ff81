// Package slogkey names the attributes of log lines, so that one thing has one
// key everywhere. It imports nothing.
package slogkey

// The keys.
const (
	Topic     = "topic"
	Partition = "partition" // the object name, <topic>-<number>
	TopicID   = "topic_id"
	SPU       = "spu"
	Cluster   = "cluster"
	Epoch     = "epoch"
	Offset    = "offset"
	Segment   = "segment"
	Stream    = "stream"
	Bytes     = "bytes"
	Count     = "count"
	State     = "state"
	APIKey    = "api_key"
	Version   = "version"
	CorrID    = "corr_id"
	Peer      = "peer"
	Dir       = "dir"
	Dur       = "dur"
	Err       = "err"
)
