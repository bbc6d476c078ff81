// Package node runs one SC or one SPU: it opens listeners, metadata and data
// folders, ties them to the roles of engine, and closes all of it in order.
// The daemon of a local cluster and the processes of a cluster on many hosts
// are made of it alike; they differ in the listeners and dialers that they
// hand in.
//
// It may import engine, netproto and internal packages. It knows no command
// line, no profile and no client.
package node
