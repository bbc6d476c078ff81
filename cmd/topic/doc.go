// Package topic is the command "fluvio topic" and its verbs. Each verb turns
// flags into one or two calls of the client's Admin and prints what came of
// them. It imports client, netproto/api for the objects and cmd/view for their
// printed shapes.
package topic
