package slogkey

// The keys.
const (
	Topic     = "topic"
	Partition = "partition" // the object name, <topic>-<number>
	TopicID   = "topic_id"
	SPU       = "spu"
	Cluster   = "cluster"
	Profile   = "profile"
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
	Addr      = "addr"
	Dir       = "dir"
	Path      = "path"
	Dur       = "dur"
	Err       = "err"
)
