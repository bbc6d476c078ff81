// Package transform holds the SmartModule flags that produce and consume
// share, and turns them into the invocations that servers carry out. It reads
// the files the flags name and connects to nothing.
package transform
