package api

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/fluvio-go/fluvio/netproto/codec"
)

// kinds is every message and object, with the versions that any peer may use.
func kinds() []struct {
	lo, hi int16
	make   func() codec.Message
} {
	type kind = struct {
		lo, hi int16
		make   func() codec.Message
	}
	sc := func(f func() codec.Message) kind { return kind{minDynamic, ScVersion, f} }
	spu := func(f func() codec.Message) kind { return kind{0, SpuVersion, f} }
	own := func(f func() codec.Message) kind { return kind{1, 1, f} }
	return []kind{
		spu(func() codec.Message { return &RequestHeader{} }),
		{0, 2, func() codec.Message { return &ApiVersionsRequest{} }},
		{0, 2, func() codec.Message { return &ApiVersionsResponse{} }},
		sc(func() codec.Message { return &TypeBuffer{} }),
		sc(func() codec.Message { return &Status{} }),
		sc(func() codec.Message { return &CreateRequest[TopicSpec]{} }),
		sc(func() codec.Message { return &CreateRequest[CustomSpuSpec]{} }),
		sc(func() codec.Message { return &CreateRequest[SpuGroupSpec]{} }),
		sc(func() codec.Message { return &CreateRequest[SmartModuleSpec]{} }),
		sc(func() codec.Message { return &CreateRequest[TableFormatSpec]{} }),
		sc(func() codec.Message { return &CreateRequest[MirrorSpec]{} }),
		sc(func() codec.Message { return &DeleteRequest{} }),
		sc(func() codec.Message { return &DeleteCustomSpu{} }),
		sc(func() codec.Message { return &UpdateTopic{} }),
		sc(func() codec.Message { return &ListRequest{} }),
		sc(func() codec.Message { return &ListResponse[TopicSpec, TopicStatus]{} }),
		sc(func() codec.Message { return &ListResponse[PartitionSpec, PartitionStatus]{} }),
		sc(func() codec.Message { return &ListResponse[SpuSpec, SpuStatus]{} }),
		sc(func() codec.Message { return &ListResponse[CustomSpuSpec, SpuStatus]{} }),
		sc(func() codec.Message { return &ListResponse[SpuGroupSpec, SpuGroupStatus]{} }),
		sc(func() codec.Message { return &ListResponse[SmartModuleSpec, SmartModuleStatus]{} }),
		sc(func() codec.Message { return &ListResponse[TableFormatSpec, TableFormatStatus]{} }),
		sc(func() codec.Message { return &ListResponse[MirrorSpec, MirrorStatus]{} }),
		sc(func() codec.Message { return &WatchRequest{} }),
		sc(func() codec.Message { return &WatchResponse[TopicSpec, TopicStatus]{} }),
		sc(func() codec.Message { return &WatchResponse[PartitionSpec, PartitionStatus]{} }),
		sc(func() codec.Message { return &WatchResponse[SpuSpec, SpuStatus]{} }),
		sc(func() codec.Message { return &WatchResponse[SmartModuleSpec, SmartModuleStatus]{} }),
		sc(func() codec.Message { return &MirrorConnect{} }),
		sc(func() codec.Message { return &MirroringStatusResponse{} }),
		spu(func() codec.Message { return &ProduceRequest{} }),
		spu(func() codec.Message { return &ProduceResponse{} }),
		spu(func() codec.Message { return &FetchRequest{} }),
		spu(func() codec.Message { return &FetchResponse{} }),
		spu(func() codec.Message { return &FetchOffsetsRequest{} }),
		spu(func() codec.Message { return &FetchOffsetsResponse{} }),
		spu(func() codec.Message { return &StreamFetchRequest{} }),
		spu(func() codec.Message { return &StreamFetchResponse{} }),
		spu(func() codec.Message { return &UpdateOffsetsRequest{} }),
		spu(func() codec.Message { return &UpdateOffsetsResponse{} }),
		spu(func() codec.Message { return &UpdateConsumerOffsetRequest{} }),
		spu(func() codec.Message { return &UpdateConsumerOffsetResponse{} }),
		spu(func() codec.Message { return &DeleteConsumerOffsetRequest{} }),
		spu(func() codec.Message { return &DeleteConsumerOffsetResponse{} }),
		spu(func() codec.Message { return &FetchConsumerOffsetsRequest{} }),
		spu(func() codec.Message { return &FetchConsumerOffsetsResponse{} }),
		spu(func() codec.Message { return &StartMirrorRequest{} }),
		own(func() codec.Message { return &ExtCreateTopicRequest{} }),
		own(func() codec.Message { return &ExtDescribeTopicsRequest{} }),
		own(func() codec.Message { return &ExtDescribeTopicsResponse{} }),
		own(func() codec.Message { return &ExtDescribePartitionsRequest{} }),
		own(func() codec.Message { return &ExtDescribePartitionsResponse{} }),
		own(func() codec.Message { return &RegisterSpuRequest{} }),
		own(func() codec.Message { return &RegisterSpuResponse{} }),
		own(func() codec.Message { return &WatchAssignmentsRequest{} }),
		own(func() codec.Message { return &Assignments{} }),
		own(func() codec.Message { return &ReportReplicasRequest{} }),
		own(func() codec.Message { return &ReportReplicasResponse{} }),
		own(func() codec.Message { return &PeerHelloRequest{} }),
		own(func() codec.Message { return &PeerHelloResponse{} }),
		own(func() codec.Message { return &ReplicaFetchRequest{} }),
		own(func() codec.Message { return &ReplicaFetchResponse{} }),
		own(func() codec.Message { return &AlterISRRequest{} }),
		own(func() codec.Message { return &AlterISRResponse{} }),
		own(func() codec.Message { return &MoveLeadersRequest{} }),
		own(func() codec.Message { return &MoveLeadersResponse{} }),
	}
}

// fill sets every field that v reaches to a random valid value.
func fill(v reflect.Value, r *rand.Rand) {
	if v.CanAddr() {
		switch p := v.Addr().Interface().(type) {
		case *ErrorCode:
			all := Codes()
			*p = ErrorCode{ID: all[r.IntN(len(all))]}
			if codes[p.ID].shape != shapeNone {
				p.Detail = &ErrorDetail{Runtime: &SmartModuleFailure{}}
				fill(reflect.ValueOf(p.Detail).Elem(), r)
				p.Detail.Request = 0
				p.Detail.Runtime = &SmartModuleFailure{Hint: "h", HasKey: true, Key: []byte("k"), Value: []byte("v")}
			}
			return
		case *RecordSet:
			p.Bytes = bytes.Repeat([]byte{7}, r.IntN(5))
			return
		case *TableFormatSpec:
			defer func() {
				if p.InputFormat != nil {
					*p.InputFormat = 0
				}
			}()
		}
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 1)
	case reflect.Uint8:
		v.SetUint(uint64(r.IntN(2))) // every enum has at least two values
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(r.Uint64()>>(64-v.Type().Bits())) >> 1)
	case reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(r.Uint64() >> (64 - v.Type().Bits()))
	case reflect.String:
		v.SetString(strings.Repeat("é", r.IntN(4)))
	case reflect.Pointer:
		if r.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), r)
		}
	case reflect.Slice:
		n := r.IntN(3)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(v.Index(i), r)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), r)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range r.IntN(3) {
			k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(k, r)
			fill(e, r)
			v.SetMapIndex(k, e)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), r)
		}
	}
}

// What one side encodes at any version the other decodes to the last byte,
// and encodes again to the same bytes. Decoding into a used message gives the
// same as into a new one.
func TestRoundTripAllVersions(t *testing.T) {
	const seed = 20
	r := rand.New(rand.NewPCG(seed, seed))
	for _, k := range kinds() {
		used := map[int16]codec.Message{}
		for i := range 40 * (int(k.hi-k.lo) + 1) {
			ver := k.lo + int16(i)%(k.hi-k.lo+1)
			m := k.make()
			fill(reflect.ValueOf(m).Elem(), r)
			if p, ok := m.(*ProduceRequest); ok && p.TimeoutMS < 0 {
				p.TimeoutMS = 0
			}
			b, err := codec.Append(nil, ver, m)
			if err != nil {
				t.Fatalf("seed %d: %T v%d: %v", seed, m, ver, err)
			}
			got := k.make()
			n, err := codec.Unmarshal(b, ver, got)
			if err != nil || n != len(b) {
				t.Fatalf("seed %d: %T v%d: read %d of %d bytes: %v", seed, m, ver, n, len(b), err)
			}
			again, err := codec.Append(nil, ver, got)
			if err != nil || !bytes.Equal(again, b) {
				t.Fatalf("seed %d: %T v%d: encodes again to\n%x (%v), was\n%x", seed, m, ver, again, err, b)
			}
			if used[ver] == nil {
				used[ver] = k.make()
			}
			if _, err := codec.Unmarshal(b, ver, used[ver]); err != nil {
				t.Fatal(err)
			}
			if reused, err := codec.Append(nil, ver, used[ver]); err != nil || !bytes.Equal(reused, b) {
				t.Fatalf("seed %d: %T v%d: a used message decodes differently\n%x (%v), want\n%x", seed, m, ver, reused, err, b)
			}
		}
	}
}

// FuzzMessages decodes arbitrary bytes as every message. Whatever decodes
// must encode, and that must decode to the same bytes again.
func FuzzMessages(f *testing.F) {
	frames := loadFrames(f)
	for i, k := range kinds() {
		b, err := codec.Append(nil, k.hi, k.make())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), k.hi, b)
	}
	for _, frame := range frames {
		f.Add(uint8(0), int16(25), frame[4:])
	}
	all := kinds()
	f.Fuzz(func(t *testing.T, which uint8, ver int16, b []byte) {
		k := all[int(which)%len(all)]
		m := k.make()
		n, err := codec.Unmarshal(b, ver, m)
		if err != nil {
			return
		}
		if n > len(b) {
			t.Fatalf("%T read %d of %d bytes", m, n, len(b))
		}
		once, err := codec.Append(nil, ver, m)
		if err != nil {
			t.Fatalf("%T decodes but does not encode: %v", m, err)
		}
		again := k.make()
		if n, err := codec.Unmarshal(once, ver, again); err != nil || n != len(once) {
			t.Fatalf("%T: own encoding: read %d of %d: %v", m, n, len(once), err)
		}
		twice, err := codec.Append(nil, ver, again)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%T: %x then %x (%v)", m, once, twice, err)
		}
	})
}

// Every message, cut at every byte, is refused rather than half read.
func TestEveryMessageCutAtEveryByte(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for _, k := range kinds() {
		m := k.make()
		fill(reflect.ValueOf(m).Elem(), r)
		if p, ok := m.(*ProduceRequest); ok {
			p.TimeoutMS = 1
		}
		b, err := codec.Append(nil, k.hi, m)
		if err != nil {
			t.Fatal(err)
		}
		for n := range b {
			if _, err := codec.Unmarshal(b[:n:n], k.hi, k.make()); err == nil {
				t.Errorf("%T cut to %d of %d bytes decodes", m, n, len(b))
			}
		}
	}
}

// A count or length that the frame cannot hold is refused before anything of
// that size is allocated.
func TestHostileLengthsAllocateNothing(t *testing.T) {
	huge := []byte{0x7f, 0xff, 0xff, 0xff}
	for _, tt := range []struct {
		name string
		ver  int16
		msg  func() codec.Message
		head []byte
	}{
		{"produce topics", 25, func() codec.Message { return &ProduceRequest{} }, []byte{0, 0, 1, 0, 0, 0, 0}},
		{"list filters", 19, func() codec.Message { return &ListRequest{} }, nil},
		{"admin payload", 19, func() codec.Message { return &TypeBuffer{} }, []byte{0, 1, 'T'}},
		{"update offsets", 0, func() codec.Message { return &UpdateOffsetsRequest{} }, nil},
		{"records", 25, func() codec.Message { return &RecordSet{} }, nil},
	} {
		in := append(bytes.Clone(tt.head), huge...)
		in = append(in, make([]byte, 64)...)
		const runs = 100
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range runs {
			if _, err := codec.Unmarshal(in, tt.ver, tt.msg()); !errors.Is(err, codec.ErrShort) {
				t.Fatalf("%s: %v", tt.name, err)
			}
		}
		runtime.ReadMemStats(&after)
		if n := (after.TotalAlloc - before.TotalAlloc) / runs; n > 2048 {
			t.Errorf("%s: %d bytes allocated", tt.name, n)
		}
	}
}

// Texts of any length reach official decoders, cut at a character.
func TestLongTextsAreCut(t *testing.T) {
	in := Errorf("%s", strings.Repeat("ü", 40000))
	b, err := codec.Append(nil, 25, &in)
	if err != nil {
		t.Fatal(err)
	}
	var out ErrorCode
	if _, err := codec.Unmarshal(b, 25, &out); err != nil {
		t.Fatal(err)
	}
	if n := len(out.Detail.Text); n != codec.MaxString-1 { // 32,767 splits a ü
		t.Errorf("text has %d bytes", n)
	}
}

func TestEnumsUnknownToOldClients(t *testing.T) {
	for _, tt := range []struct {
		ver  int16
		want PartitionResolution
	}{{18, PartitionOnline}, {19, PartitionOutOfStorage}} {
		b, err := codec.Append(nil, tt.ver, &PartitionStatus{Resolution: PartitionOutOfStorage})
		if err != nil {
			t.Fatal(err)
		}
		var s PartitionStatus
		if _, err := codec.Unmarshal(b, tt.ver, &s); err != nil || s.Resolution != tt.want {
			t.Errorf("version %d is told %v (%v), want %v", tt.ver, s.Resolution, err, tt.want)
		}
	}
}

func TestErrorCodes(t *testing.T) {
	err := fmt.Errorf("create: %w", ErrorCode{ID: TopicNotFound})
	if !errors.Is(err, TopicNotFound) || errors.Is(err, TopicError) {
		t.Error("errors.Is does not compare code numbers")
	}
	if (ErrorCode{}).Err() != nil {
		t.Error("success is an error")
	}
	evicted := ErrorCode{OffsetEvicted, &ErrorDetail{Offset: 5, NextAvailable: 100}}
	if got, want := evicted.Error(), "Offset 5 is evicted. The next available is 100"; got != want {
		t.Errorf("text is %q, want %q", got, want)
	}
	for _, c := range Codes() { // every text must come out without a formatting error
		for _, e := range []ErrorCode{{ID: c}, {ID: c, Detail: &ErrorDetail{}}} {
			if s := e.Error(); s == "" || strings.Contains(s, "%!") {
				t.Errorf("code %d prints %q", c, s)
			}
		}
	}
}

func TestVersionsPick(t *testing.T) {
	sc := ScVersions(&ApiVersionsResponse{APIs: []ApiRange{
		{int16(KeyWatch), 15, 18}, {int16(KeyWatch), 1, 99}, {int16(KeyList), 20, 21},
	}})
	spu := SpuVersions(&ApiVersionsResponse{APIs: SpuAPIs("0.50.2")})
	for _, tt := range []struct {
		v    Versions
		key  uint16
		want int16
		ok   bool
	}{
		{sc, KeyWatch, 18, true},
		{sc, KeyList, 0, false},
		{sc, KeyCreate, 0, false},
		{spu, KeyStreamFetch, 25, true},
		{spu, KeyUpdateConsumerOffset, 0, false},
	} {
		if got, ok := tt.v.Pick(tt.key); got != tt.want || ok != tt.ok {
			t.Errorf("Pick(%d) = %d, %v, want %d, %v", tt.key, got, ok, tt.want, tt.ok)
		}
	}
	if got := spu.PickOrDefault(KeyUpdateConsumerOffset); got != 25 {
		t.Errorf("unlisted consumer offsets go out at %d", got)
	}
	if got := SpuVersions(&ApiVersionsResponse{}).PickOrDefault(KeyStreamFetch); got != StreamFetchFallback {
		t.Errorf("unlisted StreamFetch goes out at %d", got)
	}
}

func TestParseReplicaKey(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want ReplicaKey
		ok   bool
	}{
		{"hello-0", ReplicaKey{"hello", 0}, true},
		{"a-b-17", ReplicaKey{"a-b", 17}, true},
		{"hello", ReplicaKey{}, false},
		{"hello-x", ReplicaKey{}, false},
		{"hello-4294967296", ReplicaKey{}, false},
	} {
		got, err := ParseReplicaKey(tt.in)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("ParseReplicaKey(%q) = %v, %v", tt.in, got, err)
		}
		if tt.ok && got.String() != tt.in {
			t.Errorf("%v prints %q", got, got.String())
		}
	}
}

func BenchmarkDecodeProduce(b *testing.B) {
	frames := loadFrames(b)
	req := &ProduceRequest{Topics: []ProduceTopic{{"hello", []ProducePartition{{0, RecordSet{Bytes: bytes.Repeat(frames["batch_one"], 16<<10/83)}}}}}}
	body, err := codec.Append(nil, SpuVersion, req)
	if err != nil {
		b.Fatal(err)
	}
	var into ProduceRequest
	var c codec.Coder
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		c.ResetDecode(body, SpuVersion)
		into.Code(&c)
		if c.Err() != nil {
			b.Fatal(c.Err())
		}
	}
}

func BenchmarkEncodeProduceResponse(b *testing.B) {
	res := &ProduceResponse{Topics: []ProduceTopicResult{{"hello", make([]ProduceResult, 4)}}}
	var c codec.Coder
	buf := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		c.ResetEncode(buf, SpuVersion)
		res.Code(&c)
	}
}

func BenchmarkDecodeUpdateOffsets(b *testing.B) {
	body, err := codec.Append(nil, 0, &UpdateOffsetsRequest{[]StreamOffset{{1, 1}}})
	if err != nil {
		b.Fatal(err)
	}
	var into UpdateOffsetsRequest
	var c codec.Coder
	b.ReportAllocs()
	for b.Loop() {
		c.ResetDecode(body, 0)
		into.Code(&c)
	}
}
