// Package build holds the release identity of the binary. It is the only
// place that knows version and commit; goreleaser sets them through -ldflags.
// It imports nothing but the standard library.
package build
