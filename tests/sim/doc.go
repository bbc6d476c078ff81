// Package sim plays whole clusters: an SC, three SPUs and their clients, the
// same code that runs in production, with a network, disks and clocks that go
// wrong as a seed says. It checks what the product promises: no acknowledged
// record is lost or changed, order is kept, what a committed reader saw stays,
// replicas hold the same bytes, and a cluster whose faults have ended is whole
// again.
package sim
