package client

import (
	"iter"

	"github.com/fluvio-go/fluvio/netproto/record"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// Batch is one stored batch as it came from a server.
type Batch struct {
	Topic         string
	Partition     uint32
	HighWatermark int64 // of the partition, when the batch was sent

	raw  record.Batch
	from int64 // records below are not wanted
	dec  *record.Decompressor
}

// Raw is the encoded batch. It may begin before the start of the consumer;
// Records leaves out what does.
func (b *Batch) Raw() record.Batch { return b.raw }

// Records decodes the batch. The record is valid until the next turn. Damage
// ends the loop with an error that wraps record.ErrCorrupt.
func (b *Batch) Records() iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		rs, err := b.raw.Records(b.dec)
		if err != nil {
			yield(nil, partitionError(b.Topic, b.Partition, err))
			return
		}
		var rec Record
		for rs.Next() {
			r := rs.Record()
			if r.Offset < b.from {
				continue
			}
			b.fill(&rec, r)
			if !yield(&rec, nil) {
				return
			}
		}
		if err := rs.Err(); err != nil {
			yield(nil, partitionError(b.Topic, b.Partition, err))
		}
	}
}

func (b *Batch) fill(dst *Record, r *record.Record) {
	*dst = Record{
		Key: r.Key, Value: r.Value, Topic: b.Topic, Partition: b.Partition,
		Offset: r.Offset, Timestamp: r.Timestamp,
	}
}

// fetch is one response of a stream on its way through the loop.
type fetch struct {
	s     *stream
	rest  []byte // whole batches
	from  int64  // records below were delivered before or come before the start
	until int64  // batches from here on are beyond the end; -1 no end
	hw    int64
	frame transport.Frame // holds rest
}

// next moves b to the next batch that has something to deliver.
func (f *fetch) next(b *Batch) bool {
	for len(f.rest) > 0 {
		raw, rest, err := record.Next(f.rest)
		if err != nil {
			break // cannot be: the stream kept whole batches only
		}
		f.rest = rest
		if raw.NextOffset() <= f.from {
			continue
		}
		if f.until >= 0 && raw.BaseOffset() >= f.until {
			break
		}
		*b = Batch{
			Topic: f.s.c.topic, Partition: f.s.id, HighWatermark: f.hw,
			raw: raw, from: f.from, dec: &f.s.c.dec,
		}
		return true
	}
	f.rest = nil
	return false
}
