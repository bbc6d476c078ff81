package transport_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const (
	headerHex = "00 12 00 01 00 00 00 01 00 0a 63 6f 6e 73 75 6d 65 72 2d 31"
	versions  = `00 00 00 27 00 12 00 02 00 00 00 01 00 06 66 6c
		75 76 69 6f 00 06 30 2e 35 30 2e 32 00 05 6c 69
		6e 75 78 00 06 78 38 36 5f 36 34`
	versionsSC = `00 00 00 36 00 00 00 01 00 00 00 00 00 06 03 e9
		00 09 00 13 03 ea 00 01 00 13 03 eb 00 0f 00 13
		03 ec 00 0f 00 13 03 ed 00 0e 00 13 03 ee 00 01
		00 13 00 06 30 2e 31 38 2e 31`
)

func TestRequestHeader(t *testing.T) {
	in := unhex(t, headerHex)
	var h transport.RequestHeader
	n, err := codec.Unmarshal(in, 0, &h)
	want := transport.RequestHeader{Key: 18, Version: 1, CorrelationID: 1, ClientID: "consumer-1"}
	if err != nil || n != len(in) || h != want {
		t.Fatalf("got %+v, %d bytes, %v", h, n, err)
	}
	if out, err := codec.Append(nil, 0, &h); err != nil || !bytes.Equal(in, out) {
		t.Errorf("encoded % x, %v", out, err)
	}
	for n := range in {
		if _, err := codec.Unmarshal(in[:n], 0, &h); !errors.Is(err, codec.ErrShort) {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
}

func TestReadFrame(t *testing.T) {
	one, two := unhex(t, versions), unhex(t, versionsSC)
	in := append(bytes.Clone(one), two...)
	for name, r := range map[string]io.Reader{
		"whole": bytes.NewReader(in), "byte by byte": iotest.OneByteReader(bytes.NewReader(in)),
		"data with EOF": iotest.DataErrReader(bytes.NewReader(in)),
	} {
		var buf []byte
		for _, want := range [][]byte{one[4:], two[4:]} {
			var err error
			if buf, err = transport.ReadFrame(r, buf, 64); err != nil || !bytes.Equal(buf, want) {
				t.Errorf("%s: % x, %v", name, buf, err)
			}
		}
		if _, err := transport.ReadFrame(r, buf, 64); err != io.EOF {
			t.Errorf("%s: at the end %v", name, err)
		}
	}
	for n := range one {
		want := io.ErrUnexpectedEOF
		if n == 0 {
			want = io.EOF
		}
		if _, err := transport.ReadFrame(bytes.NewReader(one[:n]), nil, 64); err != want {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
}

func TestFrameLimits(t *testing.T) {
	for in, size := range map[string]int64{
		"00 00 00 00": 0, "ff ff ff ff": -1, "80 00 00 00": -1 << 31, "00 00 00 0b": 11, "7f ff ff ff": 1<<31 - 1,
	} {
		var fe *transport.FrameSizeError
		_, err := transport.ReadFrame(bytes.NewReader(append(unhex(t, in), make([]byte, 20)...)), nil, 10)
		if !errors.As(err, &fe) || fe.Size != size || fe.Max != 10 {
			t.Errorf("%s: %v", in, err)
		}
	}
	if b, err := transport.ReadFrame(bytes.NewReader(append([]byte{0, 0, 0, 10}, make([]byte, 10)...)), nil, 10); err != nil || len(b) != 10 {
		t.Errorf("exactly the limit: %d, %v", len(b), err)
	}
}

// TestAnnouncedLengthAllocatesLittle: memory follows arrival, not promises.
func TestAnnouncedLengthAllocatesLittle(t *testing.T) {
	for _, arrived := range []int{0, 1, 100_000, 1_000_000} {
		in := append([]byte{0x03, 0xff, 0xff, 0xff}, make([]byte, arrived)...)
		n := allocated(func() {
			if _, err := transport.ReadFrame(bytes.NewReader(in), nil, transport.DefaultMaxFrame); err != io.ErrUnexpectedEOF {
				t.Error(err)
			}
		})
		if bound := uint64(128<<10 + 8*arrived); n > bound {
			t.Errorf("%d of 64 MiB arrived: %d bytes allocated, bound %d", arrived, n, bound)
		}
	}
	in := unhex(t, versions)
	buf := make([]byte, 0, 64)
	r := bytes.NewReader(nil)
	if n := testing.AllocsPerRun(100, func() {
		r.Reset(in)
		if _, err := transport.ReadFrame(r, buf, 64); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("reusing a buffer: %v allocations", n)
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add(unhex(f, versions))
	f.Add(unhex(f, versionsSC))
	f.Add(unhex(f, "7f ff ff ff 00"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		total := 0
		var buf []byte
		for {
			var err error
			if buf, err = transport.ReadFrame(r, buf, 1<<20); err != nil {
				break
			}
			if len(buf) == 0 || !bytes.Equal(buf, in[total+4:total+4+len(buf)]) {
				t.Fatalf("frame at %d: % x", total, buf)
			}
			total += 4 + len(buf)

			var h, h2 transport.RequestHeader
			n, err := codec.Unmarshal(buf, 0, &h)
			if err != nil {
				continue
			}
			out, err := codec.Append(nil, 0, &h)
			if err != nil {
				t.Fatal(err)
			}
			// A negative length of the client id reads as empty.
			if !bytes.Equal(out, buf[:n]) && h.ClientID != "" {
				t.Fatalf("% x became % x", buf[:n], out)
			}
			if _, err := codec.Unmarshal(out, 0, &h2); err != nil || h != h2 {
				t.Fatalf("%+v became %+v, %v", h, h2, err)
			}
		}
		if total > len(in) {
			t.Fatalf("%d bytes of frames in %d", total, len(in))
		}
	})
}
