package topic

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/cmd/cmdtest"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func sample() *fakeAdmin {
	dedup := api.TopicSpec{
		Replicas: api.Computed(2, 3), Compression: api.CompressionLz4, CleanupPolicy: &api.CleanupPolicy{TimeInSeconds: 7200},
		Deduplication: &api.Deduplication{Uses: "filter", Age: &codec.Duration{Secs: 90}},
	}
	assigned := api.TopicSpec{
		Compression: api.CompressionAny,
		Replicas:    api.ReplicaSpec{Kind: api.ReplicasAssigned, Assigned: []api.PartitionMap{{Replicas: []int32{1, 2}}}},
	}
	mirror := func(m api.MirrorConfig) api.TopicSpec {
		return api.TopicSpec{Replicas: api.ReplicaSpec{Kind: api.ReplicasMirror, Mirror: m}}
	}
	ok := api.TopicStatus{Resolution: api.TopicProvisioned}
	return &fakeAdmin{topics: []api.Topic{
		{Name: "orders", Spec: api.TopicSpec{Replicas: api.Computed(1, 1), Compression: api.CompressionAny}, Status: ok},
		{Name: "orders-2", Spec: dedup, Status: api.TopicStatus{Resolution: api.TopicInsufficientResources, Reason: "need 3 spu"}},
		{Name: "placed", Spec: assigned, Status: ok},
		{Name: "home", Spec: mirror(api.MirrorConfig{Side: api.MirrorHome}), Status: ok},
		{Name: "home-source", Spec: mirror(api.MirrorConfig{Side: api.MirrorHome, Source: true}), Status: ok},
		{Name: "remote", Spec: mirror(api.MirrorConfig{}), Status: ok},
		{Name: "remote-target", Spec: mirror(api.MirrorConfig{Target: true}), Status: ok},
		{Name: "consumer-offset", Spec: api.TopicSpec{Replicas: api.Computed(1, 1), System: true}, Status: ok},
	}}
}

func TestList(t *testing.T) {
	for name, args := range map[string]string{
		"list": "list", "list_system": "list -s", "list_json": "list -s -O JSON", "list_yaml": "list -s -O yaml",
	} {
		r := runCmd(t.Context(), sample(), "", strings.Fields(args)...)
		if r.err != nil {
			t.Fatal(r.err)
		}
		cmdtest.Golden(t, name, r.out)
	}
	for args, want := range map[string]string{"list": "No topics found\n", "list -O json": "[]\n", "list -O yaml": "[]\n\n"} {
		if r := runCmd(t.Context(), &fakeAdmin{}, "", strings.Fields(args)...); r.err != nil || r.out != want {
			t.Errorf("%s: %v, %q", args, r.err, r.out)
		}
	}
	if r := runCmd(t.Context(), sample(), "", "list", "-O", "toml"); r.err == nil || r.err.Error() != "Fluvio client error" || r.out != "" {
		t.Errorf("toml: %+v", r)
	}
}

func TestDescribe(t *testing.T) {
	ours := sample()
	ours.configs = map[string]api.TopicConfig{"orders": {}, "orders-2": {}, "placed": {Durability: api.DurabilityNever, MinInSync: 2, UncleanElection: true}}
	troubled, theirs := sample(), sample()
	for _, a := range []*fakeAdmin{troubled, theirs} {
		for i := range a.topics {
			if a.topics[i].Name == "orders" {
				a.topics[i].Status.Reason = "partition 1: 2 of 3 replicas in sync, SPU 5003 is offline (and 4 more)"
			}
		}
	}
	part := func(topic string, id uint32, reason string) api.ExtPartition {
		return api.ExtPartition{Key: api.ReplicaKey{Topic: topic, Partition: id}, Reason: reason}
	}
	const away, full = "2 of 3 replicas in sync, SPU 5003 is offline", "out of storage: no space left on device"
	troubled.parts = []api.ExtPartition{
		part("orders", 0, ""), part("orders", 1, away), part("orders", 2, away), part("orders", 3, full), part("orders", 4, away),
		part("orders", 6, away), part("other", 0, away),
	}
	for name, test := range map[string]struct {
		a    *fakeAdmin
		args string
	}{
		"describe_one":            {sample(), "remote-target"},
		"describe_several":        {sample(), "orders"},
		"describe_durability":     {ours, "orders"},
		"describe_placed":         {ours, "placed"},
		"describe_none":           {sample(), "nope"},
		"describe_json":           {ours, "placed -O json"},
		"describe_json_theirs":    {sample(), "placed -O json"},
		"describe_none_json":      {sample(), "nope -O json"},
		"describe_trouble":        {troubled, "orders"},
		"describe_trouble_theirs": {theirs, "orders"},
	} {
		r := runCmd(t.Context(), test.a, "", append([]string{"describe"}, strings.Fields(test.args)...)...)
		if r.err != nil || r.stderr != "" {
			t.Fatalf("%s: %+v", name, r)
		}
		cmdtest.Golden(t, name, r.out)
	}
	r := runCmd(t.Context(), ours, "", "list", "-O", "json")
	if r.err != nil || r.stderr != "" {
		t.Fatalf("list: %+v", r)
	}
	cmdtest.Golden(t, "list_json_ours", r.out)
}

func TestDelete(t *testing.T) {
	const question = "You are trying to delete a system topic 'consumer-offset'. It can affect the functioning of the cluster.\n" +
		"                             \nAre you sure you want to proceed? (y/n)\n"
	for _, test := range []struct {
		args, in string
		out, err string
		code     uerr.Code
		deleted  string
	}{
		{args: "orders", out: "topic \"orders\" deleted\n", deleted: "orders"},
		{args: "orders home", out: "topic \"orders\" deleted\ntopic \"home\" deleted\n", deleted: "orders home"},
		{args: "ordrs home", err: "Topic not found", code: uerr.NotFound},
		{
			args: "-c ordrs home", out: "topic \"ordrs\" delete failed with: Topic not found\ntopic \"home\" deleted\n",
			err: "Failed deleting topic(s). Check previous errors.", code: uerr.Partial, deleted: "home",
		},
		{args: "consumer-offset", err: "system topic 'consumer-offset' can only be deleted forcibly", code: uerr.Failed},
		{args: "consumer-offset -f", err: "system topic 'consumer-offset' can only be deleted forcibly", code: uerr.Failed},
		{args: "consumer-offset -sf", out: "system topic \"consumer-offset\" deleted\n", deleted: "consumer-offset!"},
		{args: "consumer-offset -s", in: "Yes\n", out: question + "system topic \"consumer-offset\" deleted\n", deleted: "consumer-offset!"},
		{args: "consumer-offset -s", in: "y", out: question + "system topic \"consumer-offset\" deleted\n", deleted: "consumer-offset!"},
		{args: "-s orders consumer-offset home", in: "n\n", out: "topic \"orders\" deleted\n" + question + "Aborted\n", deleted: "orders"},
		{args: "consumer-offset -s", in: "", out: question + "Aborted\n"},
	} {
		t.Run(test.args+"/"+test.in, func(t *testing.T) {
			a := sample()
			r := runCmd(t.Context(), a, test.in, append([]string{"delete"}, strings.Fields(test.args)...)...)
			if r.out != test.out || strings.Join(a.deleted, " ") != test.deleted {
				t.Errorf("printed %q, deleted %q", r.out, a.deleted)
			}
			if test.err == "" && r.err != nil || test.err != "" && (r.err == nil || r.err.Error() != test.err || cmdtest.ExitCode(r.err) != test.code) {
				t.Errorf("error %v (%d)", r.err, cmdtest.ExitCode(r.err))
			}
		})
	}
}

func TestDeleteSuggests(t *testing.T) {
	r := runCmd(t.Context(), sample(), "", "delete", "ordrs")
	var e *uerr.Error
	if !errors.As(r.err, &e) || strings.Join(e.Next, ";") != "fluvio topic delete orders;fluvio topic list" {
		t.Errorf("%+v", e)
	}
}

func TestAddMirror(t *testing.T) {
	a := sample()
	r := runCmd(t.Context(), a, "", "add-mirror", "home", "r1", "--home-to-remote")
	if r.err != nil || r.out != "added new mirror: \"r1\" to topic: \"home\"\n" || a.added[0] != "home r1!" {
		t.Errorf("%+v, %q", r, a.added)
	}
	a.err = &client.Error{Code: api.Errorf("x"), Message: `remote "r1" is already assigned to partition: "0"`}
	if r := runCmd(t.Context(), a, "", "add-mirror", "home", "r1"); r.err == nil || r.err.Error() != `remote "r1" is already assigned to partition: "0"` {
		t.Errorf("%+v", r)
	}
}

// grown is a topic with one partition for each replica list.
func grown(name string, replicas ...[]int32) api.Object[api.TopicSpec, api.TopicStatus] {
	m := make(map[uint32][]int32)
	for i, r := range replicas {
		m[uint32(i)] = r
	}
	return api.Topic{Name: name, Status: api.TopicStatus{ReplicaMap: m}}
}

func TestAddPartition(t *testing.T) {
	before := grown("t", []int32{5001})
	a := &fakeAdmin{topics: []api.Topic{grown("tt"), before}}
	a.watch = func(_ context.Context, yield func(topicUpdate, error) bool) {
		change := func(o api.Topic) topicUpdate {
			return topicUpdate{Changes: []api.Change[api.TopicSpec, api.TopicStatus]{{Object: o}}}
		}
		_ = yield(topicUpdate{Full: true, All: a.topics}, nil) &&
			a.asked == 1 &&
			yield(change(grown("tt", []int32{1}, []int32{2}, []int32{3})), nil) &&
			yield(change(grown("t", []int32{5001}, []int32{5002})), nil) &&
			yield(change(grown("t", []int32{5001}, []int32{5001, 5002}, []int32{5002})), nil)
	}
	r := runCmd(t.Context(), a, "", "add-partition", "t", "-c", "2")
	want := "added new partitions to topic: \"t\"\n PARTITION  SPU  \n 1          5001 \n 2          5002 \n"
	if r.err != nil || r.out != want || a.asked != 1 {
		t.Errorf("%+v, asked %d times", r, a.asked)
	}
}

func TestAddPartitionFailures(t *testing.T) {
	once := func(_ context.Context, yield func(topicUpdate, error) bool) { yield(topicUpdate{Full: true}, nil) }
	refused := &fakeAdmin{topics: []api.Topic{grown("t")}, err: refusal(api.PermissionDenied), watch: once}
	for _, test := range []struct {
		a    *fakeAdmin
		args string
		want string
		code uerr.Code
	}{
		{sample(), "nope", `topic "nope" not found`, uerr.NotFound},
		{sample(), "orders -c 0", "Invalid argument: count must be at least 1", uerr.Usage},
		{refused, "t", "permission denied", uerr.Denied},
	} {
		r := runCmd(t.Context(), test.a, "", append([]string{"add-partition"}, strings.Fields(test.args)...)...)
		if r.err == nil || r.err.Error() != test.want || cmdtest.ExitCode(r.err) != test.code || r.out != "" {
			t.Errorf("%s: %+v", test.args, r)
		}
	}
}

// TestAddPartitionSilence: the wait ends some time after the last update, not
// after the request.
func TestAddPartitionSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &fakeAdmin{topics: []api.Topic{grown("t")}}
		start := time.Now()
		a.watch = func(ctx context.Context, yield func(topicUpdate, error) bool) {
			for range 3 {
				time.Sleep(silence / 2)
				if !yield(topicUpdate{Full: true}, nil) {
					return
				}
			}
			<-ctx.Done()
			yield(topicUpdate{}, ctx.Err())
		}
		r := runCmd(t.Context(), a, "", "add-partition", "t")
		if r.err == nil || r.err.Error() != "response timeout exceeded" || cmdtest.ExitCode(r.err) != uerr.TimedOut {
			t.Errorf("%+v", r)
		}
		if got := time.Since(start); got != silence*5/2 {
			t.Errorf("waited %v", got)
		}
	})
}
