package record_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/fluvio-go/fluvio/netproto/record"
)

// benchBatch is a batch of 16 KiB of records with 100 bytes of text each.
func benchBatch(b *testing.B, c record.Codec) (batch record.Batch, count int) {
	b.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	var bld record.Builder
	for {
		value := fmt.Appendf(nil, `{"id":%d,"user":"user-%d","amount":%d,"note":"`, rng.IntN(1e9), rng.IntN(1000), rng.IntN(1e6))
		for len(value) < 98 {
			value = append(value, "etaoinshrdlu "[rng.IntN(13)])
		}
		value = append(value, `"}`...)
		if !bld.Fits(bld.RecordSize(0, false, len(value), day), 16<<10) {
			return finish(b, &bld, c), bld.Len()
		}
		bld.Add(nil, false, value, day)
	}
}

func BenchmarkVerify(b *testing.B) {
	batch, _ := benchBatch(b, record.None)
	b.SetBytes(int64(len(batch)))
	b.ReportAllocs()
	for b.Loop() {
		if err := batch.Verify(); err != nil {
			b.Fatal(err)
		}
		batch.SetBaseOffset(7)
		batch.SetLeaderEpoch(1)
	}
}

func BenchmarkWalkRecords(b *testing.B) {
	batch, count := benchBatch(b, record.None)
	b.SetBytes(int64(len(batch)))
	b.ReportAllocs()
	sum := 0
	for b.Loop() {
		rs, err := batch.Records(nil)
		if err != nil {
			b.Fatal(err)
		}
		for rs.Next() {
			sum += len(rs.Record().Value)
		}
		if rs.Err() != nil {
			b.Fatal(rs.Err())
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*count), "ns/record")
}

func BenchmarkBuilder(b *testing.B) {
	value := make([]byte, 100)
	var bld record.Builder
	var dst []byte
	count := 0
	b.ReportAllocs()
	for b.Loop() {
		bld.Reset()
		for bld.Fits(bld.RecordSize(0, false, len(value), day), 16<<10) {
			bld.Add(nil, false, value, day)
		}
		var err error
		if dst, err = bld.Finish(dst[:0], record.None); err != nil {
			b.Fatal(err)
		}
		count += bld.Len()
	}
	b.SetBytes(int64(bld.Size()))
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(count), "ns/record")
}

func BenchmarkCompress(b *testing.B) {
	batch, _ := benchBatch(b, record.None)
	src := batch.Payload()
	for _, c := range allCodecs[1:] {
		b.Run(c.String(), func(b *testing.B) {
			var dst []byte
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if dst, err = record.Compress(dst[:0], c, src); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(src))/float64(len(dst)), "ratio")
		})
	}
}

func BenchmarkDecompress(b *testing.B) {
	for _, c := range allCodecs[1:] {
		batch, _ := benchBatch(b, c)
		b.Run(c.String(), func(b *testing.B) {
			var d record.Decompressor
			out, err := d.Decompress(c, batch.Payload())
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(out)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Decompress(c, batch.Payload()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
