package codec_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/fluvio-go/fluvio/netproto/codec"
)

// visit makes a Message of a function.
type visit func(c *codec.Coder)

func (f visit) Code(c *codec.Coder) { f(c) }

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// check encodes m and compares with want in hex.
func check(t *testing.T, version int16, m codec.Message, want string) {
	t.Helper()
	got, err := codec.Append(nil, version, m)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, unhex(t, want)) {
		t.Errorf("encoded % x, want %s", got, want)
	}
}

func TestVarint(t *testing.T) {
	for n, want := range map[int64]string{
		0: "00", -1: "01", 1: "02", 7: "0e", 63: "7e", 8191: "fe 7f",
		-134217729:    "81 80 80 80 01",
		math.MaxInt32: "fe ff ff ff 0f", math.MinInt32: "ff ff ff ff 0f",
		math.MaxInt64: "fe ff ff ff ff ff ff ff ff 01",
	} {
		check(t, 0, visit(func(c *codec.Coder) { c.Varint(&n) }), want)
		var got int64
		b := unhex(t, want)
		used, err := codec.Unmarshal(b, 0, visit(func(c *codec.Coder) { c.Varint(&got) }))
		if err != nil || got != n || used != len(b) {
			t.Errorf("%s decodes to %d (%d bytes, %v), want %d", want, got, used, err, n)
		}
	}
	for in, want := range map[string]error{
		"":                                 codec.ErrShort,
		"80":                               codec.ErrShort,
		"80 80":                            codec.ErrShort,
		"ff ff ff ff ff ff ff ff ff 02":    codec.ErrInvalid,
		"ff ff ff ff ff ff ff ff ff ff 01": codec.ErrInvalid,
	} {
		n := int64(77)
		if _, err := codec.Unmarshal(unhex(t, in), 0, visit(func(c *codec.Coder) { c.Varint(&n) })); !errors.Is(err, want) || n != 77 {
			t.Errorf("%q: got %v and %d, want %v and the value untouched", in, err, n, want)
		}
	}
}

type colour struct {
	tag  uint8
	num  uint16
	name string
	id   int32
}

func (m *colour) Code(c *codec.Coder) {
	c.U8(&m.tag)
	switch m.tag {
	case 0:
		c.U16(&m.num)
		c.String(&m.name)
	case 22:
		c.String(&m.name)
		c.I32(&m.id)
	default:
		c.Invalidf("colour has no variant %d", m.tag)
	}
}

type gated struct {
	a uint8
	b uint8
	c uint8
}

func (m *gated) Code(c *codec.Coder) {
	c.U8(&m.a)
	if c.Between(1, 1) {
		c.U8(&m.b)
	}
	if c.Since(1) {
		c.U8(&m.c)
	}
}

func TestOfficialVectors(t *testing.T) {
	check(t, 0, &colour{tag: 0, num: 13, name: "Red"}, "00 00 0d 00 03 52 65 64")
	check(t, 0, &colour{tag: 22, name: "Hello", id: 234}, "16 00 05 48 65 6c 6c 6f 00 00 00 ea")

	wo := "wo"
	opt := &wo
	check(t, 0, visit(func(c *codec.Coder) { c.StringOption(&opt) }), "01 00 02 77 6f")
	opt = nil
	check(t, 0, visit(func(c *codec.Coder) { c.StringOption(&opt) }), "00")

	vec := []string{"test"}
	check(t, 0, visit(func(c *codec.Coder) { codec.Slice(c, &vec, codec.StringElem) }), "00 00 00 01 00 04 74 65 73 74")

	m := map[int32][]int32{5: {1}, 1: {0, 2}}
	check(t, 0, visit(func(c *codec.Coder) { codec.Map(c, &m, codec.I32Elem, i32Slice) }),
		"00 02 00 00 00 01 00 00 00 02 00 00 00 00 00 00 00 02 00 00 00 05 00 00 00 01 00 00 00 01")

	check(t, 0, &gated{1, 2, 3}, "01")
	check(t, 1, &gated{1, 2, 3}, "01 02 03")
	check(t, 2, &gated{1, 2, 3}, "01 03")
}

func i32Slice(v *[]int32, c *codec.Coder) { codec.Slice(c, v, codec.I32Elem) }

func TestStringLimits(t *testing.T) {
	s := strings.Repeat("x", codec.MaxString)
	b, err := codec.Append(nil, 0, visit(func(c *codec.Coder) { c.String(&s) }))
	if err != nil || len(b) != 2+codec.MaxString {
		t.Fatalf("longest string: %d bytes, %v", len(b), err)
	}
	s += "x"
	dst := []byte("kept")
	b, err = codec.Append(dst, 0, visit(func(c *codec.Coder) { c.U8(new(uint8)); c.String(&s) }))
	if !errors.Is(err, codec.ErrTooLong) || string(b) != "kept" {
		t.Errorf("too long: %q, %v", b, err)
	}

	for _, in := range []string{"80 00", "ff ff", "00 00"} {
		got := "old"
		n, err := codec.Unmarshal(unhex(t, in), 0, visit(func(c *codec.Coder) { c.String(&got) }))
		if err != nil || n != 2 || got != "" {
			t.Errorf("length %s: %q, %d bytes, %v; want empty", in, got, n, err)
		}
	}
	for in, want := range map[string]error{
		"00": codec.ErrShort, "00 01": codec.ErrShort, "7f ff 61": codec.ErrShort, "00 01 ff": codec.ErrInvalid,
	} {
		got := "old"
		if _, err := codec.Unmarshal(unhex(t, in), 0, visit(func(c *codec.Coder) { c.String(&got) })); !errors.Is(err, want) || got != "old" {
			t.Errorf("%s: %q, %v, want %v", in, got, err, want)
		}
	}
}

func TestNegativeCountsAreEmpty(t *testing.T) {
	b := []byte("old")
	v := []string{"old"}
	n, err := codec.Unmarshal(unhex(t, "ff ff ff ff 80 00 00 00"), 0, visit(func(c *codec.Coder) {
		c.ByteSlice(&b)
		codec.Slice(c, &v, codec.StringElem)
	}))
	if err != nil || n != 8 || b != nil || len(v) != 0 {
		t.Errorf("got %q %q, %d bytes, %v", b, v, n, err)
	}
}

func TestBoolAndEnumAreStrict(t *testing.T) {
	for in := range 256 {
		var v bool
		_, err := codec.Unmarshal([]byte{byte(in)}, 0, visit(func(c *codec.Coder) { c.Bool(&v) }))
		if in < 2 && (err != nil || v != (in == 1)) || in >= 2 && !errors.Is(err, codec.ErrInvalid) {
			t.Errorf("bool %d: %v, %v", in, v, err)
		}
		type kind uint8
		k := kind(9)
		_, err = codec.Unmarshal([]byte{byte(in)}, 0, visit(func(c *codec.Coder) { codec.Enum8(c, &k, 3, "kind") }))
		if in <= 3 && (err != nil || k != kind(in)) || in > 3 && (!errors.Is(err, codec.ErrInvalid) || k != 9) {
			t.Errorf("enum %d: %v, %v", in, k, err)
		}
	}
}

// allocated is how many bytes a run of f allocates.
func allocated(f func()) uint64 {
	const runs = 50
	f()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		f()
	}
	runtime.ReadMemStats(&after)
	return (after.TotalAlloc - before.TotalAlloc) / runs
}

func TestHostileLengthsAllocateNothing(t *testing.T) {
	in := unhex(t, "7f ff ff ff 00")
	var c codec.Coder
	for name, f := range map[string]func(){
		"slice": func() { var v []uint64; codec.Slice(&c, &v, codec.U64Elem) },
		"bytes": func() { var v []byte; c.ByteSlice(&v) },
		"raw":   func() { var v []byte; c.Raw(&v, math.MaxInt) },
		"raw -": func() { var v []byte; c.Raw(&v, -1) },
	} {
		n := allocated(func() {
			c.ResetDecode(in, 0)
			f()
			if !errors.Is(c.Err(), codec.ErrShort) {
				t.Fatal(c.Err())
			}
		})
		if n > 2048 { // the error, which the race detector makes larger
			t.Errorf("%s: %d bytes allocated for a length of 2 GiB", name, n)
		}
	}
}

// TestCountGrowsWithInput: a count that the input could just hold, of
// elements that are far larger in memory, must not allocate for all of them.
func TestCountGrowsWithInput(t *testing.T) {
	type big [1 << 10]byte
	in := append(unhex(t, "00 01 00 00"), bytes.Repeat([]byte{2}, 1<<16)...)
	n := allocated(func() {
		var v []big
		c := codec.NewDecoder(in, 0)
		codec.Slice(c, &v, func(_ *big, c *codec.Coder) { c.Bool(new(bool)) })
		if c.Err() == nil {
			t.Fatal("2 is no bool")
		}
	})
	if n > 128<<10 {
		t.Errorf("%d bytes allocated", n)
	}
}

func TestFirstErrorSticks(t *testing.T) {
	c := codec.NewDecoder([]byte{2, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9}, 0)
	flag := true
	c.Bool(&flag)
	first := c.Err()
	at := c.Offset()
	u64, s, b, v, m, o := uint64(7), "s", []byte("b"), []int32{1}, map[int32]int32{1: 1}, new(int32)
	i64 := int64(5)
	c.U64(&u64)
	c.Varint(&i64)
	c.String(&s)
	c.ByteSlice(&b)
	codec.Slice(c, &v, codec.I32Elem)
	codec.Option(c, &o, codec.I32Elem)
	codec.Map(c, &m, codec.I32Elem, codec.I32Elem)
	c.Fail(errors.New("later"))
	if !errors.Is(first, codec.ErrInvalid) || c.Err() != first || c.Offset() != at {
		t.Errorf("first %v, then %v at %d", first, c.Err(), c.Offset())
	}
	if u64 != 7 || i64 != 5 || s != "s" || string(b) != "b" || len(v) != 1 || o == nil || len(m) != 1 || !flag {
		t.Errorf("values moved after the error: %v %v %q %q %v %v %v %v", u64, i64, s, b, v, o, m, flag)
	}
}

func TestMapOrder(t *testing.T) {
	m := map[string]uint16{}
	for _, k := range []string{"b", "a", "", "ab", "B"} {
		m[k] = uint16(len(k))
	}
	code := visit(func(c *codec.Coder) { codec.Map(c, &m, codec.StringElem, codec.U16Elem) })
	check(t, 0, code, "00 05 0000 0000 0001 42 0001 0001 61 0001 0002 6162 0002 0001 62 0001")

	if _, err := codec.Unmarshal(unhex(t, "00 03 0001 62 0001 0001 61 0002 0001 62 0003"), 0, code); err != nil {
		t.Fatal(err)
	}
	if len(m) != 2 || m["a"] != 2 || m["b"] != 3 {
		t.Errorf("unordered and double keys: %v", m)
	}

	big := map[uint32]uint16{}
	for i := range uint32(math.MaxUint16 + 1) {
		big[i] = 0
	}
	_, err := codec.Append(nil, 0, visit(func(c *codec.Coder) { codec.Map(c, &big, codec.U32Elem, codec.U16Elem) }))
	if !errors.Is(err, codec.ErrTooLong) {
		t.Errorf("65,536 entries: %v", err)
	}
}

type topic struct {
	name  string
	parts []int32
}

func (m *topic) code(c *codec.Coder) {
	c.String(&m.name)
	codec.Slice(c, &m.parts, codec.I32Elem)
}

func TestSliceReuse(t *testing.T) {
	in := []topic{{"orders", []int32{1, 2, 3}}, {"payments", nil}}
	b, err := codec.Append(nil, 0, visit(func(c *codec.Coder) { codec.Slice(c, &in, func(t *topic, c *codec.Coder) { t.code(c) }) }))
	if err != nil {
		t.Fatal(err)
	}
	var out []topic
	reuse := visit(func(c *codec.Coder) { codec.SliceReuse(c, &out, func(t *topic, c *codec.Coder) { t.code(c) }) })
	decode := func() {
		if _, err := codec.Unmarshal(b, 0, reuse); err != nil {
			t.Fatal(err)
		}
	}
	decode()
	if n := testing.AllocsPerRun(100, decode); n != 0 {
		t.Errorf("decoding again into the same value: %v allocations", n)
	}
	if len(out) != 2 || out[0].name != "orders" || len(out[0].parts) != 3 || out[1].name != "payments" || len(out[1].parts) != 0 {
		t.Errorf("got %+v", out)
	}

	// Slice clears what it reuses: a field that a version gates out must not
	// keep the value of an earlier message.
	out = out[:0]
	_, err = codec.Unmarshal(unhex(t, "00 00 00 01 07"), 0, visit(func(c *codec.Coder) {
		codec.Slice(c, &out, func(_ *topic, c *codec.Coder) { c.U8(new(uint8)) })
	}))
	if err != nil || len(out) != 1 || out[0].name != "" || out[0].parts != nil {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestAliased(t *testing.T) {
	for in, want := range map[string]bool{"00 00 00 00": false, "00 00 00 01 61": true} {
		c := codec.NewDecoder(unhex(t, in), 0)
		var b []byte
		c.ByteSlice(&b)
		if c.Err() != nil || c.Aliased() != want {
			t.Errorf("%s: %v %v", in, c.Aliased(), c.Err())
		}
	}
}

// everything has one field of each kind.
type everything struct {
	u8   uint8
	i8   int8
	b    bool
	u16  uint16
	i16  int16
	u32  uint32
	i32  int32
	u64  uint64
	i64  int64
	v    int64
	s    string
	raw  []byte
	vec  []topic
	opt  *string
	m    map[string]int32
	span codec.Duration
	tail []byte
}

func (m *everything) Code(c *codec.Coder) {
	c.U8(&m.u8)
	c.I8(&m.i8)
	c.Bool(&m.b)
	c.U16(&m.u16)
	c.I16(&m.i16)
	c.U32(&m.u32)
	c.I32(&m.i32)
	c.U64(&m.u64)
	c.I64(&m.i64)
	c.Varint(&m.v)
	c.String(&m.s)
	c.ByteSlice(&m.raw)
	codec.Slice(c, &m.vec, func(t *topic, c *codec.Coder) { t.code(c) })
	c.StringOption(&m.opt)
	codec.Map(c, &m.m, codec.StringElem, codec.I32Elem)
	m.span.Code(c)
	c.Raw(&m.tail, 3)
}

func sample() *everything {
	opt := "opt"
	return &everything{
		1, -2, true, 3, -4, 5, -6, 7, -8, -300, "héllo", []byte{0, 1},
		[]topic{{"t", []int32{1}}, {"", nil}}, &opt, map[string]int32{"k": 1, "j": -1},
		codec.Duration{Secs: 9, Nanos: 10}, []byte("end"),
	}
}

func TestEveryCut(t *testing.T) {
	b, err := codec.Append(nil, 0, sample())
	if err != nil {
		t.Fatal(err)
	}
	for n := range b {
		used, err := codec.Unmarshal(b[:n], 0, new(everything))
		if !errors.Is(err, codec.ErrShort) || used > n {
			t.Errorf("cut at %d of %d: used %d, %v", n, len(b), used, err)
		}
	}
	var out everything
	if n, err := codec.Unmarshal(append(b, "trailing"...), 0, &out); err != nil || n != len(b) {
		t.Fatalf("whole: %d of %d bytes, %v", n, len(b), err)
	}
	again, err := codec.Append(nil, 0, &out)
	if err != nil || !bytes.Equal(b, again) {
		t.Errorf("encoded again: % x, %v\nwant % x", again, err, b)
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	m := sample()
	m.m = nil // keys are sorted in a slice
	buf := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { codec.Append(buf, 0, m) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzDecode: whatever decodes encodes to something that decodes to the same
// bytes again.
func FuzzDecode(f *testing.F) {
	b, err := codec.Append(nil, 0, sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:20])
	f.Add(bytes.Repeat([]byte{0}, 80))
	f.Add(bytes.Repeat([]byte{0xff}, 80))
	f.Fuzz(func(t *testing.T, in []byte) {
		var m everything
		n, err := codec.Unmarshal(in, 0, &m)
		if n > len(in) {
			t.Fatalf("used %d of %d bytes", n, len(in))
		}
		if err != nil {
			return
		}
		one, err := codec.Append(nil, 0, &m)
		if err != nil {
			t.Fatal(err)
		}
		var m2 everything
		if n, err := codec.Unmarshal(one, 0, &m2); err != nil || n != len(one) {
			t.Fatalf("own encoding: %d of %d, %v", n, len(one), err)
		}
		two, err := codec.Append(nil, 0, &m2)
		if err != nil || !bytes.Equal(one, two) {
			t.Fatalf("% x\n% x\n%v", one, two, err)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	m := sample()
	m.m = nil
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		codec.Append(buf, 0, m)
	}
}

func BenchmarkVarint(b *testing.B) {
	var buf []byte
	var c codec.Coder
	for b.Loop() {
		c.ResetEncode(buf[:0], 0)
		for n := int64(1); n < 1<<30; n <<= 3 {
			c.Varint(&n)
		}
		buf = c.Bytes()
		c.ResetDecode(buf, 0)
		var n int64
		for c.Remaining() > 0 {
			c.Varint(&n)
		}
	}
}
