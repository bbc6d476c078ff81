package cmdutil

import (
	"context"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/profiles"
)

// Connect opens a connection to the cluster that the command is about. The
// error is for people.
func (f *Factory) Connect(ctx context.Context) (*client.Client, error) {
	target, err := f.Target()
	if err != nil {
		return nil, err
	}
	cl, err := dial(ctx, target)
	if err != nil {
		return nil, explainDial(err, target)
	}
	return cl, nil
}

// Admin is Connect for commands that make administrative calls only. close
// ends the connection.
func (f *Factory) Admin(ctx context.Context) (admin *client.Admin, close func(), err error) {
	cl, err := f.Connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	return cl.Admin(), func() { _ = cl.Close() }, nil
}

// AskPlatformVersion returns the release that a cluster reports. It suits
// Factory.PlatformVersion.
func AskPlatformVersion(ctx context.Context, target profiles.Target) (string, error) {
	cl, err := dial(ctx, target)
	if err != nil {
		return "", err
	}
	defer cl.Close()
	return cl.PlatformVersion(), nil
}

func dial(ctx context.Context, target profiles.Target) (*client.Client, error) {
	return client.Dial(ctx, client.WithCluster(target.Cluster), client.WithClientID(target.ClientID))
}
