package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/record"
)

func Example() {
	ctx := context.Background()
	cl, err := client.Dial(ctx) // the active profile's cluster
	if err != nil {
		log.Fatal(err)
	}
	defer cl.Close()

	p, err := cl.Producer(ctx, "orders")
	if err != nil {
		log.Fatal(err)
	}
	metas, err := p.SendSync(ctx, client.Record{Key: []byte("42"), Value: []byte("paid")})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("stored at", metas[0].Offset)
}

func ExampleProducer_Send() {
	ctx := context.Background()
	var p *client.Producer // from Client.Producer

	futures := make([]client.Future, 0, 100)
	for i := range 100 {
		futures = append(futures, p.Send(ctx, client.Record{Value: fmt.Appendf(nil, "event %d", i)}))
	}
	for _, f := range futures {
		if _, err := f.Wait(ctx); err != nil {
			log.Print(err)
		}
	}
	if err := p.Close(ctx); err != nil {
		log.Print(err)
	}
}

func ExampleClient_Producer() {
	ctx := context.Background()
	var cl *client.Client // from Dial

	p, err := cl.Producer(ctx, "orders",
		client.BatchSize(64<<10),
		client.Linger(5*time.Millisecond),
		client.Compress(record.Zstd),
		client.Acks(api.ReadCommitted),
	)
	switch {
	case errors.Is(err, client.ErrTopicNotFound):
		log.Fatal("create the topic first")
	case err != nil:
		log.Fatal(err)
	}
	defer p.Close(ctx)
}

func ExampleConsumer_Records() {
	ctx := context.Background()
	var cl *client.Client // from Dial

	c, err := cl.Consumer(ctx, "orders", client.From(client.Beginning()), client.UntilCurrentEnd())
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for rec, err := range c.Records(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%d/%d %s\n", rec.Partition, rec.Offset, rec.Value)
	}
}

func ExampleGroup() {
	ctx := context.Background()
	var cl *client.Client // from Dial

	// Goes on after the last record that "billing" has consumed.
	c, err := cl.Consumer(ctx, "orders", client.From(client.Beginning()), client.Group("billing", 2*time.Second))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for rec, err := range c.Records(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(rec.Value))
	}
}

func ExampleAdmin_CreateTopic() {
	ctx := context.Background()
	var cl *client.Client // from Dial

	spec := api.TopicSpec{Replicas: api.Computed(3, 1), Compression: api.CompressionAny}
	err := cl.Admin().CreateTopic(ctx, "orders", spec, client.CreateTopicOptions{})
	if errors.Is(err, api.TopicAlreadyExists) {
		log.Print("already there")
	} else if err != nil {
		log.Fatal(err)
	}
}

func ExampleList() {
	ctx := context.Background()
	var cl *client.Client // from Dial

	modules, err := client.List[api.SmartModuleSpec, api.SmartModuleStatus](
		ctx, cl.Admin(), api.LabelSmartModule, client.ListOptions{Summary: true})
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range modules {
		fmt.Println(m.Name)
	}
}
