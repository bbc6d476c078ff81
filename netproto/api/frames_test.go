package api

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/fluvio-go/fluvio/netproto/codec"
)

// loadFrames reads testdata/frames.txt: a name on a line of its own, then
// indented hexadecimal.
func loadFrames(tb testing.TB) map[string][]byte {
	tb.Helper()
	raw, err := os.ReadFile("testdata/frames.txt")
	if err != nil {
		tb.Fatal(err)
	}
	frames, name := map[string][]byte{}, ""
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "  "):
			b, err := hex.DecodeString(strings.TrimSpace(line))
			if err != nil {
				tb.Fatalf("frame %s: %v", name, err)
			}
			frames[name] = append(frames[name], b...)
		default:
			name = line
		}
	}
	return frames
}

func ptr[T any](v T) *T { return &v }

func localSpu() SpuSpec {
	return SpuSpec{
		ID: 5001, Type: SpuCustom,
		Public:  IngressPort{Port: 9010, Ingress: []Ingress{{Hostname: ptr("localhost")}}},
		Private: Endpoint{Port: 9011, Host: "localhost"},
	}
}

// vector is a frame with the message that it must decode to and that must
// encode to it.
type vector struct {
	name   string
	header *RequestHeader // nil for a response
	corr   int32          // of a response
	ver    int16
	msg    codec.Message
}

func request(name string, key uint16, ver int16, corr int32, client string, msg codec.Message) vector {
	return vector{name, &RequestHeader{key, ver, corr, client}, corr, ver, msg}
}

func response(name string, ver int16, corr int32, msg codec.Message) vector {
	return vector{name, nil, corr, ver, msg}
}

func vectors(tb testing.TB) []vector {
	frames := loadFrames(tb)
	one := RecordSet{Bytes: frames["batch_one"]}
	topicHello := TopicSpec{Replicas: Computed(1, 1), Compression: CompressionAny}
	return []vector{
		request("api_versions_request", KeyApiVersions, 2, 1, "fluvio",
			&ApiVersionsRequest{"0.50.2", "linux", "x86_64"}),
		response("api_versions_response_sc", 2, 1,
			&ApiVersionsResponse{APIs: ScAPIs()[:6], PlatformVersion: "0.18.1"}),
		response("api_versions_response_spu", 2, 1,
			&ApiVersionsResponse{APIs: SpuAPIs("0.50.2"), PlatformVersion: SpuPlatformVersion}),
		request("create_topic_request", KeyCreate, 19, 4, "fluvio",
			Typed{LabelTopic, &CreateRequest[TopicSpec]{Name: "hello", Spec: topicHello}}),
		response("create_topic_ok", 19, 4, StatusOK("hello")),
		response("create_topic_exists", 19, 4,
			StatusError("hello", ErrorCode{ID: TopicAlreadyExists}, "Topic 'hello' already exists")),
		request("list_topics_request", KeyList, 19, 4, "fluvio", Typed{LabelTopic, &ListRequest{}}),
		response("list_topics_response", 19, 4, Typed{LabelTopic, &ListResponse[TopicSpec, TopicStatus]{Items: []Topic{{
			Name: "hello", Spec: topicHello,
			Status: TopicStatus{Resolution: TopicProvisioned, ReplicaMap: map[uint32][]int32{0: {5001}}},
		}}}}),
		request("watch_spu_request", KeyWatch, 19, 1, "dummy", Typed{LabelSpu, &WatchRequest{}}),
		response("watch_spu_response", 19, 1, Typed{LabelSpu, &WatchResponse[SpuSpec, SpuStatus]{
			Epoch: 1, All: []Spu{{Name: "custom-spu-5001", Spec: localSpu()}},
		}}),
		response("watch_partition_change", 19, 2, Typed{LabelPartition, &WatchResponse[PartitionSpec, PartitionStatus]{
			Epoch: 2,
			Changes: []Change[PartitionSpec, PartitionStatus]{{Object: Partition{
				Name:   "hello-0",
				Spec:   PartitionSpec{Leader: 5001, Replicas: []int32{5001}, Compression: CompressionAny},
				Status: PartitionStatus{Resolution: PartitionOnline, Leader: ReplicaStatus{Spu: 5001}},
			}}},
		}}),
		request("produce_request", KeyProduce, 25, 1, "fluvio", &ProduceRequest{
			TimeoutMS: 1500,
			Topics:    []ProduceTopic{{"hello", []ProducePartition{{0, one}}}},
		}),
		response("produce_response", 25, 1, &ProduceResponse{
			Topics: []ProduceTopicResult{{"hello", []ProduceResult{{}}}},
		}),
		request("fetch_offsets_request", KeyFetchOffsets, 25, 2, "fluvio",
			&FetchOffsetsRequest{Topics: []OffsetsTopic{{"hello", []uint32{0}}}}),
		response("fetch_offsets_response", 25, 2, &FetchOffsetsResponse{
			Topics: []OffsetsTopicResult{{"hello", []PartitionOffsets{{LastStableOffset: 1}}}},
		}),
		request("stream_fetch_request", KeyStreamFetch, 25, 3, "fluvio",
			&StreamFetchRequest{Topic: "hello", MaxBytes: 1048890}),
		response("stream_fetch_response", 25, 3, &StreamFetchResponse{
			Topic: "hello", StreamID: 1, Partition: FetchedPartition{HighWatermark: 1, Records: one},
		}),
		request("update_offsets_request", KeyUpdateOffsets, 0, 4, "fluvio",
			&UpdateOffsetsRequest{[]StreamOffset{{Offset: 1, SessionID: 1}}}),
		response("update_offsets_response", 0, 4,
			&UpdateOffsetsResponse{[]StreamOffsetStatus{{SessionID: 1}}}),
		response("stream_fetch_evicted", 25, 3, &StreamFetchResponse{
			Topic: "hello", StreamID: 1, Partition: FetchedPartition{
				Error: ErrorCode{ID: OffsetEvicted, Detail: &ErrorDetail{Offset: 5, NextAvailable: 100}},
			},
		}),
		request("delete_topic_request", KeyDelete, 19, 5, "fluvio", Typed{LabelTopic, &DeleteRequest{Name: "hello"}}),
		request("add_partitions_request", KeyUpdate, 19, 5, "fluvio",
			Typed{LabelTopic, &UpdateTopic{Name: "hello", Count: 2}}),
		request("create_custom_spu_request", KeyCreate, 19, 1, "fluvio",
			Typed{LabelCustomSpu, &CreateRequest[CustomSpuSpec]{Name: "custom-spu-5001", Spec: ptr(localSpu()).Custom()}}),
		request("delete_custom_spu_request", KeyDelete, 19, 2, "fluvio",
			Typed{LabelCustomSpu, &DeleteCustomSpu{Key: CustomSpuKey{ByID: true, ID: 5001}}}),
		request("fetch_consumer_offsets_request", KeyFetchConsumerOffsets, 25, 2, "fluvio",
			&FetchConsumerOffsetsRequest{&ConsumerOffsetFilter{&ReplicaKey{"hello", 0}, ptr("c1")}}),
		response("fetch_consumer_offsets_response", 25, 2, &FetchConsumerOffsetsResponse{
			Consumers: []ConsumerOffset{{"c1", ReplicaKey{"hello", 0}, 41, 1700000000}},
		}),
		request("update_consumer_offset_request", KeyUpdateConsumerOffset, 25, 5, "fluvio",
			&UpdateConsumerOffsetRequest{SessionID: 1}),
	}
}

// encode writes v as a whole frame.
func (v vector) encode() ([]byte, error) {
	c := codec.NewEncoder(make([]byte, 4), v.ver)
	if v.header != nil {
		h := *v.header
		h.Code(c)
	} else {
		c.I32(ptr(v.corr))
	}
	v.msg.Code(c)
	b := c.Bytes()
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b, c.Err()
}

// blank is a new message of v's type, and the value to compare after decoding
// into it.
func (v vector) blank() (into codec.Message, got, want func() any) {
	if t, ok := v.msg.(Typed); ok {
		inner := reflect.New(reflect.TypeOf(t.Msg).Elem()).Interface().(codec.Message)
		return Typed{t.Label, inner}, func() any { return inner }, func() any { return t.Msg }
	}
	m := reflect.New(reflect.TypeOf(v.msg).Elem()).Interface().(codec.Message)
	return m, func() any { return m }, func() any { return v.msg }
}

func (v vector) decode(frame []byte, into codec.Message) (*codec.Coder, RequestHeader, int32) {
	c := codec.NewDecoder(frame[4:], v.ver)
	var h RequestHeader
	var corr int32
	if v.header != nil {
		h.Code(c)
	} else {
		c.I32(&corr)
	}
	into.Code(c)
	return c, h, corr
}

func TestFrames(t *testing.T) {
	frames := loadFrames(t)
	for _, v := range vectors(t) {
		t.Run(v.name, func(t *testing.T) {
			frame := frames[v.name]
			got, err := v.encode()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, frame) {
				t.Fatalf("encodes to\n%x, want\n%x", got, frame)
			}
			into, gotMsg, wantMsg := v.blank()
			c, h, corr := v.decode(frame, into)
			switch {
			case c.Err() != nil:
				t.Fatal(c.Err())
			case c.Remaining() != 0:
				t.Fatalf("%d bytes left over", c.Remaining())
			case v.header != nil && h != *v.header:
				t.Fatalf("header is %+v, want %+v", h, *v.header)
			case v.header == nil && corr != v.corr:
				t.Fatalf("correlation id is %d, want %d", corr, v.corr)
			case !reflect.DeepEqual(gotMsg(), wantMsg()):
				t.Fatalf("decodes to\n%+v, want\n%+v", gotMsg(), wantMsg())
			}
		})
	}
}

// A frame that ends early is an error at every byte, except where what is cut
// off is a whole optional tail: no such tail exists in the protocol.
func TestFramesCutAtEveryByte(t *testing.T) {
	frames := loadFrames(t)
	for _, v := range vectors(t) {
		frame := frames[v.name]
		for n := 4; n < len(frame); n++ {
			into, _, _ := v.blank()
			if c, _, _ := v.decode(frame[:n:n], into); c.Err() == nil {
				t.Errorf("%s cut to %d of %d bytes decodes", v.name, n, len(frame))
			}
		}
	}
}

// The bodies that Rust unit tests pin down, which no whole frame covers.
func TestBodies(t *testing.T) {
	adhoc := func(name string) SmartModuleInvocation {
		s := SmartModuleInvocation{AdHoc: true, Wasm: []byte{0xde, 0xad, 0xbe, 0xef}}
		if name != "" {
			s.Name = &name
		}
		return s
	}
	lookback := adhoc("test-adhoc")
	lookback.Lookback = &Lookback{Last: 1}
	aggregate := SmartModuleInvocation{
		AdHoc: true, Wasm: []byte{0x1f, 0x8b}, Kind: KindGeneric,
		Input:  InvocationInput{Context: ContextAggregate, Accumulator: []byte("1")},
		Params: map[string]string{"k": "v"},
	}
	up := SmartModuleInvocation{Predefined: "up", Kind: KindGeneric}
	upNamed := up
	upNamed.Name = ptr("up")
	for _, tt := range []struct {
		name string
		ver  int16
		msg  codec.Message
		hex  string
	}{
		{"produce 25", 25, &ProduceRequest{TransactionalID: ptr("t_id"), Isolation: ReadCommitted, TimeoutMS: 1000, SmartModules: []SmartModuleInvocation{adhoc("adhoc-test")}},
			"0100 04745f6964 ffff 000003e8 00000000 00000001 01 00000004 deadbeef 00 000000 01000a61 64686f632d74657374"},
		{"stream fetch 25", 25, &StreamFetchRequest{Topic: "one", Partition: 3, SmartModules: []SmartModuleInvocation{lookback}},
			"00036f6e65 00000003 0000000000000000 00000000 00 00000001 01 00000004 deadbeef 00 0000 01 0000000000000001 00 01 000a 746573742d6164686f63 00"},
		{"stream fetch 18", 18, &StreamFetchRequest{Topic: "one", Partition: 3, SmartModules: []SmartModuleInvocation{adhoc("")}},
			"00036f6e65 00000003 0000000000000000 00000000 00 00000000 00 00 00000001 01 00000004 deadbeef 00 0000"},
		{"predefined 25", 25, &upNamed, "00 00027570 07 00 0000 00 01 00027570"},
		{"predefined 24", 24, &up, "00 00027570 07 00 0000 00"},
		{"aggregate 25", 25, &aggregate, "01 00000002 1f8b 07 01 00000001 31 0001 00016b 000176 00 00"},
		{"timed out", 25, &ErrorCode{RequestTimedOut, &ErrorDetail{TimeoutMS: 1500}}, "0007 00000000000005dc 00"},
		{"other", 25, ptr(Errorf("boom")), "0002 0004 626f6f6d"},
		{"computed", 19, &ReplicaSpec{Kind: ReplicasComputed, Computed: ComputedReplicas{2, 3, true}}, "01 00000002 00000003 01"},
		{"header", 0, &RequestHeader{18, 1, 1, "consumer-1"}, "0012 0001 00000001 000a 636f6e73756d65722d31"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want, err := hex.DecodeString(strings.ReplaceAll(tt.hex, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			got, err := codec.Append(nil, tt.ver, tt.msg)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("encodes to\n%x (%v), want\n%x", got, err, want)
			}
			into := reflect.New(reflect.TypeOf(tt.msg).Elem()).Interface().(codec.Message)
			n, err := codec.Unmarshal(want, tt.ver, into)
			if err != nil || n != len(want) || !reflect.DeepEqual(into, tt.msg) {
				t.Fatalf("decodes to %+v (%d bytes, %v), want %+v", into, n, err, tt.msg)
			}
		})
	}
}
