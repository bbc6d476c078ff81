package api

import (
	"sync"
	"testing"

	"github.com/fluvio-go/fluvio/netproto/codec"
)

// TestEncodingDoesNotWrite shares messages between encoders, as servers share
// their store between watchers. The race detector is the judge.
func TestEncodingDoesNotWrite(t *testing.T) {
	name := "n"
	messages := []codec.Message{
		&PartitionSpec{Leader: 1, Replicas: []int32{1, 2}, CleanupPolicy: &CleanupPolicy{}},
		&PartitionStatus{Resolution: PartitionOutOfStorage},
		&TopicSpec{Replicas: Computed(1, 1), Compression: CompressionZstd, System: true},
		&ProduceRequest{Isolation: ReadCommitted, SmartModules: []SmartModuleInvocation{{Kind: KindGeneric, Name: &name}}},
		&DeleteCustomSpu{Key: CustomSpuKey{ByID: true, ID: 1}, Force: true},
	}
	var tasks sync.WaitGroup
	for range 4 {
		tasks.Go(func() {
			for _, m := range messages {
				if _, err := codec.Append(nil, ScVersion, m); err != nil {
					t.Errorf("%T: %v", m, err)
				}
			}
		})
	}
	tasks.Wait()
}
