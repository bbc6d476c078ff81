package cmdutil

import (
	"errors"
	"slices"
	"strconv"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// ParseIsolation accepts the spellings of an isolation level.
func ParseIsolation(s string) (api.Isolation, error) {
	switch s {
	case "read_committed", "ReadCommitted", "readCommitted", "readcommitted":
		return api.ReadCommitted, nil
	case "read_uncommitted", "ReadUncommitted", "readUncommitted", "readuncommitted":
		return api.ReadUncommitted, nil
	}
	return 0, errors.New("unrecognized isolation: " + s + ". Supported: read_committed (ReadCommitted), read_uncommitted (ReadUncommitted)")
}

// ParseDelivery accepts the spellings of a delivery semantic.
func ParseDelivery(s string) (client.Semantic, error) {
	most := []string{"at_most_once", "at-most-once", "AtMostOnce", "atMostOnce", "atmostonce"}
	least := []string{"at_least_once", "at-least-once", "AtLeastOnce", "atLeastOnce", "atleastonce"}
	switch {
	case slices.Contains(most, s):
		return client.AtMostOnce, nil
	case slices.Contains(least, s):
		return client.AtLeastOnce, nil
	}
	return 0, errors.New("unrecognized delivery semantic: " + s + ". Supported: at_most_once (AtMostOnce), at_least_once (AtLeastOnce)")
}

// ParseUint32 reads a number that fits 32 bits.
func ParseUint32(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err
}

// ParseOffset reads an offset or a number of records.
func ParseOffset(s string) (int64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err
}
