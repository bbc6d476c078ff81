package spu

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/fluvio-go/fluvio/engine/log"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/record"
)

func TestAppendCode(t *testing.T) {
	key := api.ReplicaKey{Topic: "t", Partition: 3}
	badCRC := record.Batch(batchOf(t, "x"))
	badCRC[len(badCRC)-1] ^= 1
	for _, tt := range []struct {
		err  error
		code api.Code
		text string
	}{
		{nil, api.OK, ""},
		{fmt.Errorf("append: %w", &log.TooLarge{Size: 5, Limit: 4}), api.MessageTooLarge, ""},
		{fmt.Errorf("append: %w", log.ErrFull), api.PartitionFull, ""},
		{badCRC.Verify(), api.Other, "CRC"},
		{record.ErrTorn, api.Other, "batch"},
		{log.ErrClosed, api.NotLeaderForPartition, ""},
		{log.ErrSync, api.StorageError, ""},
		{errors.New("input/output error"), api.StorageError, ""},
	} {
		got := appendCode(key, tt.err)
		if got.ID != tt.code || !strings.Contains(got.Error(), tt.text) {
			t.Errorf("%v: %v, want %v with %q", tt.err, got, tt.code.Name(), tt.text)
		}
		if got.ID == api.PartitionFull && got.Detail.Replica != key {
			t.Errorf("%v names %v", tt.err, got.Detail.Replica)
		}
	}
}

func TestReadCode(t *testing.T) {
	damaged := &log.Damaged{File: "/secret/x.log", Offset: 4, Next: 9, Err: record.ErrCorrupt}
	for _, tt := range []struct {
		err  error
		code api.Code
		text string
	}{
		{nil, api.OK, "success"},
		{&log.OffsetEvicted{Offset: 5, Next: 100}, api.OffsetEvicted, "Offset 5 is evicted. The next available is 100"},
		{&log.OffsetOutOfRange{Offset: 8, End: 7}, api.Other, "Other error: start offset: 8 is greater than leo: 7"},
		{damaged, api.Other, "Other error: offsets 4 to 8 are damaged on disk, the next readable one is 9"},
		{log.ErrClosed, api.NotLeaderForPartition, "the given SPU is not the leader for the partition"},
		{errors.New("input/output error"), api.StorageError, "a storage error occurred"},
	} {
		if got := readCode(tt.err); got.ID != tt.code || got.Error() != tt.text {
			t.Errorf("%v: %v, want %v %q", tt.err, got, tt.code.Name(), tt.text)
		}
	}
}

func TestDropEmpty(t *testing.T) {
	full := batchOf(t, "a", "b")
	// An official batch object without records, and what the official
	// producer sends instead.
	minusOne, zero := emptyBatch(-1, true), emptyBatch(0, true)
	bare := emptyBatch(-1, false)
	lying := record.Batch(batchOf(t, "a"))
	lying[23+3], lying[23+2], lying[23+1], lying[23] = 0xff, 0xff, 0xff, 0xff
	lying.SetCRC()
	cat := func(bs ...[]byte) (out []byte) {
		for _, b := range bs {
			out = append(out, b...)
		}
		return out
	}
	for _, tt := range []struct {
		name     string
		in, want []byte
	}{
		{"nothing", nil, nil},
		{"full", full, full},
		{"empty", minusOne, nil},
		{"empty without a count", bare, nil},
		{"empty as the producer says it", zero, nil},
		{"all empty", cat(minusOne, zero), nil},
		{"empty first", cat(zero, full), full},
		{"empty last", cat(full, minusOne), full},
		{"between", cat(full, minusOne, full, zero, full), cat(full, full, full)},
		{"records but none claimed", lying, lying},
		{"torn tail stays", cat(full, minusOne, full[:30]), cat(full, full[:30])},
	} {
		if got := dropEmpty(cat(tt.in)); string(got) != string(tt.want) {
			t.Errorf("%s: %d bytes, want %d", tt.name, len(got), len(tt.want))
		}
	}
}

// emptyBatch is a batch without records that claims delta as its last offset
// delta, with or without a count of zero.
func emptyBatch(delta int32, count bool) record.Batch {
	b := make(record.Batch, record.HeaderSize, record.HeaderSize+4)
	if count {
		b = b[:record.HeaderSize+4]
	}
	b[11] = byte(len(b) - record.PreambleSize)
	b[16] = record.Magic
	for i := range 4 {
		b[23+i] = byte(uint32(delta) >> (24 - 8*i))
	}
	b.SetCRC()
	return b
}
