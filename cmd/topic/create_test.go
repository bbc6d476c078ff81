package topic

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/cmd/cmdtest"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
)

func ptr[T any](v T) *T { return &v }

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCreate: what flags ask a cluster for.
func TestCreate(t *testing.T) {
	registered := []api.Mirror{{Name: "r1"}, {Name: "r2"}}
	computed := func(change func(*api.TopicSpec)) api.TopicSpec {
		s := api.TopicSpec{Replicas: api.Computed(1, 1), Compression: api.CompressionAny}
		if change != nil {
			change(&s)
		}
		return s
	}
	mirror := func(m api.MirrorConfig) api.TopicSpec {
		return api.TopicSpec{Replicas: api.ReplicaSpec{Kind: api.ReplicasMirror, Mirror: m}, Compression: api.CompressionAny}
	}
	for _, test := range []struct {
		args   string
		file   string // replaces FILE in args
		spec   api.TopicSpec
		dryRun bool
		config api.TopicConfig
	}{
		{args: "", spec: computed(nil)},
		{args: "-p 3 -r2 -i", spec: computed(func(s *api.TopicSpec) {
			s.Replicas = api.Computed(3, 2)
			s.Replicas.Computed.IgnoreRack = true
		})},
		{args: "--retention-time 1h1m --segment-size 2Ki --max-partition-size 10Gb", spec: computed(func(s *api.TopicSpec) {
			s.CleanupPolicy = &api.CleanupPolicy{TimeInSeconds: 3660}
			s.Storage = &api.TopicStorage{SegmentSize: ptr(uint32(2048)), MaxPartitionSize: ptr(uint64(10e9))}
		})},
		{args: "--retention-time 1500ms", spec: computed(func(s *api.TopicSpec) { s.CleanupPolicy = &api.CleanupPolicy{TimeInSeconds: 1} })},
		{args: "--compression-type LZ4 -s -d", dryRun: true, spec: computed(func(s *api.TopicSpec) {
			s.Compression, s.System = api.CompressionLz4, true
		})},
		{args: "--dedup", spec: computed(func(s *api.TopicSpec) {
			s.Deduplication = &api.Deduplication{Count: 5, Age: &codec.Duration{Secs: 5}, Uses: dedupFilter}
		})},
		{args: "--dedup --dedup-count 9 --dedup-age 1s500ms", spec: computed(func(s *api.TopicSpec) {
			s.Deduplication = &api.Deduplication{Count: 9, Age: &codec.Duration{Secs: 1, Nanos: 5e8}, Uses: dedupFilter}
		})},
		{args: "--durability Never", spec: computed(nil), config: api.TopicConfig{Durability: api.DurabilityNever}},
		{args: "--durability auto", spec: computed(nil)},
		{args: "-r 3 --min-in-sync-replicas 2 --allow-unclean-election", spec: computed(func(s *api.TopicSpec) { s.Replicas = api.Computed(1, 3) }),
			config: api.TopicConfig{MinInSync: 2, UncleanElection: true}},
		{args: "--min-in-sync-replicas 1", spec: computed(nil)}, // as everywhere
		{args: "-f FILE --min-in-sync-replicas=2", file: `[{"id":0,"replicas":[5001,5002]}]`, config: api.TopicConfig{MinInSync: 2}, spec: api.TopicSpec{
			Compression: api.CompressionAny,
			Replicas:    api.ReplicaSpec{Kind: api.ReplicasAssigned, Assigned: []api.PartitionMap{{ID: 0, Replicas: []int32{5001, 5002}}}},
		}},
		{args: "-f FILE", file: `[{"id":0,"replicas":[5001,5002]},{"id":1,"replicas":[5002]}]`, spec: api.TopicSpec{
			Compression: api.CompressionAny,
			Replicas: api.ReplicaSpec{Kind: api.ReplicasAssigned, Assigned: []api.PartitionMap{
				{ID: 0, Replicas: []int32{5001, 5002}}, {ID: 1, Replicas: []int32{5002}},
			}},
		}},
		{args: "-m FILE", file: `["r1","r2"]`, spec: mirror(api.MirrorConfig{Side: api.MirrorHome, Partitions: []api.HomePartition{
			{RemoteCluster: "r1", RemoteReplica: "t-0"}, {RemoteCluster: "r2", RemoteReplica: "t-0"},
		}})},
		{args: "--mirror --home-to-remote", spec: mirror(api.MirrorConfig{Side: api.MirrorHome, Source: true})},
	} {
		t.Run(test.args, func(t *testing.T) {
			a := &fakeAdmin{mirrors: registered, modules: []api.SmartModule{{Name: "dedup"}}}
			args := strings.ReplaceAll(test.args, "FILE", write(t, test.file))
			r := runCmd(t.Context(), a, "", append([]string{"create", "t"}, strings.Fields(args)...)...)
			if r.err != nil || r.out != "topic \"t\" created\n" || r.stderr != "" {
				t.Fatalf("%+v", r)
			}
			want := created{"t", test.spec, client.CreateTopicOptions{DryRun: test.dryRun, Config: test.config}}
			if !reflect.DeepEqual(a.created[0], want) {
				t.Errorf("asked for\n%+v, want\n%+v", a.created[0], want)
			}
		})
	}
}

func TestCreateFailures(t *testing.T) {
	for _, test := range []struct {
		args, file string
		want       string // part of the error
		code       uerr.Code
		err        error // of the cluster
	}{
		{args: "", want: "Invalid argument: Topic name is required", code: uerr.Usage},
		{args: "Upper", want: "Invalid argument: Invalid Topic name Upper. Contain only lowercase alphanumeric characters or '-'", code: uerr.Usage},
		{args: "a-", want: "Contain only", code: uerr.Usage},
		{args: "a_b", want: "Contain only", code: uerr.Usage},
		{args: strings.Repeat("a", 64), want: "Name exceeds max characters allowed 63", code: uerr.Usage},
		{args: "t -c FILE", want: "error: the argument '--config <PATH>' cannot be used with '[name]'", code: uerr.Usage},
		{args: "-c FILE -p 1", want: "error: the argument '--config <PATH>' cannot be used with '--partitions <partitions>'", code: uerr.Usage},
		{args: "-c FILE --dedup --dedup-age 1s", want: "error: the argument '--config <PATH>' cannot be used with", code: uerr.Usage},
		{args: "t -f x -p 1", want: "cannot be used with", code: uerr.Usage},
		{args: "t -f x -i", want: "cannot be used with", code: uerr.Usage},
		{args: "t -m x --mirror", want: "cannot be used with", code: uerr.Usage},
		{args: "t --mirror -r 1", want: "cannot be used with", code: uerr.Usage},
		{args: "t --dedup-count 1", want: "required arguments were not provided:\n  --dedup", code: uerr.Usage},
		{args: "t --compression-type best", want: "Invalid compression type in topic", code: uerr.Usage},
		{args: "t --segment-size 5GiB", want: "more than 4294967295 bytes", code: uerr.Usage},
		{args: "t --retention-time 200years", want: "more than 4294967295 seconds", code: uerr.Usage},
		{args: "t --retention-time 5", want: "time unit needed", code: uerr.Usage},
		{args: "t --durability maybe", want: "possible values: auto, always, interval, never", code: uerr.Usage},
		{args: "t --min-in-sync-replicas 0", want: "invalid value '0' for '--min-in-sync-replicas <integer>': a record is in one replica at least", code: uerr.Usage},
		{args: "t --min-in-sync-replicas x", want: "invalid digit", code: uerr.Usage},
		{args: "t --min-in-sync-replicas 2", want: "Invalid argument: min in-sync replicas 2 is more than the replication factor 1", code: uerr.Usage},
		{args: "t -r 3 --min-in-sync-replicas 4", want: "min in-sync replicas 4 is more than the replication factor 3", code: uerr.Usage},
		{args: "t -f FILE --min-in-sync-replicas 3", file: `[{"id":0,"replicas":[5001,5002]}]`, want: "3 is more than the replication factor 2", code: uerr.Usage},
		{args: "t -p x", want: "invalid digit", code: uerr.Usage},
		{args: "t -f FILE", file: `{"partitions":[]}`, want: "error reading replica assignment: ", code: uerr.Usage},
		{args: "t -f FILE", file: `[{"id":0}]`, want: "error reading replica assignment: ", code: uerr.Usage},
		{args: "t -m FILE", file: `[1]`, want: "error reading mirror assignment: ", code: uerr.Usage},
		{args: "t -m FILE", file: `["r1","r2"]`, want: `Invalid argument: Remote clusters not registered: ["r1", "r2"]`, code: uerr.Usage},
		{args: "t -f /nonexistent", want: "No such file or directory (os error 2)", code: uerr.NotFound},
		{args: "-c /nonexistent", want: "No such file or directory (os error 2)", code: uerr.NotFound},
		{args: "t --dedup", want: "missing access credentials, try 'fluvio cloud login'", code: uerr.NotFound},
		{args: "t", err: refusal(api.TopicAlreadyExists), want: "Topic already exists", code: uerr.Conflict},
		{args: "t", err: refusal(api.TopicInvalidName), want: "Invalid topic name: topic name may only include", code: uerr.Failed},
		{args: "t", err: refusal(api.PermissionDenied), want: "permission denied", code: uerr.Denied},
		{args: "t", err: &client.Error{Code: api.Errorf("x"), Message: "segment_size 1 is less than minimum 1024"}, want: "segment_size 1 is less than minimum 1024", code: uerr.Failed},
		{args: "t --durability never", err: fmt.Errorf("x: %w", client.ErrUnsupported), want: "not supported by this cluster", code: uerr.Failed},
	} {
		t.Run(test.args, func(t *testing.T) {
			args := strings.ReplaceAll(test.args, "FILE", write(t, test.file))
			r := runCmd(t.Context(), &fakeAdmin{err: test.err}, "", append([]string{"create"}, strings.Fields(args)...)...)
			if r.err == nil || !strings.Contains(r.err.Error(), test.want) || cmdtest.ExitCode(r.err) != test.code {
				t.Errorf("error %v (%d), want %q (%d)", r.err, cmdtest.ExitCode(r.err), test.want, test.code)
			}
		})
	}
}

func TestConfigFile(t *testing.T) {
	full := `
version: 0.1.0
meta: { name: my-topic }
partition:
  count: 3
  max-size: 10 KB
  replication: 2
  ignore-rack-assignment: true
  min-in-sync-replicas: 2
  allow-unclean-election: true
retention: { time: 2m, segment-size: 2.0 KB }
compression: { type: Lz4 }
deduplication:
  bounds: { count: 100, age: 1m }
  filter: { transform: { uses: name, with: { k: v } } }
durability: interval
`
	spec := api.TopicSpec{
		Replicas:      api.Computed(3, 2),
		CleanupPolicy: &api.CleanupPolicy{TimeInSeconds: 120},
		Storage:       &api.TopicStorage{SegmentSize: ptr(uint32(2000)), MaxPartitionSize: ptr(uint64(10000))},
		Compression:   api.CompressionLz4,
		Deduplication: &api.Deduplication{Count: 100, Age: &codec.Duration{Secs: 60}, Uses: "name", With: map[string]string{"k": "v"}},
	}
	spec.Replicas.Computed.IgnoreRack = true
	plain := api.TopicSpec{Replicas: api.Computed(1, 1), Compression: api.CompressionAny}
	assigned := api.TopicSpec{Compression: api.CompressionAny, Replicas: api.ReplicaSpec{
		Kind: api.ReplicasAssigned, Assigned: []api.PartitionMap{{ID: 0, Replicas: []int32{5001}}},
	}}
	sized := plain
	sized.Storage = &api.TopicStorage{SegmentSize: ptr(uint32(4096))}
	for name, test := range map[string]struct {
		text string
		want plan
	}{
		"full":        {full, plan{name: "my-topic", spec: spec, config: api.TopicConfig{Durability: api.DurabilityInterval, MinInSync: 2, UncleanElection: true}}},
		"only a name": {"meta:\n  name: my-topic\n", plan{name: "my-topic", spec: plain}},
		"JSON":        {`{"meta":{"name":"my-topic"},"partition":{"maps":[{"id":0,"replicas":[5001]}],"count":9}}`, plan{name: "my-topic", spec: assigned}},
		"number":      {"meta: {name: my-topic}\nretention: {segment-size: 4096}", plan{name: "my-topic", spec: sized}},
		"unknown keys": {"meta: {name: my-topic}\npartition: {max_size: bad, ignore_rack_assignment: true}\n" +
			"retention: {segment_size: 1 parsec}\nmore: [1]\n", plan{name: "my-topic", spec: plain}},
		"empty parts": {"meta: {name: my-topic}\npartition:\nretention:\ncompression:\ndeduplication:\n", plan{name: "my-topic", spec: plain}},
	} {
		t.Run(name, func(t *testing.T) {
			a := &fakeAdmin{}
			r := runCmd(t.Context(), a, "", "create", "-dc", write(t, test.text))
			if r.err != nil || r.out != "topic \"my-topic\" created\n" {
				t.Fatalf("%+v", r)
			}
			want := created{test.want.name, test.want.spec, client.CreateTopicOptions{DryRun: true, Config: test.want.config}}
			if !reflect.DeepEqual(a.created[0], want) {
				t.Errorf("asked for\n%+v, want\n%+v", a.created[0], want)
			}
		})
	}
	a := &fakeAdmin{}
	if r := runCmd(t.Context(), a, "", "create", "-c", write(t, full), "--durability", "never"); r.err != nil ||
		a.created[0].opts.Config.Durability != api.DurabilityNever {
		t.Errorf("the flag must win: %+v, %+v", r, a.created)
	}
}

func TestConfigFileFaults(t *testing.T) {
	for text, want := range map[string]string{
		"partition: {count: 1}":                                                 "missing field `meta`",
		"meta: {name: ''}":                                                      "Topic name is required",
		"meta: {name: T}":                                                       "Contain only",
		"meta: {name: t}\ncompression: {type: lz4}":                             "unknown variant `lz4`",
		"meta: {name: t}\nretention: {time: 5}":                                 "retention.time: ",
		"meta: {name: t}\nretention: {segment-size: 9 EB}":                      "retention.segment-size: ",
		"meta: {name: t}\npartition: {max-size: x}":                             "partition.max-size: ",
		"meta: {name: t}\npartition: {maps: [{id: 0}]}":                         "partition.maps: ",
		"meta: {name: t}\npartition: {count: -1}":                               "cannot unmarshal -1",
		"meta: {name: t}\npartition: {min-in-sync-replicas: 0}":                 "min-in-sync-replicas: must be at least 1",
		"meta: {name: t}\npartition: {replication: 2, min-in-sync-replicas: 3}": "3 is more than the replication factor 2",
		"meta: {name: t}\ndurability: often":                                    "durability: unknown mode `often`",
		"meta: {name: t}\ndeduplication: {bounds: {age: 1m}}":                   "count: must be at least 1",
		"meta: {name: t}\ndeduplication: {bounds: {count: 1}}":                  "missing field `uses`",
		"meta: [": "",
	} {
		r := runCmd(t.Context(), &fakeAdmin{}, "", "create", "-c", write(t, text))
		if r.err == nil || !strings.Contains(r.err.Error(), want) || cmdtest.ExitCode(r.err) != uerr.Usage {
			t.Errorf("%q: %v, want %q", text, r.err, want)
		}
	}
}

// TestUnknownSettings: a cluster that has no place for settings is named with
// what it lacks, and with nothing else.
func TestUnknownSettings(t *testing.T) {
	for args, want := range map[string]string{
		"--durability never":                                     "does not know --durability; ",
		"-r 2 --min-in-sync-replicas 2":                          "does not know --min-in-sync-replicas; ",
		"-r 2 --allow-unclean-election --min-in-sync-replicas 2": "does not know --min-in-sync-replicas, --allow-unclean-election; ",
	} {
		r := runCmd(t.Context(), &fakeAdmin{err: fmt.Errorf("x: %w", client.ErrUnsupported)}, "", append([]string{"create", "t"}, strings.Fields(args)...)...)
		var e *uerr.Error
		if !errors.As(r.err, &e) || !strings.Contains(e.Why, want) {
			t.Errorf("%s: %v %+v, want %q", args, r.err, e, want)
		}
	}
}

// TestRunF: the injected function gets the options and nothing is dialled.
func TestRunF(t *testing.T) {
	var got *createOptions
	cmd := newCreateCmd(nil, nil, func(_ context.Context, o *createOptions) error { got = o; return nil })
	if err := cmdtest.Run(t.Context(), cmd, "create", "t"); err != nil || got.name != "t" || got.partitions != 1 || got.replication != 1 || got.dedupCount != 5 {
		t.Errorf("%v, %+v", err, got)
	}
}
