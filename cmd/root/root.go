package root

import (
	"github.com/fluvio-go/fluvio/cmd/argv"
	"github.com/fluvio-go/fluvio/cmd/cluster"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/cmd/completions"
	"github.com/fluvio-go/fluvio/cmd/consume"
	"github.com/fluvio-go/fluvio/cmd/metadata"
	"github.com/fluvio-go/fluvio/cmd/partition"
	"github.com/fluvio-go/fluvio/cmd/produce"
	"github.com/fluvio-go/fluvio/cmd/profile"
	"github.com/fluvio-go/fluvio/cmd/run"
	"github.com/fluvio-go/fluvio/cmd/topic"
	"github.com/fluvio-go/fluvio/cmd/version"
	"github.com/spf13/cobra"
)

// NewCmd returns the whole command tree. It reads nothing and prints nothing.
func NewCmd(f *cmdutil.Factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "fluvio",
		Short: "Fluvio Command Line Interface",
		Long: `Fluvio Command Line Interface

Create topics, produce and consume records, and manage clusters.`,
		Example: `  fluvio cluster start
  fluvio topic create orders
  fluvio consume orders -B`,
		SilenceErrors:    true,
		SilenceUsage:     true,
		TraverseChildren: true,
	}
	cmd.CompletionOptions.DisableDefaultCmd = true
	// Only for completion: Run answers "help" itself, and only as the first
	// word, so that a topic may be called help.
	cmd.SetHelpCommand(&cobra.Command{Use: "help", Short: "Print help for a command", Hidden: true})
	cmd.SetFlagErrorFunc(argv.FlagError)
	cmd.SetHelpFunc(printHelp)
	cmd.SetIn(f.IO.In)
	cmd.SetOut(f.IO.Out)
	cmd.SetErr(f.IO.Err)

	fs := cmd.Flags()
	fs.StringVarP(&f.Overrides.Cluster, "cluster", "c", "", "Use the cluster at `host:port` instead of a profile")
	fs.StringVarP(&f.Overrides.Profile, "profile", "P", "", "Use this `profile` instead of the active one")
	cmdutil.AddTLSFlags(cmd, &f.Overrides.TLS)

	cmd.AddCommand(
		consume.NewCmd(f),
		produce.NewCmd(f),
		topic.NewCmd(f),
		partition.NewCmd(f),
		cluster.NewCmd(f),
		profile.NewCmd(f),
		run.NewCmd(f),
		version.NewCmd(f, nil),
		completions.NewCmd(f),
		metadata.NewCmd(f, nil),
	)
	return cmd
}
