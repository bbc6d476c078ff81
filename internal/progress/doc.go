// Package progress shows the steps of long work on the error output, in the
// three forms that scripts know from upstream: a spinner with finished lines
// above it on a terminal; every line plainly where CI is set; otherwise only
// the headlines. It imports internal/iostreams only.
package progress
