package client

import (
	"bytes"
	"time"
)

// Record is one key and value. Producers read only these two; consumers fill
// in the rest.
type Record struct {
	Key   []byte // nil: no key. Empty and not nil: a key of length 0
	Value []byte // nil and empty are the same

	Topic     string
	Partition uint32
	Offset    int64
	Timestamp int64 // ms since the Unix epoch; -1 when the batch has none
}

// Time is the timestamp as a time; the zero time when there is none.
func (r *Record) Time() time.Time {
	if r.Timestamp < 0 {
		return time.Time{}
	}
	return time.UnixMilli(r.Timestamp)
}

// Clone copies the record with its key and value, which otherwise alias the
// buffer they were received in.
func (r *Record) Clone() *Record {
	c := *r
	c.Key = bytes.Clone(r.Key)
	c.Value = bytes.Clone(r.Value)
	return &c
}

// RecordMeta is where a record was stored.
type RecordMeta struct {
	Partition uint32
	// Offset is -1 with AtMostOnce, which does not wait to learn it, and
	// without meaning for a record that a SmartModule of the producer dropped.
	Offset int64
}
