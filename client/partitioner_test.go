package client

import (
	"slices"
	"testing"
)

func TestHashVectors(t *testing.T) {
	for _, v := range []struct {
		key               string
		hash              uint64
		mod2, mod3, mod10 uint32
	}{
		{"", 0xe849e8bb6ffe2567, 1, 2, 9},
		{"a", 0xfeb15081b68ca86b, 1, 1, 7},
		{"key", 0x1bf94d5174027fca, 0, 2, 6},
		{"hello", 0xd17f96bd0852ce12, 0, 2, 4},
		{"user-1", 0x5b7bf110f671cd04, 0, 1, 4},
		{"user-2", 0x3ca4b356c2d94aae, 0, 2, 8},
		{"user-42", 0xf6e2dfff2b9c3615, 1, 0, 9},
		{"0", 0x187c0056fc35dcab, 1, 0, 5},
		{"1", 0x61580903e47368e6, 0, 1, 4},
		{"0123456789abcdef", 0xc4d0363f590e0c1b, 1, 0, 3},
	} {
		if got := hashKey([]byte(v.key)); got != v.hash {
			t.Errorf("hash of %q is %#x, want %#x", v.key, got, v.hash)
		}
		for n, want := range map[uint32]uint32{2: v.mod2, 3: v.mod3, 10: v.mod10} {
			if got := SipHash().Partition([]byte(v.key), TopicPartitions{Count: n, Online: []uint32{0}}); got != want {
				t.Errorf("%q of %d partitions is %d, want %d", v.key, n, got, want)
			}
		}
	}
}

func TestRoundRobin(t *testing.T) {
	p := SipHash()
	round := func(tp TopicPartitions, n int) (got []uint32) {
		for range n {
			got = append(got, p.Partition(nil, tp))
		}
		return got
	}
	if got := round(TopicPartitions{Count: 3, Online: []uint32{0, 2}}, 4); !slices.Equal(got, []uint32{0, 2, 0, 2}) {
		t.Errorf("online partitions 0 and 2: %v", got)
	}
	if got := round(TopicPartitions{Count: 3}, 3); !slices.Equal(got, []uint32{1, 2, 0}) {
		t.Errorf("none online, fifth record on: %v", got)
	}
	p.(*sipPartitioner).next.Store(1<<32 - 1)
	if got := round(TopicPartitions{Count: 4}, 2); !slices.Equal(got, []uint32{3, 0}) {
		t.Errorf("counter wraps: %v", got)
	}
}

func BenchmarkHashKey(b *testing.B) {
	key := []byte("customer-0000012345")
	b.SetBytes(int64(len(key)))
	for b.Loop() {
		hashKey(key)
	}
}
