// Package nodeauth lets the nodes of a cluster prove to each other over TCP
// that they belong to it: by a secret that all of them have, or by mutual TLS
// with certificates of one CA. Without either only loopback addresses are
// served and dialled.
//
// The shared secret decides who may connect and nothing else. Neither it nor
// anything derived from it protects what follows: records and metadata cross
// the network in clear text, and who can change packets on their way can take
// over a connection after its handshake, or relay the handshake itself. Use it
// where the network between nodes is trusted, and TLS anywhere else. With
// either, every node is trusted alike: a node can register under any SPU id
// that its cluster knows.
//
// It may import netproto/transport and internal packages. It knows nothing
// of requests, topics or files other than those of credentials.
package nodeauth
