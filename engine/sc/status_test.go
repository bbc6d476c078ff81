package sc

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
)

func ptr[T any](v T) *T { return &v }

func assigned(maps ...api.PartitionMap) api.TopicSpec {
	return api.TopicSpec{Replicas: api.ReplicaSpec{Kind: api.ReplicasAssigned, Assigned: maps}}
}

func computed(partitions, factor uint32) api.TopicSpec {
	return api.TopicSpec{Replicas: api.Computed(partitions, factor)}
}

func withStorage(segment *uint32, size *uint64) api.TopicSpec {
	s := computed(1, 1)
	s.Storage = &api.TopicStorage{SegmentSize: segment, MaxPartitionSize: size}
	return s
}

func TestCreateTopicStatus(t *testing.T) {
	c := startCluster(t, nil, nil)
	c.startSpu(5001, 1)
	cl := c.client()
	want(t, "create", cl.createTopic("taken", 1), "taken: ok")

	long := strings.Repeat("x", 64)
	retention := computed(1, 1)
	retention.CleanupPolicy = &api.CleanupPolicy{TimeInSeconds: 9}
	dedup, badDedup := computed(1, 1), computed(1, 1)
	dedup.Deduplication = &api.Deduplication{Count: 1, Uses: "fluvio/dedup-bloom-filter@0.1.0"}
	badDedup.Deduplication = &api.Deduplication{Count: 1, Uses: "a/b@one"}
	const badName = "TopicInvalidName: Invalid topic name: '%'. Contain only lowercase alphanumeric characters or '-'"
	for _, tc := range []struct {
		name string
		spec api.TopicSpec
		want string // % stands for the name
	}{
		{"", computed(1, 1), badName},
		{"-a", computed(1, 1), badName},
		{"a-", computed(1, 1), badName},
		{"A", computed(1, 1), badName},
		{"a_b", computed(1, 1), badName},
		{"a.b", computed(1, 1), badName},
		{"ä", computed(1, 1), badName},
		{"../a", computed(1, 1), badName},
		{long, computed(1, 1), "TopicInvalidName: Invalid topic name: '%'. Name exceeds max characters allowed 63"},
		{"taken", computed(0, 0), "TopicAlreadyExists: Topic '%' already exists"},
		{"t", retention, "TopicInvalidConfiguration: retention_secs 9 is less than minimum 10"},
		{"t", withStorage(ptr(uint32(1023)), nil), "TopicInvalidConfiguration: segment_size 1023 is less than minimum 1024"},
		{"t", withStorage(nil, ptr(uint64(2047))), "TopicInvalidConfiguration: max_partition_size 2047 is less than minimum 2048"},
		{"t", withStorage(ptr(uint32(4096)), ptr(uint64(2048))), "TopicInvalidConfiguration: max_partition_size 2048 is less than segment size 4096"},
		{"t", withStorage(nil, ptr(uint64(2048))), "TopicInvalidConfiguration: max_partition_size 2048 is less than segment size 1073741824"},
		{"t", computed(0, 1), "TopicError: partition must be greater than 0"},
		{"t", computed(1, 0), "TopicError: replication factor must be greater than 0"},
		{"t", assigned(), "TopicError: no assigned partitions found"},
		{"t", assigned(api.PartitionMap{ID: 1, Replicas: []int32{5001}}), "TopicError: assigned partitions must start with id 0"},
		{"t", assigned(api.PartitionMap{}), "TopicError: assigned replicas must have at least one spu id"},
		{"t", assigned(api.PartitionMap{Replicas: []int32{5001}}, api.PartitionMap{ID: 2, Replicas: []int32{5001}}), "TopicError: assigned partition ids must be in sequence and without gaps"},
		{"t", assigned(api.PartitionMap{Replicas: []int32{5001}}, api.PartitionMap{ID: 1}), "TopicError: all assigned replicas must have the same number of spu ids: 1"},
		{"t", assigned(api.PartitionMap{Replicas: []int32{5001, 5001}}), "TopicError: duplicate spu ids found in assigned partition with id: 0"},
		{"t", assigned(api.PartitionMap{Replicas: []int32{-1}}), "TopicError: invalid spu id: -1 in assigned partition with id: 0"},
		{"t", assigned(api.PartitionMap{Replicas: []int32{5}}), "TopicError: invalid spu id: 5"},
		{"t", computed(math.MaxUint32, 1), "TopicInvalidConfiguration: 4294967295 partitions are more than the maximum of 10000"},
		{"t", api.TopicSpec{Replicas: api.ReplicaSpec{Kind: api.ReplicasMirror}}, "TopicInvalidConfiguration: mirror topics are not supported yet: this release does not connect clusters"},
	} {
		expected := tc.name + ": " + strings.ReplaceAll(tc.want, "%", tc.name)
		for _, dry := range []bool{false, true} {
			got := cl.status(api.KeyCreate, api.LabelTopic, &api.CreateRequest[api.TopicSpec]{Name: tc.name, DryRun: dry, Spec: tc.spec})
			want(t, "create "+tc.name, got, expected)
		}
	}
	want(t, "dedup", cl.createSpec("t", dedup), "fluvio/dedup-bloom-filter@0.1.0: DeduplicationSmartModuleNotLoaded: "+
		"Deduplication SmartModule is not loaded into the cluster\nHint: try `fluvio hub sm download fluvio/dedup-bloom-filter@0.1.0` and repeat this operation")
	want(t, "dedup", cl.createSpec("t", badDedup), `a/b@one: DeduplicationSmartModuleNameInvalid: version "one" of SmartModule "a/b@one" is not a version number`)

	dry := cl.status(api.KeyCreate, api.LabelTopic, &api.CreateRequest[api.TopicSpec]{Name: "dry", DryRun: true, Spec: computed(3, 1)})
	want(t, "dry run", dry, "dry: ok")
	if got := cl.topics(false); len(got) != 1 {
		t.Errorf("topics %+v", got)
	}
}

func TestProvisionTimeout(t *testing.T) {
	c := startCluster(t, nil, testTimeouts)
	want(t, "create", c.client().createTopic("t", 3), "t: TopicNotProvisioned: only 0 out of 3 provisioned")
}

func TestUpdateAndDeleteStatus(t *testing.T) {
	c := startCluster(t, nil, nil)
	c.startSpu(5001, 1)
	cl := c.client()
	cl.createTopic("t", 1)
	cl.createSpec("fixed", assigned(api.PartitionMap{Replicas: []int32{5001}}))
	for _, tc := range []struct {
		req  api.UpdateTopic
		want string
	}{
		{api.UpdateTopic{Name: "x", Count: 1}, "x: TopicNotFound: not found"},
		{api.UpdateTopic{Name: OffsetsTopic, Count: 1}, "consumer-offset: SystemSpecUpdatingAttempt: <no message>"},
		{api.UpdateTopic{Name: "fixed", Count: 1}, "fixed: TopicInvalidReplicaType: invalid replica type"},
		{api.UpdateTopic{Name: "t"}, "t: TopicError: partition must be greater than 0"},
		{api.UpdateTopic{Name: "t", Count: math.MaxUint32}, "t: TopicInvalidConfiguration: 1 and 4294967295 more partitions are more than the maximum of 10000"},
		{api.UpdateTopic{Name: "t", Action: api.ActionAddMirror, Remote: "r"}, "t: MirrorNotFound: not found"},
		{api.UpdateTopic{Name: "x", Action: api.ActionAddMirror, Remote: "r"}, "x: TopicNotFound: not found"},
		{api.UpdateTopic{Name: "t", Count: 2}, "t: ok"},
	} {
		want(t, "update", cl.status(api.KeyUpdate, api.LabelTopic, &tc.req), tc.want)
	}
	want(t, "delete", cl.deleteTopic("x", true), "x: TopicNotFound: not found")
	want(t, "delete system", cl.deleteTopic(OffsetsTopic, false), "consumer-offset: SystemSpecDeletionAttempt: <no message>")
	var st api.Status
	cl.call(api.KeyDelete, api.Typed{Label: api.LabelTopic, Msg: &api.DeleteRequest{Name: OffsetsTopic}}, &st)
	want(t, "code text", st.Error.Error(), "system topic 'consumer-offset' can only be deleted forcibly")
}

func TestCustomSpuStatus(t *testing.T) {
	c := startCluster(t, nil, nil)
	cl := c.client()
	create := func(name string, id int32, dry bool) string {
		return cl.status(api.KeyCreate, api.LabelCustomSpu, &api.CreateRequest[api.CustomSpuSpec]{Name: name, DryRun: dry, Spec: customSpu(id)})
	}
	remove := func(key api.CustomSpuKey) string {
		return cl.status(api.KeyDelete, api.LabelCustomSpu, &api.DeleteCustomSpu{Key: key})
	}
	want(t, "dry run", create("a", 1, true), ": ok")
	want(t, "create", create("a", 1, false), "a: ok")
	want(t, "same name", create("a", 2, false), "a: SpuAlreadyExists: spu 'a(2)' already defined")
	want(t, "same id", create("b", 1, true), "b: SpuAlreadyExists: spu 'b(1)' already defined")
	want(t, "bad name", create("a/b", 3, false), "a/b: SpuError: Invalid spu name: 'a/b'. Contain only lowercase alphanumeric characters or '-'")
	want(t, "bad id", create("c", -1, false), "c: SpuError: invalid spu id: -1")
	want(t, "create", create("b", 2, false), "b: ok")
	custom := listObjects[api.CustomSpuSpec, api.SpuStatus](cl, api.LabelCustomSpu, &api.ListRequest{Filters: []string{"b", "z"}})
	if len(custom) != 1 || custom[0].Name != "b" || custom[0].Spec.ID != 2 || custom[0].Status.Resolution != api.SpuInitState {
		t.Errorf("custom SPUs %+v", custom)
	}
	want(t, "delete", remove(api.CustomSpuKey{Name: "a"}), "a: ok")
	want(t, "delete by id", remove(api.CustomSpuKey{ByID: true, ID: 2}), "b: ok")
	want(t, "delete unknown", remove(api.CustomSpuKey{Name: "a"}), "a: SpuNotFound: not found")
	want(t, "delete unknown id", remove(api.CustomSpuKey{ByID: true, ID: 9}), "spu-9: SpuNotFound: not found")
	if got := cl.spus(); len(got) != 0 {
		t.Errorf("SPUs %+v", got)
	}

	ctx := context.Background()
	for _, id := range []int32{1, 1} {
		if err := c.EnsureCustomSpu(ctx, customSpu(id), "a"); err != nil {
			t.Error(err)
		}
	}
	moved := customSpu(1)
	moved.Public.Port = 7777
	if err := c.EnsureCustomSpu(ctx, moved, "a"); err != nil {
		t.Error(err)
	}
	if got := cl.spus(); len(got) != 1 || got[0].Spec.Public.Port != 7777 {
		t.Errorf("SPUs %+v", got)
	}
	for name, id := range map[string]int32{"a": 2, "b": 1, "B": 3} {
		if err := c.EnsureCustomSpu(ctx, customSpu(id), name); err == nil {
			t.Errorf("SPU %s with id %d was accepted", name, id)
		}
	}
}

// Types that this release does not have are decoded, refused on create, not
// found on delete, and empty.
func TestLaterTypes(t *testing.T) {
	c := startCluster(t, nil, nil)
	cl := c.client()
	for _, tc := range []struct {
		label  api.Label
		create codec.Message
		want   string
		delete string
	}{
		{api.LabelSpuGroup, &api.CreateRequest[api.SpuGroupSpec]{Name: "x"}, "SpuError: SPU groups are not supported yet by this release", "SpuNotFound: not found"},
		{api.LabelSmartModule, &api.CreateRequest[api.SmartModuleSpec]{Name: "x", Spec: api.SmartModuleSpec{Wasm: []byte("wasm")}}, "SmartModuleError: SmartModules are not supported yet by this release", "SmartModuleNotFound: not found"},
		{api.LabelTableFormat, &api.CreateRequest[api.TableFormatSpec]{Name: "x"}, "TableFormatError: table formats are not supported yet by this release", "TableFormatNotFound: not found"},
		{api.LabelMirror, &api.CreateRequest[api.MirrorSpec]{Name: "x"}, "Other: mirrors are not supported yet by this release", `MirrorNotFound: remote cluster "x" not found`},
	} {
		want(t, "create", cl.status(api.KeyCreate, tc.label, tc.create), "x: "+tc.want)
		want(t, "delete", cl.status(api.KeyDelete, tc.label, &api.DeleteRequest{Name: "x"}), "x: "+tc.delete)
		var items api.ListResponse[api.SpuSpec, api.SpuStatus] // of no elements, so the type does not matter
		cl.call(api.KeyList, api.Typed{Label: tc.label, Msg: &api.ListRequest{}}, api.Typed{Label: tc.label, Msg: &items})
		u := watch[api.SpuSpec, api.SpuStatus](cl, tc.label).next()
		if len(items.Items)+len(u.All)+len(u.Changes) != 0 {
			t.Errorf("%s: listed %v, watched %+v", tc.label, items, u)
		}
	}
	var m api.MirroringStatusResponse
	cl.call(api.KeyMirroring, api.Typed{Label: api.LabelMirroringConnect, Msg: &api.MirrorConnect{RemoteID: "r"}}, &m)
	if m.Name != "r" || m.Error.ID != api.MirrorNotFound || m.Message == nil {
		t.Errorf("mirroring: %+v", m)
	}
}

func TestUnknownLabels(t *testing.T) {
	c := startCluster(t, nil, nil)
	cl := c.client()
	const text = "error: Other: <no message>"
	want(t, "create", cl.status(api.KeyCreate, "Galaxy", &api.DeleteRequest{}), "create "+text)
	want(t, "create partition", cl.status(api.KeyCreate, api.LabelPartition, &api.DeleteRequest{}), "create "+text)
	want(t, "delete", cl.status(api.KeyDelete, "Galaxy", &api.DeleteRequest{}), "create "+text)
	want(t, "update", cl.status(api.KeyUpdate, "Galaxy", &api.DeleteRequest{}), "update "+text)
	for key, label := range map[uint16]api.Label{api.KeyList: "Galaxy", api.KeyWatch: api.LabelCustomSpu, api.KeyMirroring: api.LabelTopic, 4711: "Topic"} {
		cl := c.client()
		var resp api.TypeBuffer
		if err := call(cl.Conn, key, cl.version, api.Typed{Label: label, Msg: &api.ListRequest{}}, &resp); err == nil {
			t.Errorf("key %d with %s was answered", key, label)
		}
		<-cl.Done()
	}
	cl = c.clientAt(10)
	var st api.Status
	if err := call(cl.Conn, api.KeyDelete, 10, &api.DeleteRequest{Name: "x"}, &st); err == nil {
		t.Errorf("version 10 was answered: %+v", st)
	}
}

func TestApiVersions(t *testing.T) {
	c := startCluster(t, nil, nil)
	cl := c.client()
	for _, version := range []string{"0.50.2", "", "v1"} {
		var resp api.ApiVersionsResponse
		err := call(cl.Conn, api.KeyApiVersions, api.ApiVersionsVersion, &api.ApiVersionsRequest{ClientVersion: version}, &resp)
		if err != nil || resp.PlatformVersion != "0.18.1" || len(resp.APIs) != len(api.ScAPIs()) {
			t.Errorf("%q: %+v, %v", version, resp, err)
		}
	}
}

func TestListFilters(t *testing.T) {
	c := startCluster(t, nil, nil)
	c.startSpu(5001, 1)
	cl := c.client()
	for _, name := range []string{"orders", "old-orders", "events"} {
		want(t, "create", cl.createTopic(name, 1), name+": ok")
	}
	names := func(topics []api.Topic) string {
		var out []string
		for _, o := range topics {
			out = append(out, o.Name)
		}
		return strings.Join(out, " ")
	}
	want(t, "all", names(cl.topics(false)), "events old-orders orders")
	want(t, "one filter", names(cl.topics(false, "order")), "old-orders orders")
	want(t, "two filters", names(cl.topics(false, "old", "ev")), "events old-orders")
	want(t, "empty filter", names(cl.topics(false, "")), "events old-orders orders")
	want(t, "no match", names(cl.topics(false, "consumer")), "")
	want(t, "system", names(cl.topics(true)), "consumer-offset")
	parts := listObjects[api.PartitionSpec, api.PartitionStatus](cl, api.LabelPartition, &api.ListRequest{Filters: []string{"nothing"}})
	if len(parts) != 3 || len(cl.partitions(true)) != 1 {
		t.Errorf("partitions %+v", parts)
	}
}

func TestExtTopics(t *testing.T) {
	c := startCluster(t, nil, testTimeouts)
	cl := c.client()
	create := func(name string, dry bool) string {
		var st api.Status
		req := &api.ExtCreateTopicRequest{Name: name, DryRun: dry, Timeout: ptr(uint32(1)), Spec: computed(1, 1), Config: api.TopicConfig{Durability: api.DurabilityNever}}
		if err := call(cl.Conn, api.KeyExtCreateTopic, api.ExtVersion, req, &st); err != nil {
			t.Fatal(err)
		}
		return describe(&st)
	}
	want(t, "no SPU", create("a", false), "a: TopicNotProvisioned: only 0 out of 1 provisioned")
	c.startSpu(5001, 1).has("a", 0)
	want(t, "dry run", create("b", true), "b: ok")
	want(t, "bad", create("B", true), "B: TopicInvalidName: Invalid topic name: 'B'. Contain only lowercase alphanumeric characters or '-'")
	var resp api.ExtDescribeTopicsResponse
	err := call(cl.Conn, api.KeyExtDescribeTopics, api.ExtVersion, &api.ExtDescribeTopicsRequest{Names: []string{"b", "a", "a"}}, &resp)
	if err != nil || len(resp.Topics) != 1 || resp.Topics[0].Config.Durability != api.DurabilityNever || resp.Topics[0].ID.IsZero() {
		t.Errorf("described %+v, %v", resp, err)
	}
	resp = api.ExtDescribeTopicsResponse{}
	if err := call(cl.Conn, api.KeyExtDescribeTopics, api.ExtVersion, &api.ExtDescribeTopicsRequest{}, &resp); err != nil || len(resp.Topics) != 2 {
		t.Errorf("described %+v, %v", resp, err)
	}
}
