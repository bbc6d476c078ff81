// Package netns runs a cluster as it is run on several hosts, in namespaces of
// one machine's network: an SC, three SPUs and the clients, each with an
// address of its own on a bridge that nothing else can see. It kills, stops
// and wipes nodes and cuts them off from each other, in both directions or in
// one, while producers and consumers go on, and then holds the logs against
// what was acknowledged; see package crash.
//
// All of it is behind the build tag netns, needs root and the ip command of
// iproute2, and is run by .ci/netns. The test binary makes the namespaces and
// runs itself again in the one for clients. It removes them when that ends,
// however it ends; what a run that was killed has left, the next one removes.
package netns
