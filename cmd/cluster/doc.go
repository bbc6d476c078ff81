// Package cluster is the `fluvio cluster` commands: start, resume, status,
// shutdown and delete of the local cluster, and what they share. It reads
// flags, calls localcluster and client, and prints.
package cluster
