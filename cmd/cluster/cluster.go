package cluster

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/fluvio-go/fluvio/cmd/cluster/spu"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/progress"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/localcluster"
	"github.com/fluvio-go/fluvio/profiles"
)

// NewCmd returns the cluster command with all its verbs.
func NewCmd(f *cmdutil.Factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cluster",
		Short: "Start, stop and look after a cluster",
		Long: `Start, stop and look after a cluster.

A local cluster is one daemon on this machine: a streaming controller (SC) and
one or more streaming processing units (SPUs). Its data is below
~/.fluvio/data, its logs are in ~/.fluvio/log.`,
		Example: `  fluvio cluster start
  fluvio cluster status
  fluvio cluster shutdown
  fluvio cluster resume`,
		PersistentPreRun: func(*cobra.Command, []string) {
			if ch := os.Getenv("FLUVIO_RELEASE_CHANNEL"); ch != "" {
				fmt.Fprintf(f.IO.Out, "Current channel: %s\n", ch)
			}
		},
	}
	cmd.AddCommand(
		newStartCmd(f, nil),
		newResumeCmd(f, nil),
		newStatusCmd(f, nil),
		newShutdownCmd(f, nil),
		newDeleteCmd(f, nil),
		spu.NewCmd(f),
	)
	return cmd
}

func newReporter(f *cmdutil.Factory) *progress.Reporter {
	return progress.New(f.IO, os.Getenv("CI") != "")
}

// indent puts a line of a checklist below its heading, as upstream does.
func indent(line string) string { return "    " + line }

// localTarget is the current profile, which must be one of a local cluster;
// otherwise what (a sentence) is printed and the command fails.
func localTarget(f *cmdutil.Factory, r *progress.Reporter, what string) (profiles.Target, error) {
	t, err := f.Target()
	if err != nil {
		return t, err
	}
	switch kind := t.Cluster.Installation(); kind {
	case profiles.Local, profiles.LocalK8, profiles.ReadOnly:
		return t, nil
	default:
		r.Headline(what)
		return t, &uerr.Error{
			Why:  fmt.Sprintf("profile %q is of type %s", t.Profile, kind),
			Next: []string{"fluvio profile list", "fluvio profile switch local"},
			Code: uerr.Failed,
		}
	}
}

// loadConfig reads the local-config file; ok is false when there is none.
func loadConfig() (cfg localcluster.Config, path string, ok bool, err error) {
	path, err = localcluster.ConfigPath()
	if err != nil || !localcluster.Exists(path) {
		return cfg, path, false, err
	}
	cfg, err = localcluster.LoadConfig(path)
	return cfg, path, err == nil, err
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
