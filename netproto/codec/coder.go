package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"unicode/utf8"
)

// Message is anything that can describe itself to a Coder.
type Message interface {
	// Code visits every field in wire order. It must behave the same in both
	// directions; only fields that exist at c.Version() may be visited.
	// Encoding must not write to the message, which others may be encoding at
	// the same time.
	Code(c *Coder)
}

// MaxString is the longest string, in bytes, that every Fluvio peer can read:
// the length prefix is written as u16 but official decoders read it as i16.
const MaxString = math.MaxInt16

// Errors that decoding and encoding wrap. Match them with errors.Is.
var (
	// ErrShort means a field or a length prefix reaches past the end of the
	// input. No memory was allocated for the announced length.
	ErrShort = errors.New("message is shorter than its fields announce")
	// ErrInvalid means bytes that no valid message contains: a bool other
	// than 0 or 1, an unknown enum tag, text that is not UTF-8.
	ErrInvalid = errors.New("message holds an invalid value")
	// ErrTooLong means a value that the format cannot carry: a string above
	// MaxString bytes, 2 GiB of bytes, or a map with more than 65,535 entries.
	ErrTooLong = errors.New("value is too long for the wire format")
)

// Coder walks one message in one direction at one API version. It remembers
// its first error, after which decoding leaves all values alone and the
// output of encoding is worthless, so a message visits all its fields and the
// caller checks Err once.
//
// The zero Coder is not usable; call ResetEncode or ResetDecode, or one of the
// constructors. A Coder may be reset and reused; it is not safe for
// concurrent use.
type Coder struct {
	buf     []byte // encode: output so far; decode: whole input
	off     int    // decode: next unread byte
	err     error
	version int16
	enc     bool
	aliased bool
}

// NewEncoder returns a Coder that appends to dst.
func NewEncoder(dst []byte, version int16) *Coder {
	c := &Coder{}
	c.ResetEncode(dst, version)
	return c
}

// NewDecoder returns a Coder that reads src. Decoded byte slices alias src.
func NewDecoder(src []byte, version int16) *Coder {
	c := &Coder{}
	c.ResetDecode(src, version)
	return c
}

// ResetEncode makes c an encoder that appends to dst at the given version.
func (c *Coder) ResetEncode(dst []byte, version int16) {
	*c = Coder{buf: dst, version: version, enc: true}
}

// ResetDecode makes c a decoder of src at the given version.
func (c *Coder) ResetDecode(src []byte, version int16) {
	*c = Coder{buf: src, version: version}
}

// Append encodes m at version and returns the extended dst. The error is
// ErrTooLong or an error that m itself reported; dst is then unchanged in
// length.
func Append(dst []byte, version int16, m Message) ([]byte, error) {
	c := coders.Get().(*Coder)
	defer c.release()
	c.ResetEncode(dst, version)
	m.Code(c)
	if c.err != nil {
		return dst, c.err
	}
	return c.buf, nil
}

// Unmarshal decodes m from src at version and returns the number of bytes
// read. Bytes after the message are left alone, as official decoders do.
func Unmarshal(src []byte, version int16, m Message) (int, error) {
	c := coders.Get().(*Coder)
	defer c.release()
	c.ResetDecode(src, version)
	m.Code(c)
	return c.off, c.err
}

// coders spares Append and Unmarshal an allocation: a Coder escapes, since
// Code is an interface method.
var coders = sync.Pool{New: func() any { return new(Coder) }}

func (c *Coder) release() {
	*c = Coder{}
	coders.Put(c)
}

// Version is the API version that gates fields.
func (c *Coder) Version() int16 { return c.version }

// Since reports whether fields introduced at version v exist.
func (c *Coder) Since(v int16) bool { return c.version >= v }

// Between reports whether fields that exist from lo to hi inclusive exist.
func (c *Coder) Between(lo, hi int16) bool { return c.version >= lo && c.version <= hi }

// Encoding reports the direction. Messages need it only where the two
// directions differ by nature, for instance to fill in a default.
func (c *Coder) Encoding() bool { return c.enc }

// Err returns the first error, or nil.
func (c *Coder) Err() error { return c.err }

// Offset is the position in the input (decoding) or the length of the output
// (encoding).
func (c *Coder) Offset() int {
	if c.enc {
		return len(c.buf)
	}
	return c.off
}

// Bytes returns the output so far when encoding, the unread input when
// decoding.
func (c *Coder) Bytes() []byte {
	if c.enc {
		return c.buf
	}
	c.aliased = true
	return c.buf[c.off:]
}

// Aliased reports whether decoding handed out bytes that alias the input. If
// not, the input may be reused while the decoded message lives.
func (c *Coder) Aliased() bool { return c.aliased }

// Remaining is the number of unread bytes; 0 when encoding.
func (c *Coder) Remaining() int {
	if c.enc {
		return 0
	}
	return len(c.buf) - c.off
}

// Fail records err, with the position, unless an error is recorded already.
func (c *Coder) Fail(err error) {
	if c.err == nil {
		c.err = fmt.Errorf("at byte %d: %w", c.Offset(), err)
	}
}

// Invalidf records an ErrInvalid with an explanation.
func (c *Coder) Invalidf(format string, args ...any) {
	if c.err == nil {
		c.Fail(fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...)))
	}
}

// take returns the next n bytes of the input, or nil after recording
// ErrShort.
func (c *Coder) take(n int) []byte {
	if c.err != nil {
		return nil
	}
	if n < 0 || n > len(c.buf)-c.off {
		c.Fail(fmt.Errorf("%w: need %d bytes, %d left", ErrShort, n, len(c.buf)-c.off))
		return nil
	}
	b := c.buf[c.off : c.off+n : c.off+n]
	c.off += n
	return b
}

// U8 visits an unsigned byte.
func (c *Coder) U8(v *uint8) {
	if c.enc {
		c.buf = append(c.buf, *v)
	} else if b := c.take(1); b != nil {
		*v = b[0]
	}
}

// I8 visits a signed byte.
func (c *Coder) I8(v *int8) {
	u := uint8(*v)
	c.U8(&u)
	if !c.enc {
		*v = int8(u)
	}
}

// Bool visits a bool: one byte, 0 or 1. Official peers refuse anything else,
// and so do we, since it usually means a shifted field.
func (c *Coder) Bool(v *bool) {
	var u uint8
	if *v {
		u = 1
	}
	c.U8(&u)
	if c.err == nil && u > 1 {
		c.Invalidf("bool is %#02x", u)
		return
	}
	if !c.enc {
		*v = u == 1
	}
}

// U16 visits a big-endian 16-bit unsigned integer.
func (c *Coder) U16(v *uint16) {
	if c.enc {
		c.buf = binary.BigEndian.AppendUint16(c.buf, *v)
	} else if b := c.take(2); b != nil {
		*v = binary.BigEndian.Uint16(b)
	}
}

// I16 visits a big-endian 16-bit signed integer.
func (c *Coder) I16(v *int16) {
	u := uint16(*v)
	c.U16(&u)
	if !c.enc {
		*v = int16(u)
	}
}

// U32 visits a big-endian 32-bit unsigned integer.
func (c *Coder) U32(v *uint32) {
	if c.enc {
		c.buf = binary.BigEndian.AppendUint32(c.buf, *v)
	} else if b := c.take(4); b != nil {
		*v = binary.BigEndian.Uint32(b)
	}
}

// I32 visits a big-endian 32-bit signed integer.
func (c *Coder) I32(v *int32) {
	u := uint32(*v)
	c.U32(&u)
	if !c.enc {
		*v = int32(u)
	}
}

// U64 visits a big-endian 64-bit unsigned integer.
func (c *Coder) U64(v *uint64) {
	if c.enc {
		c.buf = binary.BigEndian.AppendUint64(c.buf, *v)
	} else if b := c.take(8); b != nil {
		*v = binary.BigEndian.Uint64(b)
	}
}

// I64 visits a big-endian 64-bit signed integer.
func (c *Coder) I64(v *int64) {
	u := uint64(*v)
	c.U64(&u)
	if !c.enc {
		*v = int64(u)
	}
}

// Varint visits a zig-zag base-128 integer, least significant group first, as
// binary.AppendVarint writes it. Official encoders are right only within 32
// bits; every legitimate use stays inside that range.
func (c *Coder) Varint(v *int64) {
	if c.enc {
		c.buf = binary.AppendVarint(c.buf, *v)
		return
	}
	if c.err != nil {
		return
	}
	n, size := binary.Varint(c.buf[c.off:])
	switch {
	case size == 0:
		c.Fail(fmt.Errorf("%w: unfinished varint", ErrShort))
	case size < 0:
		c.Invalidf("varint above 64 bits")
	default:
		*v = n
		c.off += size
	}
}

// String visits text with a 16-bit length. A length above 32,767 reads as
// empty without consuming bytes, because official decoders take the prefix as
// signed; encoding such a string is ErrTooLong.
//
// When decoding into a string that already has the same bytes nothing is
// allocated, so a reused message costs nothing for its stable names.
func (c *Coder) String(v *string) {
	if c.enc {
		if len(*v) > MaxString {
			c.Fail(fmt.Errorf("%w: string of %d bytes", ErrTooLong, len(*v)))
			return
		}
		c.buf = binary.BigEndian.AppendUint16(c.buf, uint16(len(*v)))
		c.buf = append(c.buf, *v...)
		return
	}
	var n int16
	c.I16(&n)
	if c.err != nil {
		return
	}
	if n <= 0 {
		*v = ""
		return
	}
	b := c.take(int(n))
	if b == nil || *v == string(b) {
		return
	}
	if !utf8.Valid(b) {
		c.Invalidf("string is not UTF-8")
		return
	}
	*v = string(b)
}

// ByteSlice visits raw bytes with a 32-bit length. Decoded bytes alias the
// input.
func (c *Coder) ByteSlice(v *[]byte) {
	if c.enc {
		if len(*v) > math.MaxInt32 {
			c.Fail(fmt.Errorf("%w: %d bytes", ErrTooLong, len(*v)))
			return
		}
		n := uint32(len(*v))
		c.U32(&n)
		c.buf = append(c.buf, *v...)
		return
	}
	var n int32
	c.I32(&n)
	if c.err != nil {
		return
	}
	if n < 1 {
		*v = nil
		return
	}
	if b := c.take(int(n)); b != nil {
		*v = b
		c.aliased = true
	}
}

// Raw visits exactly n bytes when decoding and appends *v when encoding.
// Decoded bytes alias the input.
func (c *Coder) Raw(v *[]byte, n int) {
	if c.enc {
		c.buf = append(c.buf, *v...)
		return
	}
	*v = c.take(n)
	c.aliased = true
}

// count visits a 32-bit element count. Each element takes at least one byte,
// so a count above what remains cannot be honest and is refused before
// anything is allocated.
func (c *Coder) count(n int) int {
	if c.enc {
		u := uint32(n)
		c.U32(&u)
		return n
	}
	var i int32
	c.I32(&i)
	if c.err != nil || i < 1 {
		return 0
	}
	if int(i) > c.Remaining() {
		c.Fail(fmt.Errorf("%w: %d elements announced, %d bytes left", ErrShort, i, c.Remaining()))
		return 0
	}
	return int(i)
}

// maxPrealloc bounds what is allocated on the word of a count alone; beyond
// it a slice grows only as elements really arrive.
const maxPrealloc = 64

// Slice visits a vector: 32-bit count, then the elements. Decoding reuses the
// backing array that *v has, with its elements cleared.
func Slice[T any](c *Coder, v *[]T, elem func(*T, *Coder)) {
	slice(c, v, elem, false)
}

// SliceReuse is Slice for messages that are decoded over and over into the
// same value: elements keep what an earlier decode left in them, so that
// their strings and slices can be reused. Every field of T must be visited,
// or cleared, at every version.
func SliceReuse[T any](c *Coder, v *[]T, elem func(*T, *Coder)) {
	slice(c, v, elem, true)
}

func slice[T any](c *Coder, v *[]T, elem func(*T, *Coder), reuse bool) {
	n := c.count(len(*v))
	if c.enc {
		for i := range *v {
			elem(&(*v)[i], c)
		}
		return
	}
	if c.err != nil {
		return
	}
	s := (*v)[:0]
	if n > 0 && cap(s) == 0 {
		s = make([]T, 0, min(n, maxPrealloc))
	}
	for range n {
		if len(s) < cap(s) {
			s = s[:len(s)+1]
			if !reuse {
				clear(s[len(s)-1:])
			}
		} else {
			var zero T
			s = append(s, zero)
		}
		elem(&s[len(s)-1], c)
		if c.err != nil {
			break
		}
	}
	if n == 0 && cap(s) == 0 {
		s = nil
	}
	*v = s
}

// Option visits an optional value: a bool, then the value if true.
func Option[T any](c *Coder, v **T, elem func(*T, *Coder)) {
	has := *v != nil
	c.Bool(&has)
	if c.err != nil {
		return
	}
	if !c.enc {
		*v = nil
	}
	if !has {
		return
	}
	if !c.enc {
		*v = new(T)
	}
	elem(*v, c)
}

// Map visits a map: 16-bit count, then pairs in ascending key order. Decoding
// accepts any order; of equal keys the last wins.
func Map[K interface{ ~int32 | ~uint32 | ~string }, V any](c *Coder, m *map[K]V, key func(*K, *Coder), val func(*V, *Coder)) {
	if c.enc {
		if len(*m) > math.MaxUint16 {
			c.Fail(fmt.Errorf("%w: map of %d entries", ErrTooLong, len(*m)))
			return
		}
		n := uint16(len(*m))
		c.U16(&n)
		keys := make([]K, 0, len(*m))
		for k := range *m {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			v := (*m)[k]
			key(&k, c)
			val(&v, c)
		}
		return
	}
	var n uint16
	c.U16(&n)
	if c.err != nil {
		return
	}
	if n == 0 {
		*m = nil
		return
	}
	out := make(map[K]V)
	for range n {
		var k K
		var v V
		key(&k, c)
		val(&v, c)
		if c.err != nil {
			return
		}
		out[k] = v
	}
	*m = out
}

// Element visitors for Slice, Option and Map.
func StringElem(v *string, c *Coder) { c.String(v) }
func I32Elem(v *int32, c *Coder)     { c.I32(v) }
func U32Elem(v *uint32, c *Coder)    { c.U32(v) }
func I64Elem(v *int64, c *Coder)     { c.I64(v) }
func U64Elem(v *uint64, c *Coder)    { c.U64(v) }
func U16Elem(v *uint16, c *Coder)    { c.U16(v) }

// StringOption visits an optional string.
func (c *Coder) StringOption(v **string) { Option(c, v, StringElem) }

// Enum8 visits a one-byte enum whose valid values are 0 to last inclusive.
// An unknown tag is an error when decoding: what follows cannot be parsed.
func Enum8[T ~uint8](c *Coder, v *T, last T, name string) {
	u := uint8(*v)
	c.U8(&u)
	if c.err == nil && u > uint8(last) {
		c.Invalidf("%s has no value %d", name, u)
		return
	}
	if !c.enc {
		*v = T(u)
	}
}

// Duration is the wire form of a time span: whole seconds and nanoseconds,
// 12 bytes.
type Duration struct {
	Secs  uint64
	Nanos uint32
}

// Code visits the span.
func (d *Duration) Code(c *Coder) {
	c.U64(&d.Secs)
	c.U32(&d.Nanos)
}
