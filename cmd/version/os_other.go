//go:build !linux && !darwin

package version

// osDetails has nothing to say: the line is left out.
func osDetails() (string, bool) { return "", false }
