// Package fakecluster is an SC and some SPUs inside one process that speak the
// real wire protocol, for tests of the client. Logs are slices in memory, and
// hooks inject the faults that tests are about: connections that break, codes,
// delays. It follows the protocol, not the engine: it has no replication and
// no durability.
//
// It may import netproto and nothing above it.
package fakecluster
