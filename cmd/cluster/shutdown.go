package cluster

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/localcluster"
)

type shutdownOptions struct {
	f *cmdutil.Factory
}

func newShutdownCmd(f *cmdutil.Factory, runF func(*shutdownOptions) error) *cobra.Command {
	opts := &shutdownOptions{f: f}
	return &cobra.Command{
		Use:   "shutdown",
		Short: "Stop the local cluster and keep its data",
		Long: `Stop the local cluster and keep its data. A cluster that is not running is
left as it is.`,
		Example: `  fluvio cluster shutdown`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(opts)
			}
			return shutdownRun(cmd.Context(), opts)
		},
	}
}

func shutdownRun(ctx context.Context, opts *shutdownOptions) error {
	r := newReporter(opts.f)
	defer r.Close()
	if _, err := localTarget(opts.f, r, "❌ Shutdown is only implemented for local clusters."); err != nil {
		return err
	}
	r.Step("Stopping the cluster")
	if err := stopLocal(ctx); err != nil {
		return err
	}
	r.Headline("Uninstalled fluvio local components")
	return nil
}

// stopLocal ends the daemon of the local cluster, if one runs.
func stopLocal(ctx context.Context) error {
	cfg, _, ok, err := loadConfig()
	if err != nil {
		return err
	}
	if !ok { // deleted or never made, but a daemon may still be there
		if cfg, err = localcluster.DefaultConfig(); err != nil {
			return err
		}
	}
	_, _, err = localcluster.Shutdown(ctx, cfg.DataDir)
	return err
}
