package spu

import (
	"errors"

	"github.com/fluvio-go/fluvio/engine/log"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/record"
)

// appendCode is what a producer is told about a failed append. The set of
// codes is closed, so what has none travels as Other with a text.
func appendCode(key api.ReplicaKey, err error) api.ErrorCode {
	switch {
	case err == nil:
		return api.ErrorCode{}
	case errors.Is(err, log.ErrTooLarge):
		return api.ErrorCode{ID: api.MessageTooLarge}
	case errors.Is(err, log.ErrFull):
		return api.ErrorCode{ID: api.PartitionFull, Detail: &api.ErrorDetail{Replica: key}}
	case errors.Is(err, record.ErrCorrupt):
		return api.Errorf("%v", err)
	case errors.Is(err, log.ErrClosed):
		return api.ErrorCode{ID: api.NotLeaderForPartition}
	}
	return api.ErrorCode{ID: api.StorageError}
}

// readCode is what a consumer is told about a failed read.
func readCode(err error) api.ErrorCode {
	var evicted *log.OffsetEvicted
	var beyond *log.OffsetOutOfRange
	var damaged *log.Damaged
	switch {
	case err == nil:
		return api.ErrorCode{}
	case errors.As(err, &evicted):
		return api.ErrorCode{ID: api.OffsetEvicted, Detail: &api.ErrorDetail{Offset: evicted.Offset, NextAvailable: evicted.Next}}
	case errors.As(err, &beyond):
		return beyondEnd(beyond.Offset, beyond.End)
	case errors.As(err, &damaged):
		// The text of the error itself names a path, which is none of the
		// client's business.
		return api.Errorf("offsets %d to %d are damaged on disk, the next readable one is %d",
			damaged.Offset, damaged.Next-1, damaged.Next)
	case errors.Is(err, log.ErrClosed):
		return api.ErrorCode{ID: api.NotLeaderForPartition}
	}
	return api.ErrorCode{ID: api.StorageError}
}

// beyondEnd is upstream's answer to a start offset above the log end; its
// wording is compatibility.
func beyondEnd(offset, end int64) api.ErrorCode {
	return api.Errorf("start offset: %d is greater than leo: %d", offset, end)
}

// smartModuleCode answers a request that asks for a transformation. No module
// can be stored in the cluster yet, so a name is never found; a module that
// comes with the request cannot be run.
func smartModuleCode(modules []api.SmartModuleInvocation) api.ErrorCode {
	if len(modules) == 0 {
		return api.ErrorCode{}
	}
	m := &modules[0]
	if !m.AdHoc {
		return api.ErrorCode{ID: api.SmartModuleNotFound, Detail: &api.ErrorDetail{Text: m.Predefined}}
	}
	d := &api.ErrorDetail{Text: "this SPU does not run SmartModules that come with the request"}
	if m.Name != nil {
		d.HasName, d.Name = true, *m.Name
	}
	return api.ErrorCode{ID: api.SmartModuleInvalid, Detail: d}
}
