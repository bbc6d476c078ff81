package profile

import (
	"fmt"

	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/profiles"
	"github.com/spf13/cobra"
)

const defaultLocalAddress = "localhost:9003"

func newSyncCmd(f *cmdutil.Factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "sync",
		Short:   "Write a profile from a running cluster",
		Example: "  fluvio profile sync local",
	}
	cmd.AddCommand(newSyncLocalCmd(f, nil))
	return cmd
}

type syncLocalOptions struct {
	f       *cmdutil.Factory
	address string
	tls     profiles.TLSFlags
}

func newSyncLocalCmd(f *cmdutil.Factory, runF func(*syncLocalOptions) error) *cobra.Command {
	opts := &syncLocalOptions{f: f, address: defaultLocalAddress}
	cmd := &cobra.Command{
		Use:   "local [host:port]",
		Short: "Write the profile of a local cluster",
		Long: `Write the profile "local" for a local cluster and make it the active one. The
address is ` + defaultLocalAddress + ` unless given.`,
		Example: `  fluvio profile sync local
  fluvio profile sync local 127.0.0.1:9103`,
		RunE: run(opts, func(args []string) {
			if len(args) > 0 {
				opts.address = args[0]
			}
		}, runF, syncLocalRun),
	}
	cmdutil.AddTLSFlags(cmd, &opts.tls)
	return cmd
}

func syncLocalRun(opts *syncLocalOptions) error {
	policy, err := opts.tls.Policy()
	if err != nil {
		return &uerr.Error{What: "config creation failed: " + err.Error(), Err: err, Code: uerr.Usage}
	}
	err = editOrCreate(func(c *profiles.Config) error {
		c.Put(profiles.LocalProfile, opts.address, policy)
		return nil
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(opts.f.IO.Out, "local context is set to: %s\n", opts.address)
	return err
}
