package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// EmptySize is the size of an uncompressed batch without records: the header
// and the record count. Size limits of producers include it.
const EmptySize = HeaderSize + 4

// ErrEmpty is returned for a batch without records.
var ErrEmpty = errors.New("record batch has no records")

// ErrBatchTooLong is returned when a batch exceeds the 31-bit length field.
var ErrBatchTooLong = errors.New("record batch exceeds 2 GiB")

// Builder collects records for one batch, the way the official producer
// does: the first record's timestamp becomes the batch's, offset deltas
// count from 0. The zero Builder is ready; Reset makes it reusable with its
// memory. It is not safe for concurrent use.
type Builder struct {
	buf   []byte // header space, record count, records
	n     int
	first int64
	delta int64 // of the last record
}

// Reset forgets all records and keeps the memory.
func (b *Builder) Reset() {
	*b = Builder{buf: b.buf[:0]}
}

// Len is the number of records.
func (b *Builder) Len() int { return b.n }

// Size is the encoded size of the batch before compression, in bytes:
// EmptySize plus the encoded records.
func (b *Builder) Size() int { return max(len(b.buf), EmptySize) }

// RecordSize is the encoded size that a record with these lengths would add.
// The timestamp counts because it is stored as a difference of varying width.
func (b *Builder) RecordSize(keyLen int, hasKey bool, valueLen int, timestamp int64) int {
	return EncodedRecordSize(keyLen, hasKey, valueLen, b.timeDelta(timestamp), int64(b.n))
}

// Fits reports whether a record of that encoded size may be added under a
// batch size limit. Exactly the limit still fits. Whether a first record may
// exceed it is the caller's rule; official producers send it alone.
func (b *Builder) Fits(recordSize, limit int) bool {
	return recordSize <= limit-b.Size()
}

// Add appends a record and returns its offset delta. timestamp is in
// milliseconds since the Unix epoch; one before the first record's counts as
// equal to it. If the first record has none (0 or less) the batch carries no
// timestamps. The bytes are copied.
func (b *Builder) Add(key []byte, hasKey bool, value []byte, timestamp int64) int {
	if b.n == 0 {
		if cap(b.buf) < EmptySize {
			b.buf = make([]byte, 0, 1024)
		}
		b.buf = b.buf[:EmptySize]
		b.first = NoTimestamp
		if timestamp > 0 {
			b.first = timestamp
		}
	}
	i := b.n
	b.delta = b.timeDelta(timestamp)
	b.buf = appendRecord(b.buf, key, hasKey, value, b.delta, int64(i))
	b.n++
	return i
}

func (b *Builder) timeDelta(timestamp int64) int64 {
	if b.n == 0 || b.first <= 0 {
		return 0
	}
	return max(0, timestamp-b.first)
}

// Finish appends the encoded batch to dst, compressed with c, and returns the
// extended slice. The builder keeps its records until Reset. Base offset is
// the number of records minus one, which is what official producers write;
// leaders overwrite it. On error dst is returned unchanged: ErrEmpty,
// ErrBatchTooLong or an invalid codec.
func (b *Builder) Finish(dst []byte, c Codec) ([]byte, error) {
	if b.n == 0 {
		return dst, ErrEmpty
	}
	binary.BigEndian.PutUint32(b.buf[HeaderSize:], uint32(b.n))
	start := len(dst)
	out := append(dst, b.buf[:HeaderSize]...)
	if c == None {
		out = append(out, b.buf[HeaderSize:]...)
	} else {
		var err error
		if out, err = Compress(out, c, b.buf[HeaderSize:]); err != nil {
			return dst, err
		}
	}
	if len(out)-start-PreambleSize > math.MaxInt32 {
		return dst, fmt.Errorf("%w: %d bytes", ErrBatchTooLong, len(out)-start)
	}
	b.putHeader(out[start:], c)
	return out, nil
}

func (b *Builder) putHeader(h Batch, c Codec) {
	be := binary.BigEndian
	last := b.n - 1
	maxTime := NoTimestamp
	if b.first > 0 {
		maxTime = b.first + b.delta
	}
	h.SetBaseOffset(int64(last))
	be.PutUint32(h[posLength:], uint32(len(h)-PreambleSize))
	h.SetLeaderEpoch(-1)
	h[posMagic] = Magic
	be.PutUint16(h[posAttributes:], uint16(c))
	be.PutUint32(h[posLastDelta:], uint32(last))
	be.PutUint64(h[posFirstTime:], uint64(b.first))
	be.PutUint64(h[posMaxTime:], uint64(maxTime))
	be.PutUint64(h[posProducerID:], math.MaxUint64)
	be.PutUint16(h[posProdEpoch:], math.MaxUint16)
	be.PutUint32(h[posFirstSeq:], math.MaxUint32)
	h.SetCRC()
}

// EncodedRecordSize is the number of bytes that a record takes inside a
// batch, its own length prefix included. tsDelta is in milliseconds.
func EncodedRecordSize(keyLen int, hasKey bool, valueLen int, tsDelta, offsetDelta int64) int {
	n := recordBodySize(keyLen, hasKey, valueLen, tsDelta, offsetDelta)
	return varintSize(int64(n)) + n
}

func recordBodySize(keyLen int, hasKey bool, valueLen int, tsDelta, offsetDelta int64) int {
	const attributes, keyFlag, headers = 1, 1, 1
	n := attributes + varintSize(tsDelta) + varintSize(offsetDelta) + keyFlag +
		varintSize(int64(valueLen)) + valueLen + headers
	if hasKey {
		n += varintSize(int64(keyLen)) + keyLen
	}
	return n
}

func appendRecord(dst, key []byte, hasKey bool, value []byte, tsDelta, offsetDelta int64) []byte {
	if !hasKey {
		key = nil
	}
	dst = binary.AppendVarint(dst, int64(recordBodySize(len(key), hasKey, len(value), tsDelta, offsetDelta)))
	dst = append(dst, 0)
	dst = binary.AppendVarint(dst, tsDelta)
	dst = binary.AppendVarint(dst, offsetDelta)
	if hasKey {
		dst = append(dst, 1)
		dst = binary.AppendVarint(dst, int64(len(key)))
		dst = append(dst, key...)
	} else {
		dst = append(dst, 0)
	}
	dst = binary.AppendVarint(dst, int64(len(value)))
	dst = append(dst, value...)
	return append(dst, 0)
}

func varintSize(n int64) int {
	return (bits.Len64(zigzag(n)|1) + 6) / 7
}
