// Package localcluster runs a whole cluster on one machine: one daemon process
// that hosts the SC and any number of SPUs as nodes of their own, each with
// its listener, its folder and its life cycle.
//
// Cluster is the nodes inside the current process; tests and the daemon use
// it. Daemon is the main function of `fluvio run local`. Launch, Find and
// Shutdown are what a command line does to the daemon from outside: a lock
// file that the daemon holds for life says whether it runs, so that stale
// files and reused process ids cannot mislead anybody.
//
// The package may import client, engine/*, profiles, netproto and internal/*;
// it prints nothing and asks nothing. No Kubernetes here: that is installer.
package localcluster
