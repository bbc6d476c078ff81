package spu

import (
	"context"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/spf13/cobra"
)

// NewCmd returns the spu command with all its verbs.
func NewCmd(f *cmdutil.Factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "spu",
		Short: "List, register and unregister SPUs",
		Long: `List, register and unregister SPUs, the servers that hold partitions.

Managed SPUs come and go with their group in Kubernetes; custom ones are
registered by hand.`,
		Example: `  fluvio cluster spu list
  fluvio cluster spu register --id 5002 --public-server localhost:9020 --private-server localhost:9021`,
	}
	c := connector(f)
	cmd.AddCommand(newRegisterCmd(f, c, nil), newUnregisterCmd(f, c, nil), newListCmd(f, c, nil))
	return cmd
}

// admin is what the verbs ask of a cluster.
type admin interface {
	Spus(ctx context.Context, opts client.ListOptions) ([]api.Spu, error)
	CustomSpus(ctx context.Context, opts client.ListOptions) ([]api.CustomSpu, error)
	RegisterCustomSpu(ctx context.Context, name string, spec api.CustomSpuSpec) error
	UnregisterCustomSpu(ctx context.Context, key api.CustomSpuKey) error
}

type connectFunc func(context.Context) (a admin, close func(), err error)

func connector(f *cmdutil.Factory) connectFunc {
	return func(ctx context.Context) (admin, func(), error) {
		a, end, err := f.Admin(ctx)
		if err != nil {
			return nil, nil, err
		}
		return a, end, nil
	}
}
