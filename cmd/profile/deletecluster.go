package profile

import (
	"fmt"

	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/profiles"
	"github.com/spf13/cobra"
)

type deleteClusterOptions struct {
	f     *cmdutil.Factory
	name  string
	force bool
}

func newDeleteClusterCmd(f *cmdutil.Factory, runF func(*deleteClusterOptions) error) *cobra.Command {
	opts := &deleteClusterOptions{f: f}
	cmd := &cobra.Command{
		Use:   "delete-cluster <cluster name>",
		Short: "Delete a cluster's connection data",
		Long: `Delete a cluster's connection data from the profile file. The cluster itself
is not touched. Refuses while a profile points at it, unless forced.`,
		Example: `  fluvio profile delete-cluster staging
  fluvio profile delete-cluster staging --force`,
		RunE: run(opts, func(args []string) { opts.name = args[0] }, runF, deleteClusterRun),
	}
	cmd.Flags().BoolVarP(&opts.force, "force", "f", false, "Delete even if profiles point at it")
	return cmd
}

func deleteClusterRun(opts *deleteClusterOptions) error {
	out := opts.f.IO.Out
	err := edit(func(c *profiles.Config) error {
		if _, ok := c.Cluster(opts.name); !ok {
			fmt.Fprintf(out, "No profile named %s exists\n", opts.name)
			return errNotFound()
		}
		if users := c.ReferencedBy(opts.name); len(users) > 0 && !opts.force {
			fmt.Fprintf(out, "The following profiles reference cluster %s:\n", opts.name)
			for _, user := range users {
				fmt.Fprintf(out, "  %s\n", user)
			}
			fmt.Fprintln(out, "If you would still like to delete the cluster, use --force")
			return uerr.Exit(uerr.Conflict)
		}
		c.DeleteCluster(opts.name)
		return nil
	})
	switch {
	case profiles.IsNotExist(err):
		fmt.Fprintf(out, "No config can be found: %v\n", err)
		return errNotFound()
	case err != nil:
		return err
	}
	_, err = fmt.Fprintf(out, "Cluster %s deleted\n", opts.name)
	return err
}
