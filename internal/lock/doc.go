// Package lock has the locks that a goroutine may hold while it waits for a
// disk. They are those of package sync.
//
// Built with the tag sim they are others that do the same more slowly. The
// simulation of whole clusters (tests/sim) runs on a clock that moves on when
// every goroutine waits for something, and package testing/synctest does not
// count waiting for a sync.Mutex as that.
package lock
