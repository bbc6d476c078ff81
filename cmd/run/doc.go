// Package run is the commands that run servers in the foreground, for other
// commands and for supervisors: the daemon of the local cluster, one SC, one
// SPU. It turns flags and environment into what localcluster and
// localcluster/node run, and signals into a graceful end.
package run
