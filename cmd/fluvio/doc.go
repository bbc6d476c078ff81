// Command fluvio is the Fluvio command line and, through its run command, the
// servers. Everything is in cmd/root and below.
package main
