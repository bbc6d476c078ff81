package slogkey

// Keys of structured log records.
const (
	Topic     = "topic"
	Partition = "partition"
	SPU       = "spu"
	Offset    = "offset"
	Segment   = "segment"
	APIKey    = "api_key"
	CorrID    = "corr_id"
	Dur       = "dur"
	Addr      = "addr"
	Profile   = "profile"
	Cluster   = "cluster"
	Path      = "path"
	Err       = "err"
)
