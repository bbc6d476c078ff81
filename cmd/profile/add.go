package profile

import (
	"fmt"

	"github.com/fluvio-go/fluvio/cmd/argv"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/profiles"
	"github.com/spf13/cobra"
)

type addOptions struct {
	f            *cmdutil.Factory
	name         string
	address      string
	installation profiles.Installation
}

func newAddCmd(f *cmdutil.Factory, runF func(*addOptions) error) *cobra.Command {
	opts := &addOptions{f: f, installation: profiles.K8}
	return &cobra.Command{
		Use:   "add <PROFILE_NAME> <CLUSTER_ADDRESS> [INSTALLATION_TYPE]",
		Short: "Add a profile for a cluster at an address",
		Long: `Add a profile for a cluster at an address and make it the active one. The
connection is not encrypted. The installation type is k8 unless given, which
decides what the "fluvio cluster" commands may do: k8, local, local-k8,
read-only, docker or cloud.`,
		Example: `  fluvio profile add prod sc.example.com:9003
  fluvio profile add laptop 127.0.0.1:9003 local`,
		RunE: func(cmd *cobra.Command, args []string) error {
			opts.name, opts.address = args[0], args[1]
			if len(args) > 2 {
				kind, err := profiles.ParseInstallation(args[2])
				if err != nil {
					return argv.InvalidArg(cmd, "[INSTALLATION_TYPE]", args[2], err)
				}
				opts.installation = kind
			}
			return run(opts, nil, runF, addRun)(cmd, args)
		},
	}
}

func addRun(opts *addOptions) error {
	out := opts.f.IO.Out
	err := editOrCreate(func(c *profiles.Config) error {
		if c.Fresh() {
			fmt.Fprintln(out, "Creating default fluvio config file")
		}
		c.Put(opts.name, opts.address, profiles.TLSPolicy{}).SetInstallation(opts.installation)
		return nil
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "Switched to profile %s\n", opts.name)
	return err
}
