package record_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/fluvio-go/fluvio/netproto/record"
	"github.com/klauspost/compress/zstd"
)

// TestZstdWithoutContentSize: official clients stream, so their frames do not
// say how large they become, and one block may be hundreds of times larger
// than its compressed form.
func TestZstdWithoutContentSize(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, records := range []int{1, 10, 200, 2000} {
		for _, filler := range []int{0, 50, 400} {
			t.Run(fmt.Sprintf("%d records, %d random bytes in each", records, filler), func(t *testing.T) {
				var want []byte
				for range records {
					want = append(want, bytes.Repeat([]byte("the same words again and again, "), 20)...)
					for range filler {
						want = append(want, byte(rng.Uint32()))
					}
				}
				src := streamZstd(t, want)
				got, err := record.Decompress(nil, record.Zstd, src, record.DefaultMaxDecompressed)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%d bytes of %d: %v", len(got), len(want), err)
				}
				if _, err := record.Decompress(nil, record.Zstd, src, len(want)-1); err == nil {
					t.Error("more than the limit was decompressed")
				}
				if _, err := record.Decompress(nil, record.Zstd, src, len(want)); err != nil {
					t.Errorf("at the limit: %v", err)
				}
				cut := src[:len(src)-5]
				if _, err := record.Decompress(nil, record.Zstd, cut, record.DefaultMaxDecompressed); err == nil {
					t.Error("a cut frame was decompressed")
				}
			})
		}
	}
}

func streamZstd(t *testing.T, b []byte) []byte {
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	// The first flush writes the header, while the size is unknown.
	for _, part := range [][]byte{nil, b} {
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
