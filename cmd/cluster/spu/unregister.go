package spu

import (
	"context"

	"github.com/fluvio-go/fluvio/cmd/argv"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/spf13/cobra"
)

type unregisterOptions struct {
	f       *cmdutil.Factory
	connect connectFunc
	id      int32
	name    string
}

func newUnregisterCmd(f *cmdutil.Factory, connect connectFunc, runF func(context.Context, *unregisterOptions) error) *cobra.Command {
	opts := &unregisterOptions{f: f, connect: connect}
	cmd := &cobra.Command{
		Use:     "unregister",
		Short:   "Remove an SPU that was registered by hand",
		Example: "  fluvio cluster spu unregister --id 5002",
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("id") && opts.name == "" {
				return &argv.UsageError{
					Message: "the following required arguments were not provided:\n  <--id <integer>|--name <string>>",
					Command: cmd,
				}
			}
			return cmdutil.RunE(opts, nil, runF, unregisterRun)(cmd, args)
		},
	}
	fs := cmd.Flags()
	fs.Int32VarP(&opts.id, "id", "i", 0, "Number of the SPU (`integer`)")
	fs.StringVarP(&opts.name, "name", "n", "", "Name of the SPU (`string`)")
	argv.Exclusive(cmd, "id", "name")
	return cmd
}

func unregisterRun(ctx context.Context, opts *unregisterOptions) error {
	a, end, err := opts.connect(ctx)
	if err != nil {
		return err
	}
	defer end()
	key := api.CustomSpuKey{ByID: opts.name == "", ID: opts.id, Name: opts.name}
	return cmdutil.ExplainAdmin(a.UnregisterCustomSpu(ctx, key), "")
}
