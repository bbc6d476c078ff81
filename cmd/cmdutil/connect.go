package cmdutil

import (
	"context"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/profiles"
)

// Connect opens a client for the target. The caller closes it.
func (f *Factory) Connect(ctx context.Context, t profiles.Target) (*client.Client, error) {
	return client.Dial(ctx, client.WithCluster(t.Cluster), client.WithClientID(t.ClientID))
}
