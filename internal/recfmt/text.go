package recfmt

import (
	"bytes"
	"unicode/utf8"
)

// sniffed is how much of a value decides whether it is binary.
const sniffed = 1024

// isBinary applies the test of the original: a byte order mark means text;
// else a NUL in the first 1024 bytes, or the start of a PDF, means binary.
func isBinary(b []byte) bool {
	for _, mark := range [...]string{"\xef\xbb\xbf", "\xff\xfe\x00\x00", "\x00\x00\xfe\xff", "\xff\xfe", "\xfe\xff"} {
		if len(b) >= len(mark) && string(b[:len(mark)]) == mark {
			return false
		}
	}
	return bytes.IndexByte(b[:min(len(b), sniffed)], 0) >= 0 || bytes.HasPrefix(b, pdf)
}

var pdf = []byte("%PDF")

// appendLossy appends b with each broken UTF-8 sequence replaced by one
// U+FFFD. What counts as one sequence is what Unicode calls the maximal
// subpart: a truncated character is one, not one per byte.
func appendLossy(dst, b []byte) []byte {
	if utf8.Valid(b) {
		return append(dst, b...)
	}
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, "\ufffd"...)
			b = b[brokenLen(b):]
			continue
		}
		dst = append(dst, b[:size]...)
		b = b[size:]
	}
	return dst
}

// brokenLen returns the length of the broken sequence that b starts with: the
// lead byte and the continuations that could have followed it.
func brokenLen(b []byte) int {
	lead := b[0]
	want := 0
	lo, hi := byte(0x80), byte(0xbf) // range of the second byte
	switch {
	case lead >= 0xc2 && lead <= 0xdf:
		want = 1
	case lead >= 0xe0 && lead <= 0xef:
		want = 2
		if lead == 0xe0 {
			lo = 0xa0
		} else if lead == 0xed {
			hi = 0x9f
		}
	case lead >= 0xf0 && lead <= 0xf4:
		want = 3
		if lead == 0xf0 {
			lo = 0x90
		} else if lead == 0xf4 {
			hi = 0x8f
		}
	}
	n := 1
	for n <= want && n < len(b) && b[n] >= lo && b[n] <= hi {
		n++
		lo, hi = 0x80, 0xbf
	}
	return n
}

// appendVisible is appendLossy with what a terminal would act on replaced by a
// mark: C0 controls by their pictures, C1 and direction controls by U+FFFD.
// Newlines and tabs stay, and so does a carriage return that ends a line.
func appendVisible(dst, b []byte) []byte {
	for len(b) > 0 {
		if c := b[0]; c >= 0x20 && c < 0x7f {
			dst, b = append(dst, c), b[1:]
			continue
		}
		r, size := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && size == 1:
			size = brokenLen(b)
			dst = append(dst, "\ufffd"...)
		case r == '\n' || r == '\t' || r == '\r' && len(b) > 1 && b[1] == '\n':
			dst = append(dst, byte(r))
		case r < 0x20:
			dst = utf8.AppendRune(dst, 0x2400+r)
		case r == 0x7f:
			dst = append(dst, "\u2421"...)
		case r < 0xa0 || isDirection(r):
			dst = append(dst, "\ufffd"...)
		default:
			dst = append(dst, b[:size]...)
		}
		b = b[size:]
	}
	return dst
}

// isDirection reports the characters that reorder the text around them.
func isDirection(r rune) bool {
	return r == 0x061c || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}
