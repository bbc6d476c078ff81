package sc

import (
	"context"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/engine/sc/meta/memstore"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// Whatever a client sends, dispatching does not panic, what is answered can
// be encoded, and the controller lives on.
func FuzzDispatch(f *testing.F) {
	seed := func(key uint16, m codec.Message) {
		version := api.ScVersion
		if key >= api.KeyExtCreateTopic {
			version = api.ExtVersion
		}
		b, err := codec.Append(nil, version, m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(key, version, b)
	}
	seed(api.KeyApiVersions, &api.ApiVersionsRequest{ClientVersion: "0.50.2"})
	for _, label := range api.Labels() {
		seed(api.KeyList, api.Typed{Label: label, Msg: &api.ListRequest{Filters: []string{"a"}}})
		seed(api.KeyWatch, api.Typed{Label: label, Msg: &api.WatchRequest{}})
		seed(api.KeyDelete, api.Typed{Label: label, Msg: &api.DeleteRequest{Name: "a"}})
	}
	seed(api.KeyDelete, api.Typed{Label: api.LabelCustomSpu, Msg: &api.DeleteCustomSpu{Key: api.CustomSpuKey{ByID: true, ID: 1}}})
	seed(api.KeyCreate, api.Typed{Label: api.LabelTopic, Msg: &api.CreateRequest[api.TopicSpec]{Name: "a", Spec: computed(2, 1)}})
	seed(api.KeyCreate, api.Typed{Label: api.LabelTopic, Msg: &api.CreateRequest[api.TopicSpec]{Name: "b", Spec: assigned(api.PartitionMap{Replicas: []int32{1}})}})
	seed(api.KeyCreate, api.Typed{Label: api.LabelCustomSpu, Msg: &api.CreateRequest[api.CustomSpuSpec]{Name: "a", Spec: customSpu(1)}})
	seed(api.KeyCreate, api.Typed{Label: api.LabelSmartModule, Msg: &api.CreateRequest[api.SmartModuleSpec]{Name: "a"}})
	seed(api.KeyUpdate, api.Typed{Label: api.LabelTopic, Msg: &api.UpdateTopic{Name: "a", Count: 1}})
	seed(api.KeyMirroring, api.Typed{Label: api.LabelMirroringConnect, Msg: &api.MirrorConnect{RemoteID: "a"}})
	seed(api.KeyExtCreateTopic, &api.ExtCreateTopicRequest{Name: "c", Spec: computed(1, 1)})
	seed(api.KeyExtDescribeTopics, &api.ExtDescribeTopicsRequest{})
	seed(api.KeyExtDescribePartitions, &api.ExtDescribePartitionsRequest{Topics: []string{"a", "c"}})

	store := memstore.New(memstore.Options{})
	defer store.Close()
	s, err := New(Config{
		Store: store, Public: transport.NewMemListener("a"), Private: transport.NewMemListener("b"),
		PlatformVersion: "0.18.1", MaxPartitions: 10,
		Timeouts: Timeouts{Provision: time.Nanosecond, Delete: time.Millisecond},
	})
	if err == nil {
		err = s.Start()
	}
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close(context.Background()) })

	f.Fuzz(func(t *testing.T, key uint16, version int16, body []byte) {
		r := &transport.Request{RequestHeader: transport.RequestHeader{Key: key, Version: version}, Body: slices.Clone(body)}
		out, err := s.dispatch(t.Context(), r)
		if err != nil {
			return
		}
		clear(r.Body) // nothing may alias it
		if out.stream != nil {
			err := out.stream(t.Context(), func(m codec.Message) error {
				if _, err := codec.Append(nil, version, m); err != nil {
					return err
				}
				return io.EOF // the first is enough
			})
			if err != io.EOF {
				t.Fatal(err)
			}
			return
		}
		if _, err := codec.Append(nil, version, out.msg); err != nil {
			t.Fatalf("%T cannot be encoded: %v", out.msg, err)
		}
		for _, system := range []bool{false, true} {
			req := transport.Request{RequestHeader: transport.RequestHeader{Key: api.KeyList, Version: api.ScVersion}}
			req.Body, _ = codec.Append(nil, api.ScVersion, api.Typed{Label: api.LabelTopic, Msg: &api.ListRequest{System: system}})
			out, err := s.dispatch(t.Context(), &req)
			if err == nil {
				_, err = codec.Append(nil, api.ScVersion, out.msg)
			}
			if err != nil {
				t.Fatalf("topics cannot be listed any more: %v", err)
			}
		}
	})
}
