package spu

import (
	"strings"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/engine/log"
	"github.com/fluvio-go/fluvio/netproto/api"
)

func TestNewReportsEverythingWrong(t *testing.T) {
	_, err := New(Config{ID: -1, Limits: Limits{MaxParked: -1}, Intervals: Intervals{Clean: -time.Second}})
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{"SPU id is -1", "no public listener", "dial the SC", "no data directory", "a limit is -1", "an interval is -1s"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}

func TestLogConfig(t *testing.T) {
	s := &Server{cfg: Config{Limits: Limits{MaxBatchBytes: 7 << 20}, Intervals: Intervals{Flush: 3 * time.Second, FlushBytes: 5}}}
	defaults := log.DefaultConfig()
	size, whole, none := uint32(500), uint64(1)<<63, uint64(0)
	for _, tt := range []struct {
		name string
		edit func(*api.ReplicaAssignment)
		want func(*log.Config)
	}{
		{"defaults", func(*api.ReplicaAssignment) {}, func(*log.Config) {}},
		{"auto with one replica", func(a *api.ReplicaAssignment) { a.Config.Durability = api.DurabilityAuto },
			func(c *log.Config) { c.Durability = log.Always }},
		{"auto with two", func(a *api.ReplicaAssignment) {
			a.Config.Durability, a.Replicas = api.DurabilityAuto, []int32{1, 2}
		}, func(*log.Config) {}},
		{"never", func(a *api.ReplicaAssignment) { a.Config.Durability = api.DurabilityNever },
			func(c *log.Config) { c.Durability = log.Never }},
		{"retention", func(a *api.ReplicaAssignment) { a.Spec.CleanupPolicy = &api.CleanupPolicy{TimeInSeconds: 60} },
			func(c *log.Config) { c.Retention, c.SegmentAge = time.Minute, 0 }},
		{"retention of nothing", func(a *api.ReplicaAssignment) { a.Spec.CleanupPolicy = &api.CleanupPolicy{} },
			func(c *log.Config) { c.Retention, c.SegmentAge = time.Second, 0 }},
		{"sizes out of range", func(a *api.ReplicaAssignment) {
			a.Spec.Storage = &api.TopicStorage{SegmentSize: &size, MaxPartitionSize: &whole}
		}, func(c *log.Config) { c.SegmentBytes, c.MaxBytes = log.MinSegmentBytes, 1<<62 }},
		{"no partition at all", func(a *api.ReplicaAssignment) {
			a.Spec.Storage = &api.TopicStorage{MaxPartitionSize: &none}
		}, func(c *log.Config) { c.MaxBytes = 1 }},
	} {
		a := assignment("t", 0)
		tt.edit(&a)
		want := defaults
		want.Durability, want.MaxBatchBytes, want.FlushInterval, want.FlushBytes = log.Interval, 7<<20, 3*time.Second, 5
		tt.want(&want)
		if got := s.logConfig(&a); got != want {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.name, got, want)
		}
	}
}
