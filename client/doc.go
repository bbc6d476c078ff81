// Package client talks to Fluvio clusters, ours and the original.
//
//	cl, err := client.Dial(ctx)               // the active profile's cluster
//	p, err := cl.Producer(ctx, "orders")
//	fut := p.Send(ctx, client.Record{Key: []byte("42"), Value: []byte("paid")})
//	meta, err := fut.Wait(ctx)
//
//	c, err := cl.Consumer(ctx, "orders", client.From(client.Beginning()))
//	for rec, err := range c.Records(ctx) { … }
//
//	err = cl.Admin().CreateTopic(ctx, "orders", api.TopicSpec{…}, client.CreateTopicOptions{})
//
// # Producing
//
// A Producer appends records to batches, one open batch per partition, and
// sends a batch when it is full, when Linger has passed, or at once while the
// partition has no request under way; so batches grow by themselves when
// records come faster than answers. Each partition has one request at a time,
// and a batch that has to be sent again goes before all later ones, so records
// of one partition keep their order. Delivery is at least once: a connection
// that breaks between the append and its answer leads to a second append.
//
// # Consuming
//
// A Consumer streams all partitions, or some, and merges them as they arrive;
// each partition keeps its order. Every response is acknowledged as soon as
// there is room for the next one, so a slow loop stops the servers rather than
// filling memory. When a leader moves or a connection breaks the stream goes
// on after the last record it delivered: nothing is lost or repeated.
//
// Offsets are those of the stored log: base offset of the batch plus position
// in it, as official clients count.
//
// # Errors
//
// Failures of the cluster are *Error with the code of the server. Retryable
// tells what may pass by itself; producers and consumers have already tried
// when they report it. Everything that blocks takes a context.
//
// The package imports netproto, profiles and the standard library. It knows no
// command line; it logs only through WithLogger, and every goroutine it starts
// ends with Close.
package client
