package record

import (
	"encoding/binary"
	"fmt"
	"iter"
)

// NoTimestamp is the timestamp of a record or batch that has none.
const NoTimestamp int64 = -1

// minRecordSize is the shortest possible record: a length and six fields of
// one byte each.
const minRecordSize = 7

// Record is a view of one record. Key and Value alias the batch or, when it
// is compressed, the buffer of the Decompressor; copy what must live longer.
type Record struct {
	Key   []byte // nil when HasKey is false
	Value []byte // never absent; may be empty

	// Offset is the batch's base offset plus the position of the record in
	// the batch. This, not OffsetDelta, is how official consumers count.
	Offset int64
	// Timestamp is in milliseconds since the Unix epoch, or NoTimestamp when
	// the batch carries none.
	Timestamp int64
	// OffsetDelta is the number stored in the record. Writers put the
	// position there; readers do not rely on it.
	OffsetDelta int64

	Attributes int8 // always 0 so far
	HasKey     bool
}

// Records iterates over one batch without allocating:
//
//	rs, err := batch.Records(&d)
//	for rs.Next() {
//		r := rs.Record()
//	}
//	err = rs.Err()
//
// The zero value is an empty iteration.
type Records struct {
	buf   []byte // the records after the count
	off   int    // next unread byte of buf
	count int    // as announced, bounded by what buf can hold
	pos   int    // records read so far
	base  int64  // offset of the first record
	first int64  // first timestamp of the batch
	rec   Record
	err   error
}

// Records starts an iteration over b, decompressing the records section with
// d if there is a codec. For a batch without compression d may be nil. The
// views stay valid until d is used again or b changes.
//
// The error wraps ErrCorrupt or is a *TooLargeError. Damage further inside
// shows in Records.Err, after the records before it were delivered.
func (b Batch) Records(d *Decompressor) (Records, error) {
	p := b.Payload()
	if c := b.Codec(); c != None {
		if d == nil {
			d = new(Decompressor)
		}
		var err error
		if p, err = d.Decompress(c, p); err != nil {
			return Records{}, err
		}
	}
	if len(p) < 4 {
		return Records{}, fmt.Errorf("%w: no record count", ErrCorrupt)
	}
	n, p := binary.BigEndian.Uint32(p), p[4:]
	if uint64(n) > uint64(len(p)/minRecordSize) {
		return Records{}, fmt.Errorf("%w: %d records announced in %d bytes", ErrCorrupt, int32(n), len(p))
	}
	return Records{buf: p, count: int(n), base: b.BaseOffset(), first: b.FirstTimestamp()}, nil
}

// Len is the number of records that the section announces.
func (r *Records) Len() int { return r.count }

// Record is the record that Next moved to. The pointer stays the same during
// an iteration, its content changes with Next.
func (r *Records) Record() *Record { return &r.rec }

// Err is the damage that ended the iteration early, wrapping ErrCorrupt, or
// nil.
func (r *Records) Err() error { return r.err }

// Next moves to the next record and reports whether there is one.
func (r *Records) Next() bool {
	if r.pos >= r.count || r.err != nil {
		if r.err == nil && r.off < len(r.buf) {
			r.err = fmt.Errorf("%w: %d bytes after the last record", ErrCorrupt, len(r.buf)-r.off)
		}
		return false
	}
	n, size := uvarint(r.buf[r.off:])
	body := r.off + size
	length := unzigzag(n)
	if size == 0 || length < minRecordSize-1 || length > int64(len(r.buf)-body) {
		return r.fail("its length is out of range")
	}
	end := body + int(length)
	if msg := r.rec.parse(r.buf[body:end:end]); msg != "" {
		return r.fail(msg)
	}
	r.rec.Offset = r.base + int64(r.pos)
	if r.first > 0 {
		r.rec.Timestamp += r.first // parse left the delta there
	} else {
		r.rec.Timestamp = NoTimestamp
	}
	r.off = end
	r.pos++
	return true
}

func (r *Records) fail(msg string) bool {
	r.err = fmt.Errorf("%w: record %d of %d: %s", ErrCorrupt, r.pos, r.count, msg)
	r.rec = Record{}
	return false
}

// All returns the iteration in range-over-func form. Check Err afterwards.
func (r *Records) All() iter.Seq[*Record] {
	return func(yield func(*Record) bool) {
		for r.Next() {
			if !yield(&r.rec) {
				return
			}
		}
	}
}

// parse reads the fields of one record, which must fill b exactly. It leaves
// the timestamp delta in Timestamp, and returns what is wrong, or "".
//
// A record of very old clients that had an empty key carries a single zero
// length byte there. It reads as an absent presence flag, so such records
// have no key; official readers see the same.
func (rec *Record) parse(b []byte) string {
	rec.Attributes = int8(b[0])
	off := 1

	n, size := uvarint(b[off:])
	off += size
	rec.Timestamp = unzigzag(n)
	if size == 0 {
		return "unfinished timestamp"
	}
	n, size = uvarint(b[off:])
	off += size
	rec.OffsetDelta = unzigzag(n)
	if size == 0 {
		return "unfinished offset delta"
	}

	if off >= len(b) {
		return "no key"
	}
	rec.HasKey = b[off] == 1
	if b[off] > 1 {
		return "key presence is neither 0 nor 1"
	}
	off++
	rec.Key = nil
	if rec.HasKey {
		n, size = uvarint(b[off:])
		off += size
		l := unzigzag(n)
		if size == 0 || l < 0 || l > int64(len(b)-off) {
			return "key length is out of range"
		}
		rec.Key = b[off : off+int(l) : off+int(l)]
		off += int(l)
	}

	n, size = uvarint(b[off:])
	off += size
	l := unzigzag(n)
	if size == 0 || l < 0 || l > int64(len(b)-off) {
		return "value length is out of range"
	}
	rec.Value = b[off : off+int(l) : off+int(l)]
	off += int(l)

	// The header count is all that is ever written of headers.
	_, size = uvarint(b[off:])
	if size == 0 || off+size != len(b) {
		return "its fields do not fill its length"
	}
	return ""
}

// uvarint reads a base-128 number; size 0 means unfinished or above 64 bits.
// Nearly all of them are one byte, so that case is worth inlining.
func uvarint(b []byte) (n uint64, size int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	return uvarintSlow(b)
}

func uvarintSlow(b []byte) (uint64, int) {
	n, size := binary.Uvarint(b)
	return n, max(size, 0)
}

func unzigzag(n uint64) int64 { return int64(n>>1) ^ -int64(n&1) }

func zigzag(n int64) uint64 { return uint64(n<<1) ^ uint64(n>>63) }
