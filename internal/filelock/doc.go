// Package filelock is the advisory lock of a file, held by a process as long
// as it lives: the operating system releases it however the process ends, so
// a held lock is proof of life where a pid file is a guess. It imports
// golang.org/x/sys only.
package filelock
