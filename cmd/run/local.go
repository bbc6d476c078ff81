package run

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/fluvio-go/fluvio/cmd/argv"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/localcluster"
)

// NewCmd returns the run command.
func NewCmd(f *cmdutil.Factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run a node in the foreground",
		Long: `Run a local cluster, a streaming controller (SC) or a streaming processing unit
(SPU) in the foreground, below a supervisor such as systemd. A cluster on
several hosts is one SC and any number of SPUs; "fluvio cluster start" runs a
local one in the background.`,
		Example: `  fluvio run local --config ~/.fluvio/local-config
  fluvio run sc --local /var/lib/fluvio/metadata
  fluvio run spu --id 1 --log-base-dir /var/lib/fluvio/data`,
		Hidden: true,
	}
	cmd.AddCommand(newLocalCmd(f, nil), newSCCmd(f, nil), newSPUCmd(f, nil))
	return cmd
}

type localOptions struct {
	f      *cmdutil.Factory
	config string
}

func newLocalCmd(f *cmdutil.Factory, runF func(*localOptions) error) *cobra.Command {
	opts := &localOptions{f: f}
	cmd := &cobra.Command{
		Use:   "local",
		Short: "Run a local cluster in the foreground",
		Long: `Run a local cluster in the foreground, with the settings of a local-config
file, until it is told to end by SIGTERM or ctrl-c. Prints one line of JSON for
each step until the cluster is ready. "fluvio cluster start" runs this in the
background; run it yourself below a supervisor such as systemd.`,
		Example: `  fluvio run local --config ~/.fluvio/local-config`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(opts)
			}
			return localRun(cmd.Context(), opts)
		},
	}
	cmd.Flags().StringVar(&opts.config, "config", "", "Read the settings from this local-config file")
	argv.Required(cmd, "config")
	return cmd
}

func localRun(ctx context.Context, opts *localOptions) error {
	cfg, err := localcluster.LoadConfig(opts.config)
	if err != nil {
		return &uerr.Error{What: fmt.Sprintf("settings of the local cluster: %v", err), Err: err}
	}
	// The launcher goes away when the cluster is ready; a write to its pipe
	// must not end us.
	signal.Ignore(syscall.SIGPIPE, syscall.SIGHUP)
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	return localcluster.Daemon(ctx, cfg, opts.f.IO.Out)
}
