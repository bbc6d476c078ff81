package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// Batch layout, big-endian. This is the format of the wire and of log files;
// it must not move.
//
//	 0 ┌────────────────────────────┐
//	   │ base offset            i64 │  overwritten by the leader, not in the CRC
//	 8 ├────────────────────────────┤
//	   │ batch length           i32 │  bytes after this field: 45 + records
//	12 ├────────────────────────────┤
//	   │ leader epoch           i32 │  −1 from clients, not in the CRC
//	16 ├────────────────────────────┤
//	   │ magic                   i8 │  2
//	17 ├────────────────────────────┤
//	   │ CRC-32C                u32 │  of everything from byte 21 on
//	21 ├────────────────────────────┤
//	   │ attributes             i16 │  bits 0–2 codec, bit 4 schema id present
//	23 │ last offset delta      i32 │  records − 1
//	27 │ first timestamp        i64 │  ms since the Unix epoch, −1 none
//	35 │ max timestamp          i64 │  ms, −1 none
//	43 │ producer id            i64 │  −1
//	51 │ producer epoch         i16 │  −1
//	53 │ first sequence         i32 │  −1
//	57 ├────────────────────────────┤
//	   │ schema id              u32 │  only with attribute bit 4
//	57 ├────────────────────────────┤
//	or │ records                    │  u32 count and records, or the same
//	61 │                            │  compressed as one block
//	   └────────────────────────────┘
const (
	// PreambleSize is the part that BatchLen does not count: base offset and
	// the length itself.
	PreambleSize = 12
	// HeaderSize is the fixed part of a batch, preamble included.
	HeaderSize = 57
	// Magic is the only batch format version.
	Magic = 2

	posLength     = 8
	posEpoch      = 12
	posMagic      = 16
	posCRC        = 17
	posAttributes = 21
	posLastDelta  = 23
	posFirstTime  = 27
	posMaxTime    = 35
	posProducerID = 43
	posProdEpoch  = 51
	posFirstSeq   = 53

	attrCodecMask = 0x07
	attrSchema    = 0x10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrCorrupt is wrapped by every error that says a batch is not what its
// writer sent: bad length, magic, CRC or count.
var ErrCorrupt = errors.New("corrupt record batch")

// ErrTorn says that the input ends inside a batch. It wraps ErrCorrupt.
var ErrTorn = fmt.Errorf("%w: input ends inside it", ErrCorrupt)

// Batch is a view of one whole encoded batch: len(b) is exactly the batch,
// header included. Its methods read and patch the bytes in place and never
// allocate. A Batch comes from Next, which has checked the length.
type Batch []byte

// Next splits the first whole batch off b. ErrTorn means that b ends before
// the batch does; another ErrCorrupt means an impossible length. An empty b
// is ErrTorn too: ask len first.
func Next(b []byte) (batch Batch, rest []byte, err error) {
	n, err := SizeFromPreamble(b)
	if err != nil {
		return nil, b, err
	}
	if n > len(b) {
		return nil, b, ErrTorn
	}
	return Batch(b[:n:n]), b[n:], nil
}

// SizeFromPreamble returns the encoded size, header included, that the first
// PreambleSize bytes of b announce. It is at least HeaderSize.
func SizeFromPreamble(b []byte) (int, error) {
	if len(b) < PreambleSize {
		return 0, ErrTorn
	}
	n := int32(binary.BigEndian.Uint32(b[posLength:]))
	if n < HeaderSize-PreambleSize {
		return 0, fmt.Errorf("%w: length field is %d, the header alone is %d", ErrCorrupt, n, HeaderSize-PreambleSize)
	}
	return int(n) + PreambleSize, nil
}

// BaseOffset is the offset of the first record.
func (b Batch) BaseOffset() int64 { return int64(binary.BigEndian.Uint64(b)) }

// SetBaseOffset patches the base offset; the CRC stays valid.
func (b Batch) SetBaseOffset(v int64) { binary.BigEndian.PutUint64(b, uint64(v)) }

// LeaderEpoch is the epoch of the leader that appended the batch; −1 when it
// comes from a client.
func (b Batch) LeaderEpoch() int32 { return int32(binary.BigEndian.Uint32(b[posEpoch:])) }

// SetLeaderEpoch patches the leader epoch; the CRC stays valid.
func (b Batch) SetLeaderEpoch(v int32) { binary.BigEndian.PutUint32(b[posEpoch:], uint32(v)) }

// Magic is the format version byte.
func (b Batch) Magic() int8 { return int8(b[posMagic]) }

// CRC is the stored checksum.
func (b Batch) CRC() uint32 { return binary.BigEndian.Uint32(b[posCRC:]) }

// ComputeCRC is the checksum that the content has.
func (b Batch) ComputeCRC() uint32 { return crc32.Checksum(b[posAttributes:], castagnoli) }

// SetCRC stores the checksum of the content as it is now.
func (b Batch) SetCRC() { binary.BigEndian.PutUint32(b[posCRC:], b.ComputeCRC()) }

// Attributes is the raw attribute field.
func (b Batch) Attributes() int16 { return int16(binary.BigEndian.Uint16(b[posAttributes:])) }

// Codec is the compression of the records section. Values 5 to 7 are not
// assigned; Codec.Valid tells.
func (b Batch) Codec() Codec { return Codec(b.Attributes() & attrCodecMask) }

// HasSchema reports whether a schema id precedes the records.
func (b Batch) HasSchema() bool { return b.Attributes()&attrSchema != 0 }

// LastOffsetDelta is the number of records minus one, as the writer claims.
func (b Batch) LastOffsetDelta() int32 { return int32(binary.BigEndian.Uint32(b[posLastDelta:])) }

// NextOffset is the offset after the last record: base + delta + 1.
func (b Batch) NextOffset() int64 { return b.BaseOffset() + int64(b.LastOffsetDelta()) + 1 }

// FirstTimestamp is in milliseconds since the Unix epoch; −1 means none.
func (b Batch) FirstTimestamp() int64 { return int64(binary.BigEndian.Uint64(b[posFirstTime:])) }

// MaxTimestamp is in milliseconds since the Unix epoch; −1 means none.
func (b Batch) MaxTimestamp() int64 { return int64(binary.BigEndian.Uint64(b[posMaxTime:])) }

// ProducerID is −1 for every official client.
func (b Batch) ProducerID() int64 { return int64(binary.BigEndian.Uint64(b[posProducerID:])) }

// ProducerEpoch is −1 for every official client.
func (b Batch) ProducerEpoch() int16 { return int16(binary.BigEndian.Uint16(b[posProdEpoch:])) }

// FirstSequence is −1 for every official client.
func (b Batch) FirstSequence() int32 { return int32(binary.BigEndian.Uint32(b[posFirstSeq:])) }

// Payload is the records section, still compressed if Codec says so. A batch
// that claims a schema id but is too short for one has an empty payload.
func (b Batch) Payload() []byte {
	if b.HasSchema() {
		return b[min(HeaderSize+4, len(b)):]
	}
	return b[HeaderSize:]
}

// Verify checks what a server can check without decompressing: magic, CRC,
// a count of at least one record, and for uncompressed batches that the
// record count equals the claimed one. The error wraps ErrCorrupt. It does
// not allocate when the batch is good.
func (b Batch) Verify() error {
	if m := b.Magic(); m != Magic {
		return fmt.Errorf("%w: magic is %d, want %d", ErrCorrupt, m, Magic)
	}
	if got, want := b.ComputeCRC(), b.CRC(); got != want {
		return fmt.Errorf("%w: CRC-32C is %08x, header says %08x", ErrCorrupt, got, want)
	}
	delta := b.LastOffsetDelta()
	if delta < 0 {
		return fmt.Errorf("%w: it claims %d records", ErrCorrupt, int64(delta)+1)
	}
	if b.HasSchema() && len(b) < HeaderSize+4 {
		return fmt.Errorf("%w: no room for the schema id it announces", ErrCorrupt)
	}
	if b.Codec() == None {
		p := b.Payload()
		if len(p) < 4 {
			return fmt.Errorf("%w: no record count", ErrCorrupt)
		}
		if n := int32(binary.BigEndian.Uint32(p)); int64(n) != int64(delta)+1 {
			return fmt.Errorf("%w: %d records, header claims %d", ErrCorrupt, n, int64(delta)+1)
		}
	}
	return nil
}

// SetLastOffsetDelta changes the number of offsets that the batch covers.
// The CRC covers this field: call SetCRC when done.
func (b Batch) SetLastOffsetDelta(v int32) {
	binary.BigEndian.PutUint32(b[posLastDelta:], uint32(v))
}

// SchemaID is the schema id, or ok false if there is none.
func (b Batch) SchemaID() (id uint32, ok bool) {
	if !b.HasSchema() || len(b) < HeaderSize+4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(b[HeaderSize:]), true
}
