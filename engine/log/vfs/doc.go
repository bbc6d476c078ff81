// Package vfs is the file system as the log sees it: a small interface and
// two implementations, the disk and a memory that can lose power.
// vfs/errorfs wraps either to inject faults and to record what was done.
//
// It is not a general file system abstraction: no seeking, no symbolic links,
// no permissions. It imports the standard library and golang.org/x/sys.
package vfs
