package record_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"github.com/fluvio-go/fluvio/netproto/record"
)

const day = 1700000000000 // ms, 14 November 2023

var allCodecs = []record.Codec{record.None, record.Gzip, record.Snappy, record.Lz4, record.Zstd}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const oneRecord = `
	00 00 00 00 00 00 00 00 00 00 00 47 ff ff ff ff
	02 38 19 27 90 00 00 00 00 00 00 00 00 01 8b cf
	e5 68 00 00 00 01 8b cf e5 68 00 ff ff ff ff ff
	ff ff ff ff ff ff ff ff ff 00 00 00 01 2a 00 00
	00 01 04 6b 31 18 48 65 6c 6c 6f 20 46 6c 75 76
	69 6f 00`

const twoRecords = `
	00 00 00 00 00 00 00 01 00 00 00 42 ff ff ff ff
	02 95 f9 ff 6f 00 00 00 00 00 01 00 00 01 8b cf
	e5 68 00 00 00 01 8b cf e5 68 03 ff ff ff ff ff
	ff ff ff ff ff ff ff ff ff 00 00 00 02 0e 00 00
	00 00 02 61 00 10 00 06 02 00 04 62 62 00`

// official is a batch as an official test makes it: no delta, no CRC yet.
func official(t *testing.T, attributes, schema, records string) record.Batch {
	t.Helper()
	b := record.Batch(unhex(t, "00 00 00 00 00 00 00 00 00 00 00 00 ff ff ff ff 02 00 00 00 00"+attributes+
		"ff ff ff ff 00 00 01 6a 29 be 3e 1b 00 00 01 6a 29 be 3e 1b"+
		"ff ff ff ff ff ff ff ff ff ff ff ff ff ff"+schema+records))
	b[11] = byte(len(b) - record.PreambleSize)
	b.SetCRC()
	return b
}

func TestOfficialCRCs(t *testing.T) {
	const records = "00 00 00 01 14 00 00 00 00 08 74 65 73 74 00"
	b := official(t, "00 00", "", records)
	if b.FirstTimestamp() != 1555478494747 || b.CRC() != 1430948200 {
		t.Errorf("basic batch: first timestamp %d, CRC %d", b.FirstTimestamp(), b.CRC())
	}
	b = official(t, "00 10", "00 00 00 2a", records)
	if id, ok := b.SchemaID(); b.CRC() != 2943551365 || id != 42 || !ok {
		t.Errorf("schema batch: CRC %d, schema %d", b.CRC(), id)
	}
	rs, err := b.Records(nil)
	if err != nil || !rs.Next() || string(rs.Record().Value) != "test" || rs.Next() || rs.Err() != nil {
		t.Errorf("records behind a schema id: %+v %v %v", rs.Record(), err, rs.Err())
	}

	// The batch inside the stored produce request of the official tests.
	b = unhex(t, `00 00 00 00 00 00 00 00 00 00 00 38 ff ff ff ff 02 0c 48 50 0e 00 00 00 00 00 00
		ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff
		00 00 00 01 0c 00 00 00 00 00 00`)
	if err := b.Verify(); err != nil {
		t.Error(err)
	}
	var bld record.Builder
	bld.Add(nil, false, nil, record.NoTimestamp)
	got, err := bld.Finish(nil, record.None)
	if err != nil || !bytes.Equal(got, b) {
		t.Errorf("built % x, %v\nwant % x", got, err, []byte(b))
	}
}

func TestBuilderVectors(t *testing.T) {
	var bld record.Builder
	size := bld.RecordSize(2, true, 12, day)
	if !bld.Fits(size, 83) || bld.Fits(size, 82) {
		t.Errorf("a record of %d bytes and %d make 83", size, bld.Size())
	}
	bld.Add([]byte("k1"), true, []byte("Hello Fluvio"), day)
	got, err := bld.Finish(nil, record.None)
	if want := unhex(t, oneRecord); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got  % x, %v\nwant % x", got, err, want)
	}
	if bld.Size() != len(got) || bld.Len() != 1 {
		t.Errorf("size %d, len %d", bld.Size(), bld.Len())
	}

	bld.Reset()
	if i := bld.Add(nil, false, []byte("a"), day); i != 0 {
		t.Errorf("first offset delta %d", i)
	}
	if i := bld.Add(nil, false, []byte("bb"), day+3); i != 1 {
		t.Errorf("second offset delta %d", i)
	}
	got, err = bld.Finish([]byte("prefix"), record.None)
	if want := unhex(t, twoRecords); err != nil || !bytes.Equal(got, append([]byte("prefix"), want...)) {
		t.Errorf("got  % x, %v\nwant % x", got, err, want)
	}
	if again, err := bld.Finish(nil, record.None); err != nil || !bytes.Equal(again, got[6:]) {
		t.Errorf("finishing twice differs: %v", err)
	}
}

func TestBuilderEdges(t *testing.T) {
	var bld record.Builder
	if got, err := bld.Finish([]byte("kept"), record.None); !errors.Is(err, record.ErrEmpty) || string(got) != "kept" {
		t.Errorf("empty: %q, %v", got, err)
	}
	if bld.Size() != 61 {
		t.Errorf("empty size %d", bld.Size())
	}
	bld.Add(nil, false, nil, day)
	if got, err := bld.Finish([]byte("kept"), 6); !errors.Is(err, record.ErrCodec) || string(got) != "kept" {
		t.Errorf("codec 6: %q, %v", got, err)
	}
	bld.Add([]byte{}, true, nil, day-10) // the clock went back; the key is empty but present
	b := finish(t, &bld, record.None)
	rs := records(t, b, nil)
	if rs[1].Timestamp != day || !rs[1].HasKey || len(rs[1].Key) != 0 || rs[0].HasKey || b.MaxTimestamp() != day {
		t.Errorf("%+v, max %d", rs, b.MaxTimestamp())
	}

	bld.Reset()
	bld.Add(nil, false, nil, 0)
	bld.Add(nil, false, nil, day)
	b = finish(t, &bld, record.None)
	if rs := records(t, b, nil); b.FirstTimestamp() != -1 || b.MaxTimestamp() != -1 || rs[1].Timestamp != record.NoTimestamp {
		t.Errorf("batch without timestamps: %d %d %+v", b.FirstTimestamp(), b.MaxTimestamp(), rs)
	}
}

func finish(t testing.TB, bld *record.Builder, c record.Codec) record.Batch {
	t.Helper()
	b, err := bld.Finish(nil, c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// records collects clones of all records.
func records(t testing.TB, b record.Batch, d *record.Decompressor) (out []record.Record) {
	t.Helper()
	rs, err := b.Records(d)
	if err != nil {
		t.Fatal(err)
	}
	for r := range rs.All() {
		c := *r
		c.Key, c.Value = bytes.Clone(r.Key), bytes.Clone(r.Value)
		out = append(out, c)
	}
	if rs.Err() != nil {
		t.Fatal(rs.Err())
	}
	return out
}

func TestRecordVectors(t *testing.T) {
	// One record with value "dog" and offset delta 1.
	b := official(t, "00 00", "", "00 00 00 01 12 00 00 02 00 06 64 6f 67 00")
	b.SetBaseOffset(40)
	want := record.Record{Value: []byte("dog"), Offset: 40, OffsetDelta: 1, Timestamp: 1555478494747}
	if rs := records(t, b, nil); len(rs) != 1 || fmt.Sprint(rs[0]) != fmt.Sprint(want) {
		t.Errorf("got %+v, want %+v: the position counts, not the stored delta", rs, want)
	}

	// A record of the time before optional keys, with an empty key.
	b = official(t, "00 00", "", "00 00 00 01 20 00 00 00 00 14 56 56 56 56 56 56 56 56 56 56 00")
	if rs := records(t, b, nil); len(rs) != 1 || rs[0].HasKey || rs[0].Key != nil || string(rs[0].Value) != "VVVVVVVVVV" {
		t.Errorf("old record: %+v", rs)
	}
}

func TestDamagedRecords(t *testing.T) {
	for name, in := range map[string]string{
		"no count":             "00 00 00",
		"count too large":      "7f ff ff ff 12 00 00 02 00 06 64 6f 67 00",
		"negative count":       "ff ff ff ff 12 00 00 02 00 06 64 6f 67 00",
		"one missing":          "00 00 00 02 12 00 00 02 00 06 64 6f 67 00 00 00 00 00",
		"bytes after":          "00 00 00 01 12 00 00 02 00 06 64 6f 67 00 00",
		"length zero":          "00 00 00 01 00 00 00 02 00 06 64 6f 67 00",
		"length negative":      "00 00 00 01 11 00 00 02 00 06 64 6f 67 00",
		"length too long":      "00 00 00 01 14 00 00 02 00 06 64 6f 67 00",
		"length too short":     "00 00 00 01 10 00 00 02 00 06 64 6f 67 00",
		"length huge":          "00 00 00 01 fe ff ff ff ff ff ff ff ff 01 00 00",
		"length unfinished":    "00 00 00 01 ff ff ff ff ff ff ff",
		"key flag 2":           "00 00 00 01 12 00 00 02 02 06 64 6f 67 00",
		"key too long":         "00 00 00 01 12 00 00 02 01 06 64 6f 67 00",
		"key length negative":  "00 00 00 01 12 00 00 02 01 05 64 6f 67 00",
		"value too long":       "00 00 00 01 12 00 00 02 00 0a 64 6f 67 00",
		"value negative":       "00 00 00 01 12 00 00 02 00 05 64 6f 67 00",
		"fields end early":     "00 00 00 01 12 00 00 02 00 04 64 6f 00 00",
		"timestamp unfinished": "00 00 00 01 12 00 ff ff ff ff ff ff ff ff",
		"delta unfinished":     "00 00 00 01 12 00 00 ff ff ff ff ff ff ff",
		"headers unfinished":   "00 00 00 01 12 00 00 02 00 06 64 6f 67 80",
	} {
		b := official(t, "00 00", "", in)
		rs, err := b.Records(nil)
		for rs.Next() {
		}
		if err == nil {
			err = rs.Err()
		}
		if !errors.Is(err, record.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
		if rs.Next() {
			t.Errorf("%s: goes on after the error", name)
		}
	}
}

// fill adds random but compressible records.
func fill(bld *record.Builder, rng *rand.Rand, n int) (want []record.Record) {
	ts := int64(day)
	for i := range n {
		value := bytes.Repeat([]byte{byte('a' + rng.IntN(4))}, rng.IntN(300))
		for range rng.IntN(10) {
			value = append(value, byte(rng.Uint32()))
		}
		r := record.Record{Value: value, HasKey: rng.IntN(2) == 0, OffsetDelta: int64(i), Timestamp: ts}
		if r.HasKey {
			r.Key = fmt.Appendf([]byte{}, "key-%d", rng.IntN(100))
		}
		bld.Add(r.Key, r.HasKey, r.Value, ts)
		want = append(want, r)
		ts += rng.Int64N(100)
	}
	return want
}

func TestRoundTrip(t *testing.T) {
	const seed = 42
	rng := rand.New(rand.NewPCG(seed, seed))
	var bld record.Builder
	d := &record.Decompressor{}
	for _, c := range allCodecs {
		for _, n := range []int{1, 2, 63, 64, 65, 1000} {
			bld.Reset()
			want := fill(&bld, rng, n)
			b := finish(t, &bld, c)
			if err := b.Verify(); err != nil {
				t.Fatalf("seed %d, %v, %d records: %v", seed, c, n, err)
			}
			if c == record.None && len(b) != bld.Size() {
				t.Errorf("size %d, encoded %d", bld.Size(), len(b))
			}
			if b.Codec() != c || b.BaseOffset() != int64(n-1) || b.LastOffsetDelta() != int32(n-1) || b.MaxTimestamp() != want[n-1].Timestamp {
				t.Errorf("%v: header %v %d %d %d", c, b.Codec(), b.BaseOffset(), b.LastOffsetDelta(), b.MaxTimestamp())
			}
			b.SetBaseOffset(1000)
			got := records(t, b, d)
			for i := range want {
				want[i].Offset = 1000 + int64(i)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("seed %d, %v, %d records differ", seed, c, n)
			}
		}
	}
}

func TestEveryCut(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, c := range allCodecs {
		var bld record.Builder
		fill(&bld, rng, 5)
		b := finish(t, &bld, c)
		for n := range b {
			if _, _, err := record.Next(b[:n]); !errors.Is(err, record.ErrTorn) {
				t.Errorf("%v cut at %d: %v", c, n, err)
			}
			// The same bytes with a length that hides the cut.
			if n < record.HeaderSize {
				continue
			}
			cut := bytes.Clone(b[:n:n])
			cut[10], cut[11] = byte((n-12)>>8), byte(n-12)
			v, _, err := record.Next(cut)
			if err != nil {
				t.Fatal(err)
			}
			if err := v.Verify(); !errors.Is(err, record.ErrCorrupt) {
				t.Errorf("%v cut at %d verifies: %v", c, n, err)
			}
			rs, err := v.Records(nil)
			for rs.Next() {
			}
			if err == nil {
				err = rs.Err()
			}
			// Snappy, LZ4 and gzip may have all their data before an end
			// marker or checksum; without compression nothing can be missing.
			if c == record.None && !errors.Is(err, record.ErrCorrupt) {
				t.Errorf("cut at %d: records %v", n, err)
			}
			if err != nil && !errors.Is(err, record.ErrCorrupt) {
				t.Errorf("%v cut at %d: %v", c, n, err)
			}
		}
	}
}

func TestVerifyNoticesEveryBit(t *testing.T) {
	b := record.Batch(unhex(t, twoRecords))
	for i := range b {
		for bit := range 8 {
			b[i] ^= 1 << bit
			v, _, err := record.Next(b)
			if err == nil {
				err = v.Verify()
			}
			// Base offset and leader epoch are patched by servers and not covered.
			covered := i >= 8 && (i < 12 || i >= 16)
			if covered && !errors.Is(err, record.ErrCorrupt) || !covered && err != nil {
				t.Errorf("byte %d bit %d: %v", i, bit, err)
			}
			b[i] ^= 1 << bit
		}
	}
}

func TestSet(t *testing.T) {
	one, two := unhex(t, oneRecord), unhex(t, twoRecords)
	record.Batch(two).SetBaseOffset(1)
	set := record.Set(append(bytes.Clone(one), two...))
	for n := range len(set) + 1 {
		s := set[:n]
		records, batches, err := s.Count()
		next, ok := s.NextOffset()
		wantRecords, wantBatches, wantNext := int64(0), 0, int64(0)
		switch {
		case n == len(set):
			wantRecords, wantBatches, wantNext = 3, 2, 3
		case n >= len(one):
			wantRecords, wantBatches, wantNext = 1, 1, 1
		}
		if records != wantRecords || batches != wantBatches || err != nil || next != wantNext || ok != (wantBatches > 0) {
			t.Fatalf("cut at %d: %d records in %d batches, %v, next %d", n, records, batches, err, next)
		}
		whole := s.Whole()
		if _, _, err := whole.Count(); err != nil || len(whole) > n || len(whole) != []int{0, len(one), len(set)}[wantBatches] {
			t.Fatalf("cut at %d: whole part has %d bytes, %v", n, len(whole), err)
		}
		var last error
		for _, err := range s.Batches() {
			last = err
		}
		if (last != nil) != (len(whole) != n) {
			t.Fatalf("cut at %d: %v", n, last)
		}
	}
	set[8] = 0x80
	if _, _, err := set.Count(); !errors.Is(err, record.ErrCorrupt) || errors.Is(err, record.ErrTorn) {
		t.Errorf("negative length: %v", err)
	}
}

// allocated is how many bytes a run of f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestDecompressionBombs(t *testing.T) {
	zeros := make([]byte, 32<<20)
	for _, c := range allCodecs {
		bomb, err := record.Compress(nil, c, zeros)
		if err != nil {
			t.Fatal(err)
		}
		for _, limit := range []int{0, 1, 4095, 1 << 20, len(zeros) - 1} {
			var tooLarge *record.TooLargeError
			n := allocated(func() { _, err = record.Decompress(nil, c, bomb, limit) })
			if !errors.As(err, &tooLarge) || tooLarge.Max != limit || tooLarge.Codec != c || errors.Is(err, record.ErrCorrupt) {
				t.Errorf("%v of %d bytes, limit %d: %v", c, len(bomb), limit, err)
			}
			// Doubling costs at most twice what came out twice over; the rest
			// is codec state when the pool is cold.
			if bound := uint64(4*limit + 4*len(bomb) + 2<<20); c != record.None && n > bound {
				t.Errorf("%v, limit %d: %d bytes allocated, bound %d", c, limit, n, bound)
			}
		}
		out, err := record.Decompress([]byte("p"), c, bomb, len(zeros))
		if err != nil || len(out) != 1+len(zeros) || out[0] != 'p' {
			t.Errorf("%v at exactly the limit: %d bytes, %v", c, len(out), err)
		}
	}
}

// TestHostileFrameHeaders: headers that announce much must not make us
// allocate it.
func TestHostileFrameHeaders(t *testing.T) {
	for name, in := range map[string]struct {
		c   record.Codec
		hex string
	}{
		// Single segment, 8-byte content size 240 MiB, then an empty last block.
		"zstd content size": {record.Zstd, "28 b5 2f fd e0 00 00 00 0f 00 00 00 00 01 00 00"},
		// Window of 2 GiB.
		"zstd window": {record.Zstd, "28 b5 2f fd 00 a8 01 00 00"},
		// Blocks of 4 MiB, one announced with 3 MiB.
		"lz4 block":    {record.Lz4, "04 22 4d 18 64 70 b9 00 00 30 00"},
		"snappy chunk": {record.Snappy, "ff 06 00 00 73 4e 61 50 70 59 00 ff ff ff 00 00 00 00 ff ff ff 07"},
	} {
		var err error
		src := unhex(t, in.hex)
		n := allocated(func() { _, err = record.Decompress(nil, in.c, src, record.DefaultMaxDecompressed) })
		if err == nil || n > 10<<20 {
			t.Errorf("%s: %d bytes allocated, %v", name, n, err)
		}
	}
}

func TestSnappyAndLz4AreFramed(t *testing.T) {
	src := []byte(strings.Repeat("fluvio", 100))
	for c, magic := range map[record.Codec]string{
		record.Gzip: "1f 8b", record.Snappy: "ff 06 00 00 73 4e 61 50 70 59", record.Lz4: "04 22 4d 18", record.Zstd: "28 b5 2f fd",
	} {
		got, err := record.Compress(nil, c, src)
		if err != nil || !bytes.HasPrefix(got, unhex(t, magic)) {
			t.Errorf("%v: % x, %v", c, got[:min(12, len(got))], err)
		}
		for _, n := range []int{0, 1, 65535, 65536, 65537, 300000} {
			in := bytes.Repeat([]byte{'x', byte(n)}, n)[:n]
			z, err := record.Compress(nil, c, in)
			if err != nil {
				t.Fatal(err)
			}
			out, err := record.Decompress(nil, c, z, n)
			if err != nil || !bytes.Equal(in, out) {
				t.Errorf("%v, %d bytes: %d come back, %v", c, n, len(out), err)
			}
		}
	}
}

func TestDecompressorReuse(t *testing.T) {
	d := &record.Decompressor{Max: 100}
	z, _ := record.Compress(nil, record.Lz4, make([]byte, 100))
	one, err := d.Decompress(record.Lz4, z)
	if err != nil {
		t.Fatal(err)
	}
	d.Detach()
	two, err := d.Decompress(record.Lz4, z)
	if err != nil || &one[0] == &two[0] {
		t.Errorf("a detached buffer was used again, %v", err)
	}
	big, _ := record.Compress(nil, record.Lz4, make([]byte, 101))
	var tooLarge *record.TooLargeError
	if _, err := d.Decompress(record.Lz4, big); !errors.As(err, &tooLarge) {
		t.Errorf("got %v", err)
	}
	if _, err := d.Decompress(7, z); !errors.Is(err, record.ErrCorrupt) || !errors.Is(err, record.ErrCodec) {
		t.Errorf("codec 7: %v", err)
	}
}

func TestNoAllocations(t *testing.T) {
	var bld record.Builder
	key, value := []byte("key"), make([]byte, 100)
	add := func() {
		bld.Reset()
		for range 100 {
			bld.Add(key, true, value, day)
		}
	}
	add()
	if n := testing.AllocsPerRun(20, add); n != 0 {
		t.Errorf("Builder.Add: %v allocations", n)
	}
	b := finish(t, &bld, record.None)
	if n := testing.AllocsPerRun(20, func() {
		rs, _ := b.Records(nil)
		for rs.Next() {
		}
	}); n != 0 {
		t.Errorf("Records: %v allocations", n)
	}
	if n := testing.AllocsPerRun(20, func() { _ = b.Verify() }); n != 0 {
		t.Errorf("Verify: %v allocations", n)
	}
}
