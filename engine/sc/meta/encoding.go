package meta

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/fluvio-go/fluvio/netproto/codec"
)

// The stored form of a value. This layout must not move; docs/format has it.
//
//	+--------------+------------+------------------------------+
//	| crc32c   u32 | layout i16 | fields, coded as layout says |
//	+--------------+------------+------------------------------+
//
// The checksum covers all that follows it. Fields added later get a higher
// layout; a reader knows every layout up to its own.
const (
	layout    = 1
	minLayout = 1
	crcSize   = 4
	headSize  = crcSize + 2

	// minObjectVersion is the oldest public API version that objects were
	// ever stored at.
	minObjectVersion = 19
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrDamaged means that stored bytes are not what was written.
var ErrDamaged = errors.New("stored object is damaged")

// VersionError says that data was written in a form that this release does
// not read, most likely by a newer release.
type VersionError struct {
	What     string
	Version  int
	Min, Max int // what this release reads
}

func (e *VersionError) Error() string {
	if e.Version > e.Max {
		return fmt.Sprintf("%s %d was written by a newer release; this one reads up to %d", e.What, e.Version, e.Max)
	}
	return fmt.Sprintf("%s %d is not known; this release reads %d to %d", e.What, e.Version, e.Min, e.Max)
}

// Encode returns the stored form of v.
func Encode(v Value) ([]byte, error) {
	b := make([]byte, headSize, 256)
	binary.BigEndian.PutUint16(b[crcSize:], layout)
	b, err := codec.Append(b, layout, v)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", v.Kind(), err)
	}
	binary.BigEndian.PutUint32(b, crc32.Checksum(b[crcSize:], castagnoli))
	return b, nil
}

// Decode reads what Encode wrote, in this release or an earlier one. Nothing
// in the value aliases b. The error is ErrDamaged, a *VersionError, or what
// the codec says.
func Decode(k Kind, b []byte) (Value, error) {
	v := NewValue(k)
	if v == nil {
		return nil, fmt.Errorf("kind %q is unknown", k)
	}
	if len(b) < headSize {
		return nil, fmt.Errorf("%w: %d bytes", ErrDamaged, len(b))
	}
	if sum := crc32.Checksum(b[crcSize:], castagnoli); sum != binary.BigEndian.Uint32(b) {
		return nil, fmt.Errorf("%w: checksum is %08x, want %08x", ErrDamaged, sum, binary.BigEndian.Uint32(b))
	}
	n := int16(binary.BigEndian.Uint16(b[crcSize:]))
	if n < minLayout || n > layout {
		return nil, &VersionError{What: string(k) + " layout", Version: int(n), Min: minLayout, Max: layout}
	}
	read, err := codec.Unmarshal(b[headSize:], n, v)
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", k, err)
	}
	if left := len(b) - headSize - read; left != 0 {
		return nil, fmt.Errorf("%w: %d bytes too many", ErrDamaged, left)
	}
	return v, nil
}
