package localcluster

import (
	"context"
	"fmt"
	"time"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/localcluster/node"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// EventKind names a step of a start.
type EventKind string

// The steps, in order. EventSPU comes again whenever its count grows.
const (
	EventSC    EventKind = "sc"    // the SC answers on Addr
	EventSPU   EventKind = "spu"   // Online of Total SPUs are online
	EventReady EventKind = "ready" // clients may come
	EventError EventKind = "error" // the start ended; Message says why
)

// Event is one step. A daemon tells its launcher of it as a line of JSON.
type Event struct {
	Kind    EventKind `json:"kind"`
	Addr    string    `json:"addr,omitempty"`
	Online  int       `json:"online,omitempty"`
	Total   int       `json:"total,omitempty"`
	Message string    `json:"message,omitempty"`
	InUse   bool      `json:"in_use,omitempty"` // EventError: a port or the data folder is taken
}

const readyPoll = 5 * time.Millisecond

// waitReady asks the SC, as any client would, until every SPU is online and
// the partitions of the system topic are.
func (c *Cluster) waitReady(ctx context.Context) error {
	opts := []client.Option{client.WithEndpoint(dialable(c.scAddr))}
	if c.opts.ClientTLS != nil {
		opts = append(opts, client.WithTLS(c.opts.ClientTLS))
	}
	cl, err := client.Dial(ctx, opts...)
	if err != nil {
		return fmt.Errorf("ask the SC on %s: %w", c.scAddr, err)
	}
	defer cl.Close()
	tick := time.NewTicker(readyPoll)
	defer tick.Stop()
	last := -1
	for {
		online, err := c.online(ctx, cl.Admin())
		if err != nil {
			return err
		}
		if online != last {
			c.opts.Progress(Event{Kind: EventSPU, Online: online, Total: c.opts.SPUs})
			last = online
		}
		if online == c.opts.SPUs {
			ok, err := systemReady(ctx, cl.Admin())
			if err != nil || ok || c.opts.SPUs == 0 {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d SPUs came online: %w", online, c.opts.SPUs, ctx.Err())
		case <-tick.C:
		}
	}
}

func (c *Cluster) online(ctx context.Context, adm *client.Admin) (int, error) {
	spus, err := adm.Spus(ctx, client.ListOptions{})
	if err != nil {
		return 0, fmt.Errorf("list SPUs: %w", err)
	}
	n := 0
	for _, s := range spus {
		ours := s.Spec.ID >= firstSPU && s.Spec.ID < firstSPU+int32(c.opts.SPUs)
		if ours && s.Status.Resolution == api.SpuOnlineState {
			n++
		}
	}
	return n, nil
}

// systemReady reports whether consumer offsets have a partition that serves.
// Official clients wait a minute on a cluster without any partition.
func systemReady(ctx context.Context, adm *client.Admin) (bool, error) {
	parts, err := adm.Partitions(ctx, client.ListOptions{System: true})
	if err != nil {
		return false, fmt.Errorf("list partitions: %w", err)
	}
	for _, p := range parts {
		if p.Status.Resolution != api.PartitionOnline {
			return false, nil
		}
	}
	return len(parts) > 0, nil
}

// dialable replaces a wildcard host, on which one can listen, by one that can
// be dialled.
func dialable(addr string) string {
	host, port, err := node.SplitAddr(addr)
	if err == nil && (host == "" || host == "0.0.0.0" || host == "::") {
		return fmt.Sprintf("localhost:%d", port)
	}
	return addr
}
