package run

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/fluvio-go/fluvio/cmd/argv"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/localcluster/node"
)

type scOptions struct {
	f   *cmdutil.Factory
	dir string
	processFlags
}

func newSCCmd(f *cmdutil.Factory, runF func(context.Context, *scOptions) error) *cobra.Command {
	opts := &scOptions{f: f}
	opts.public, opts.private = "127.0.0.1:9003", "127.0.0.1:9004"
	cmd := &cobra.Command{
		Use:   "sc",
		Short: "Run a streaming controller in the foreground",
		Long: `Run a streaming controller (SC) in the foreground until SIGTERM or ctrl-c.
Clients come to its public address, SPUs to its private one. It logs JSON lines
to the error output (RUST_LOG sets the level) and says "ready" there.

SPUs prove that they belong to the cluster by a shared secret or by
certificates. Without either the private address must be a loopback one.`,
		Example: `  fluvio run sc --local /var/lib/fluvio/metadata
  fluvio run sc --local /var/lib/fluvio/metadata --bind-public 0.0.0.0:9003 --bind-private 10.0.0.1:9004 --node-secret-file /etc/fluvio/node-secret`,
	}
	fs := cmd.Flags()
	fs.StringVar(&opts.dir, "local", "", "Keep the metadata in this `folder`")
	fs.Var(&opts.public, "bind-public", "Serve clients on this address (`host:port`)")
	fs.Var(&opts.private, "bind-private", "Serve SPUs on this address (`host:port`)")
	addProcessFlags(cmd, &opts.processFlags)
	values := []string{"read-only", "authorization-scopes", "authorization-policy", "white-list", "secret-name", "namespace"}
	addUnsupported(cmd, values, []string{"k8"})
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := refuseUnsupported(cmd, append(values, "k8")...); err != nil {
			return err
		}
		if opts.dir == "" {
			return &argv.UsageError{Message: "the following required arguments were not provided:\n  " +
				argv.Display(cmd.Flags().Lookup("local")), Command: cmd}
		}
		return cmdutil.RunE(opts, nil, runF, scRun)(cmd, nil)
	}
	return cmd
}

func scRun(ctx context.Context, opts *scOptions) error {
	proc, err := opts.process(node.ServiceSC, opts.dir, opts.f.IO.Err)
	if err != nil {
		return explain(err)
	}
	return opts.serve(ctx, proc, node.RunSC)
}
