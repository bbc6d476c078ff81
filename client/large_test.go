package client

import "testing"

// The request bound that keeps memory low must not become a limit of records:
// large ones are legal and travel alone.
func TestMaxRequestSizeBeyondOneRequest(t *testing.T) {
	for size, ok := range map[int]bool{
		1: true, maxRequestBytes + 1: true, 15_000_000: true, 50_000_000: true, maxRecordBytes: true,
		0: false, -1: false, maxRecordBytes + 1: false,
	} {
		if _, err := newProducerConfig([]ProducerOption{MaxRequestSize(size)}); (err == nil) != ok {
			t.Errorf("MaxRequestSize(%d): %v", size, err)
		}
	}
}
