package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// DefaultMaxDecompressed bounds what one records section may grow to when
// the caller names no bound: 256 MiB.
const DefaultMaxDecompressed = 256 << 20

// maxZstdWindow is the largest history a zstd frame may ask us to hold. It
// covers every level up to 19; official writers use level 1 (512 KiB).
const maxZstdWindow = 8 << 20

// block64K keeps the state of block codecs small. Batches are 16 KiB by
// default, so larger blocks would win nothing.
const block64K = 64 << 10

// ErrCodec is returned for a compression code that is not assigned.
var ErrCodec = errors.New("unknown compression code")

// TooLargeError says that a records section expands beyond the bound, which
// is what a decompression bomb does. It is not ErrCorrupt: a larger bound
// may succeed.
type TooLargeError struct {
	Codec Codec
	Max   int // the bound, bytes
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("%s data expands to more than %d bytes", e.Codec, e.Max)
}

// Decompressor expands records sections into one buffer that it keeps. The
// zero value is ready. It is not safe for concurrent use. Codec state comes
// from a pool that the garbage collector empties, so an idle Decompressor
// holds its buffer and nothing else.
type Decompressor struct {
	// Max bounds the expanded size in bytes; 0 means DefaultMaxDecompressed.
	Max int

	buf []byte
}

// Decompress expands src. The result is valid until the next call; it aliases
// src when c is None.
func (d *Decompressor) Decompress(c Codec, src []byte) ([]byte, error) {
	if c == None {
		return src, nil
	}
	limit := d.Max
	if limit <= 0 {
		limit = DefaultMaxDecompressed
	}
	out, err := Decompress(d.buf[:0], c, src, limit)
	d.buf = out[:0]
	return out, err
}

// Detach gives the last result to the caller: the next call uses new memory.
func (d *Decompressor) Detach() { d.buf = nil }

// Compress appends the compressed form of src, which must not overlap dst's
// spare capacity. Codec None copies. On error dst is returned unchanged.
func Compress(dst []byte, c Codec, src []byte) ([]byte, error) {
	switch c {
	case None:
		return append(dst, src...), nil
	case Gzip, Snappy, Lz4:
		p := streamPools[c]
		e := p.enc.Get().(*streamEncoder)
		out, err := e.run(dst, src)
		p.enc.Put(e)
		return out, err
	case Zstd:
		e := zstdEncoders.Get().(*zstd.Encoder)
		out := e.EncodeAll(src, dst)
		zstdEncoders.Put(e)
		return out, nil
	}
	return dst, fmt.Errorf("%w %d", ErrCodec, uint8(c))
}

// Decompress appends the expanded form of src to dst, at most limit bytes.
// Memory grows with what really comes out, not with what src announces. The
// error is a *TooLargeError, ErrCodec, or wraps ErrCorrupt; dst is then
// returned without new content, though perhaps with more capacity.
func Decompress(dst []byte, c Codec, src []byte, limit int) ([]byte, error) {
	var out []byte
	var err error
	switch c {
	case None:
		if len(src) > limit {
			return dst, &TooLargeError{c, limit}
		}
		return append(dst, src...), nil
	case Gzip, Snappy, Lz4:
		p := streamPools[c]
		d := p.dec.Get().(*streamDecoder)
		out, err = d.run(dst, src, limit)
		p.dec.Put(d)
	case Zstd:
		d := zstdDecoders.Get().(*zstdDecoder)
		out, err = d.run(dst, src, limit)
		zstdDecoders.Put(d)
	default:
		return dst, fmt.Errorf("%w: %w %d", ErrCorrupt, ErrCodec, uint8(c))
	}
	switch {
	case err == nil:
		return out, nil
	case errors.Is(err, errLimit):
		return out[:len(dst)], &TooLargeError{c, limit}
	}
	return out[:len(dst)], fmt.Errorf("%w: %s: %w", ErrCorrupt, c, err)
}

var errLimit = errors.New("limit reached")

// resetWriter and resetReader are what the pooled libraries have in common.
type resetWriter interface {
	io.WriteCloser
	Reset(io.Writer)
}

type resetReader interface {
	io.Reader
	Reset(io.Reader) error
}

type streamPool struct{ enc, dec sync.Pool }

func newStreamPool(w func() resetWriter, r func() resetReader) *streamPool {
	return &streamPool{
		enc: sync.Pool{New: func() any { return &streamEncoder{w: w()} }},
		dec: sync.Pool{New: func() any { return &streamDecoder{r: r()} }},
	}
}

var streamPools = [...]*streamPool{
	Gzip: newStreamPool(
		func() resetWriter { return must(gzip.NewWriterLevel(io.Discard, 6)) },
		func() resetReader { return new(gzipReader) },
	),
	Snappy: newStreamPool(
		func() resetWriter {
			return s2.NewWriter(io.Discard, s2.WriterSnappyCompat(), s2.WriterConcurrency(1), s2.WriterBlockSize(block64K))
		},
		func() resetReader {
			return noError{s2.NewReader(nil, s2.ReaderMaxBlockSize(block64K), s2.ReaderAllocBlock(block64K))}
		},
	),
	Lz4: newStreamPool(
		func() resetWriter {
			w := lz4.NewWriter(io.Discard)
			check(w.Apply(lz4.BlockSizeOption(lz4.Block64Kb), lz4.ChecksumOption(false), lz4.ConcurrencyOption(1)))
			return w
		},
		func() resetReader { return noError{lz4.NewReader(nil)} },
	),
}

// streamEncoder is a pooled writer and the slice it writes to.
type streamEncoder struct {
	w   resetWriter
	out []byte
}

// Write collects what the codec puts out.
func (e *streamEncoder) Write(p []byte) (int, error) {
	e.out = append(e.out, p...)
	return len(p), nil
}

func (e *streamEncoder) run(dst, src []byte) ([]byte, error) {
	e.out = dst
	e.w.Reset(e)
	_, err := e.w.Write(src)
	if cerr := e.w.Close(); err == nil {
		err = cerr
	}
	out := e.out
	e.out = nil
	if err != nil {
		return dst, err
	}
	return out, nil
}

// streamDecoder is a pooled reader and its source.
type streamDecoder struct {
	r   resetReader
	src bytes.Reader
}

func (d *streamDecoder) run(dst, src []byte, limit int) ([]byte, error) {
	d.src.Reset(src)
	err := d.r.Reset(&d.src)
	if err == nil {
		dst, err = readInto(dst, d.r, limit)
	}
	d.src.Reset(nil) // do not keep the caller's bytes alive in the pool
	return dst, err
}

// readInto appends all of r to dst, growing by doubling, and fails with
// errLimit once more than limit bytes came.
func readInto(dst []byte, r io.Reader, limit int) ([]byte, error) {
	start := len(dst)
	idle := 0
	for {
		if len(dst) == cap(dst) {
			dst = grow(dst, max(4096, len(dst)-start))
		}
		// One byte above the limit is enough to notice.
		room := dst[len(dst):min(cap(dst), saturatingAdd(start, limit, 1))]
		n, err := r.Read(room)
		dst = dst[:len(dst)+n]
		switch {
		case len(dst)-start > limit:
			return dst, errLimit
		case err == io.EOF:
			return dst, nil
		case err != nil:
			return dst, err
		case n > 0:
			idle = 0
		default:
			if idle++; idle > 100 {
				return dst, io.ErrNoProgress
			}
		}
	}
}

// grow makes room for n more bytes. Unlike slices.Grow it does not round up,
// which adds up when the bound on memory matters.
func grow(b []byte, n int) []byte {
	if cap(b)-len(b) >= n {
		return b
	}
	out := make([]byte, len(b), len(b)+n)
	copy(out, b)
	return out
}

func saturatingAdd(a ...int) int {
	sum := 0
	for _, n := range a {
		if n > math.MaxInt-sum {
			return math.MaxInt
		}
		sum += n
	}
	return sum
}

// gzipReader reads one member and stops, as official readers do.
type gzipReader struct{ gzip.Reader }

func (r *gzipReader) Reset(src io.Reader) error {
	if err := r.Reader.Reset(src); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	r.Multistream(false)
	return nil
}

// noError gives readers whose Reset cannot fail the common signature.
type noError struct {
	r interface {
		io.Reader
		Reset(io.Reader)
	}
}

func (n noError) Read(p []byte) (int, error) { return n.r.Read(p) }
func (n noError) Reset(src io.Reader) error  { n.r.Reset(src); return nil }

var zstdEncoders = sync.Pool{New: func() any {
	return must(zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(512<<10),
		zstd.WithLowerEncoderMem(true),
		zstd.WithEncoderCRC(false), // the batch has its own
	))
}}

type zstdDecoder struct {
	*zstd.Decoder
	src bytes.Reader
}

var zstdDecoders = sync.Pool{New: func() any {
	return &zstdDecoder{Decoder: must(zstd.NewReader(nil,
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxZstdWindow),
		zstd.WithDecodeAllCapLimit(true),
	))}
}}

// run first decodes into the capacity that dst has, which a reused buffer
// has after its first batch and which no frame header can make grow. Only
// when that is too little does it stream, growing as data comes out.
func (d *zstdDecoder) run(dst, src []byte, limit int) ([]byte, error) {
	start := len(dst)
	dst = grow(dst, min(limit, 4*len(src)+1024))
	window := dst[:start:min(cap(dst), saturatingAdd(start, limit))]
	out, err := d.DecodeAll(src, window)
	if err == nil {
		return dst[:len(out)], nil
	}
	if !errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		return dst, err
	}
	if cap(window)-start >= limit {
		return dst, errLimit
	}
	d.src.Reset(src)
	if err = d.Reset(&d.src); err == nil {
		dst, err = readInto(dst, d.Decoder, limit)
	}
	d.src.Reset(nil)
	_ = d.Reset(nil)
	return dst, err
}

// must is for options that are constants here; they cannot be wrong at run
// time.
func must[T any](v T, err error) T {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
