// Package errorfs wraps a file system to make its operations fail, to limit
// its space, and to record what was done in which order.
//
// It is for tests and for the fault scenarios of the reliability suite; it
// holds no state of its own beyond rules and counts. It imports engine/log/vfs
// and the standard library.
package errorfs
