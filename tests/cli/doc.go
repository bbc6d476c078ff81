// Package cli tests the command line as a whole: scripts in testdata and nodes
// run the real main and look at streams, files and exit codes, and a golden
// list pins the commands and flags there are. It may import anything.
package cli
