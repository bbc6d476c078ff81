// Package run is the hidden commands that other commands start: the daemon of
// the local cluster.
package run
