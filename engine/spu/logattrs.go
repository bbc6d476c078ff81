package spu

import (
	"log/slog"

	"github.com/fluvio-go/fluvio/internal/slogkey"
	"github.com/fluvio-go/fluvio/netproto/api"
)

func logErr(err error) slog.Attr {
	if err == nil {
		return slog.Attr{}
	}
	return slog.String(slogkey.Err, err.Error())
}

func logPartition(key api.ReplicaKey) slog.Attr {
	return slog.String(slogkey.Partition, key.String())
}

func logState(s api.ReplicaState) slog.Attr {
	return slog.String(slogkey.State, stateName(s))
}

func stateName(s api.ReplicaState) string {
	switch s {
	case api.ReplicaServing:
		return "serving"
	case api.ReplicaOutOfStorage:
		return "out of storage"
	}
	return "failed"
}
