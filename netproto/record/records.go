package record

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"
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
	end, msg := r.rec.parse(r.buf, r.off)
	if msg != "" {
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

// parse reads the record at b[off] and returns the offset after it. It leaves
// the timestamp delta in Timestamp. msg is what is wrong, or "".
//
// Fields are bounded by b and in the end must fill the record's length
// exactly, so none can reach into the next record.
//
// A record of very old clients that had an empty key carries a single zero
// length byte there. It reads as an absent presence flag, so such records
// have no key; official readers see the same.
func (rec *Record) parse(b []byte, off int) (end int, msg string) {
	end, off = rec.parseHead(b, off)
	if off >= len(b) {
		return 0, "its length or header is out of range"
	}
	var n int64
	switch b[off] {
	case 0:
		rec.Key, rec.HasKey = nil, false
		off++
	case 1:
		n, off = varint(b, off+1)
		if off > len(b) || uint64(n) > uint64(len(b)-off) {
			return 0, "key length is out of range"
		}
		rec.Key, rec.HasKey = b[off:off+int(n):off+int(n)], true
		off += int(n)
	default:
		return 0, "key presence is neither 0 nor 1"
	}
	n, off = varint(b, off)
	if off > len(b) || uint64(n) > uint64(len(b)-off) {
		return 0, "value length is out of range"
	}
	rec.Value = b[off : off+int(n) : off+int(n)]
	off += int(n)

	// The header count is all that is ever written of headers.
	if off < len(b) && b[off] < 0x80 {
		off++
	} else {
		_, off = varint(b, off)
	}
	if off != end {
		return 0, "its fields do not fill its length"
	}
	return end, ""
}

// parseHead reads length, attributes, timestamp and offset delta. It returns
// the end that the length announces and the offset of the key presence byte,
// or pastEnd. Nearly always the four fit in one 8-byte word, which is what
// keeps iteration within its budget.
func (rec *Record) parseHead(b []byte, off int) (end, next int) {
	if len(b)-off < 8 {
		return rec.parseHeadSlow(b, off)
	}
	w := binary.LittleEndian.Uint64(b[off:])
	length, n1 := shortVarint(w)
	w >>= n1 & 31
	attributes := int8(w)
	w >>= 8
	ts, n2 := shortVarint(w)
	w >>= n2 & 31
	delta, n3 := shortVarint(w)
	if n1 == 0 || n2 == 0 || n3 == 0 {
		return rec.parseHeadSlow(b, off)
	}
	body := off + int(n1/8)
	end = body + int(unzigzag(length))
	if end > len(b) {
		return 0, pastEnd
	}
	rec.Attributes = attributes
	rec.Timestamp = unzigzag(ts)
	rec.OffsetDelta = unzigzag(delta)
	return end, body + int(8+n2+n3)/8
}

func (rec *Record) parseHeadSlow(b []byte, off int) (end, next int) {
	length, off := varint(b, off)
	if off >= len(b) || length < 0 || length > int64(len(b)-off) {
		return 0, pastEnd
	}
	end = off + int(length)
	rec.Attributes = int8(b[off])
	rec.Timestamp, off = varint(b, off+1)
	rec.OffsetDelta, off = varint(b, off)
	return end, off
}

// shortVarint decodes a number of one or two bytes at the low end of w and
// returns its width in bits, or 0 if it is longer.
func shortVarint(w uint64) (n uint64, bits uint) {
	if w&0x80 == 0 {
		return w & 0x7f, 8
	}
	if w&0x8000 == 0 {
		return w&0x7f | w>>1&0x3f80, 16
	}
	return 0, 0
}

// pastEnd is an offset beyond any input. varint returns it after an error
// and when called with it, so that fields can be read in a row and checked
// where it matters.
const pastEnd = math.MaxInt

// varint reads the zig-zag number at b[off] and returns the offset after it,
// or pastEnd.
func varint(b []byte, off int) (int64, int) {
	if off < len(b)-1 {
		if n, bits := shortVarint(uint64(binary.LittleEndian.Uint16(b[off:]))); bits != 0 {
			return unzigzag(n), off + int(bits/8)
		}
	} else if off >= len(b) {
		return 0, pastEnd
	}
	n, size := binary.Varint(b[off:])
	if size <= 0 {
		return 0, pastEnd
	}
	return n, off + size
}

func unzigzag(n uint64) int64 { return int64(n>>1) ^ -int64(n&1) }

func zigzag(n int64) uint64 { return uint64(n<<1) ^ uint64(n>>63) }
