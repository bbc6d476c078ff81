// Package spu is the command "fluvio cluster spu" and its verbs. It imports
// client, netproto/api for the objects and cmd/view for their printed shapes.
package spu
