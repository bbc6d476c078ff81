// Package e2e holds the suites that need a whole cluster and some time:
// files.sh sends a large text through topics of every kind, and memory.sh runs
// the probe in this package, which is behind the build tag e2e.
package e2e
