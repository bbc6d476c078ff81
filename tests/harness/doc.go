// Package harness starts clusters of the real binary for the suites under
// tests: one HOME, one data folder and free ports each, ended by process id
// when the test ends. cluster.sh does the same for shell scripts.
//
// It may import anything; only tests import it.
package harness
