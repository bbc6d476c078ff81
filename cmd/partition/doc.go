// Package partition is the command "fluvio partition". It imports client,
// netproto/api for the objects and cmd/view for their printed shapes.
package partition
