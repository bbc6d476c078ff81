package record_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/fluvio-go/fluvio/netproto/record"
)

func seeds(f *testing.F) (out []record.Batch) {
	f.Helper()
	var bld record.Builder
	bld.Add([]byte("key"), true, bytes.Repeat([]byte("value"), 20), day)
	bld.Add(nil, false, nil, day+1)
	for _, c := range allCodecs {
		b, err := bld.Finish(nil, c)
		if err != nil {
			f.Fatal(err)
		}
		out = append(out, b)
	}
	return append(out, unhex(f, oneRecord), unhex(f, twoRecords))
}

// FuzzBatch walks bytes as a record set: no panic, no batch outside the input,
// and what is whole is found again when it stands alone.
func FuzzBatch(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add([]byte(b))
		f.Add(append(bytes.Clone(b), b[:len(b)-1]...))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		s := record.Set(in)
		whole := s.Whole()
		total := 0
		for b, err := range whole.Batches() {
			if err != nil {
				t.Fatal(err)
			}
			total += len(b)
			_ = b.Verify()
			_, _ = b.SchemaID()
			_ = b.Payload()
		}
		if total != len(whole) || !bytes.HasPrefix(in, whole) {
			t.Fatalf("%d bytes of batches in %d", total, len(whole))
		}
		if _, _, err := s.Count(); err != nil && !errors.Is(err, record.ErrCorrupt) {
			t.Fatal(err)
		}
	})
}

// FuzzRecords puts arbitrary bytes behind a good header. What is read must lie
// in the input, and records that can be read must build to records that read
// the same.
func FuzzRecords(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add(uint8(b.Codec()), b.Payload())
	}
	header := unhex(f, oneRecord)[:record.HeaderSize]
	f.Fuzz(func(t *testing.T, codec uint8, payload []byte) {
		b := record.Batch(append(bytes.Clone(header), payload...))
		b[22] = codec & 7
		d := &record.Decompressor{Max: 1 << 20}
		rs, err := b.Records(d)
		if err != nil {
			var tooLarge *record.TooLargeError
			if !errors.Is(err, record.ErrCorrupt) && !errors.As(err, &tooLarge) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		var bld record.Builder
		var read []record.Record
		for r := range rs.All() {
			if r.Offset != int64(len(read)) || !r.HasKey && r.Key != nil {
				t.Fatalf("record %d: %+v", len(read), r)
			}
			bld.Add(r.Key, r.HasKey, r.Value, r.Timestamp)
			read = append(read, *r)
		}
		if err := rs.Err(); err != nil && !errors.Is(err, record.ErrCorrupt) {
			t.Fatal(err)
		}
		if len(read) == 0 {
			return
		}
		again := records(t, finish(t, &bld, record.None), nil)
		if len(again) != len(read) {
			t.Fatalf("%d records became %d", len(read), len(again))
		}
		for i, r := range again {
			if r.HasKey != read[i].HasKey || !bytes.Equal(r.Key, read[i].Key) || !bytes.Equal(r.Value, read[i].Value) {
				t.Fatalf("record %d: %+v became %+v", i, read[i], r)
			}
		}
	})
}

// FuzzDecompress: arbitrary bytes never exceed the limit, and arbitrary data
// survives each codec.
func FuzzDecompress(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add(uint8(b.Codec()), b.Payload())
	}
	f.Fuzz(func(t *testing.T, codec uint8, in []byte) {
		c := record.Codec(codec % 5)
		const limit = 1 << 20
		out, err := record.Decompress(nil, c, in, limit)
		if len(out) > limit || err != nil && len(out) != 0 {
			t.Fatalf("%d bytes, %v", len(out), err)
		}
		z, err := record.Compress(nil, c, in)
		if err != nil {
			t.Fatal(err)
		}
		out, err = record.Decompress(nil, c, z, len(in))
		if err != nil || !bytes.Equal(in, out) {
			t.Fatalf("%v: %d bytes became %d, %v", c, len(in), len(out), err)
		}
	})
}
