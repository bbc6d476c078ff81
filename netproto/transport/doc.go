// Package transport moves Fluvio frames: 4-byte length, then a request or a
// response that names its correlation id. It has both roles, Listener and
// ServerConn for servers, Conn for clients, over TCP, TLS and memory.
//
// It does not know any message: keys and versions are numbers here and bodies
// are codec.Message values or bytes. The version handshake, retries and
// pools of connections belong to the layers above. The package imports
// netproto/codec and golang.org/x/sys.
package transport
