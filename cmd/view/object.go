package view

import (
	"time"

	"github.com/fluvio-go/fluvio/internal/humantime"
	"github.com/fluvio-go/fluvio/netproto/codec"
)

// Object is a named spec with its status.
type Object[S, T any] struct {
	Name   string `json:"name"`
	Spec   S      `json:"spec"`
	Status T      `json:"status"`
}

// variant is one named alternative with its payload.
type variant struct {
	tag     string
	payload any
}

// Variant is part of output.Variant.
func (v variant) Variant() (tag string, payload any) { return v.tag, v.payload }

// name picks the word of an enumeration's value.
func name[E ~uint8](names []string, value E) string {
	if int(value) < len(names) {
		return names[value]
	}
	return "Unknown"
}

// each applies view to every element; the result is never nil, so that no
// elements are printed as an empty list.
func each[A, V any](items []A, view func(*A) V) []V {
	out := make([]V, len(items))
	for i := range items {
		out[i] = view(&items[i])
	}
	return out
}

// ids returns replicas as a list that is never nil.
func ids(replicas []int32) []int32 {
	if replicas == nil {
		return []int32{}
	}
	return replicas
}

// Age returns a wire duration as people write it, such as 1m 30s.
func Age(d *codec.Duration) string {
	return humantime.Format(time.Duration(d.Secs)*time.Second + time.Duration(d.Nanos))
}
