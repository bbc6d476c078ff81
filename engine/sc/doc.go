// Package sc is the streaming controller: it decides which topics exist, on
// which SPUs their partitions live and who leads them, and tells everybody
// who wants to know.
//
// One goroutine, the controller, owns all state. Requests and reports reach
// it as functions; it runs those that wait, brings every topic they touched
// one step closer to its declared state, writes all changes to the store in
// one commit, and only then tells SPUs, watchers and callers. Nothing that it
// says can therefore be lost in a crash. What it published is read from feeds,
// not from its state, so readers never wait for it.
//
// Files named after a number are the handlers of that API key. The package
// speaks netproto/api over netproto/transport, to SPUs as well as to clients;
// it never calls an SPU of the same process directly. Metadata is behind
// engine/sc/meta.
package sc
