package record

import "fmt"

// Codec is the compression code in a batch's attributes. Topic settings
// number the same codecs differently; see api.Compression.
type Codec uint8

// The codecs, with the container format that official clients use.
const (
	None   Codec = 0
	Gzip   Codec = 1 // RFC 1952
	Snappy Codec = 2 // framing format, not raw blocks
	Lz4    Codec = 3 // LZ4 frame format
	Zstd   Codec = 4 // standard frame
)

// Valid reports whether c is an assigned code.
func (c Codec) Valid() bool { return c <= Zstd }

// String is the lower-case name that flags use.
func (c Codec) String() string {
	switch c {
	case None:
		return "none"
	case Gzip:
		return "gzip"
	case Snappy:
		return "snappy"
	case Lz4:
		return "lz4"
	case Zstd:
		return "zstd"
	}
	return fmt.Sprintf("codec(%d)", uint8(c))
}
