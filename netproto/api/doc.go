// Package api is every message of the Fluvio protocol, one file per API key
// and object, named so that a listing of the folder is the protocol:
// sc_1001_create.go, spu_1003_stream_fetch.go. Error codes, version tables
// and the rule that picks a version are here too.
//
// Messages describe themselves to a codec.Coder, so one method serves both
// directions. A message is decoded by the version in its request header,
// never by the advertised range: official clients send unadvertised versions.
//
// cluster_*.go are our own messages between SC and SPU, ext_*.go our own
// additions to the SC's public API; official clients never see either.
//
// The package imports netproto/codec and netproto/record only. It opens no
// socket and makes no decision.
package api
