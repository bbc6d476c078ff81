package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fluvio-go/fluvio/cmd/argv"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/localcluster"
	"github.com/fluvio-go/fluvio/profiles"
)

type deleteOptions struct {
	f               *cmdutil.Factory
	force           bool
	namespace       string
	k8Only, sysOnly bool
}

func newDeleteCmd(f *cmdutil.Factory, runF func(*deleteOptions) error) *cobra.Command {
	opts := &deleteOptions{f: f}
	cmd := &cobra.Command{
		Use:   "delete",
		Short: "Delete the local cluster with all its data",
		Long: `Delete the local cluster: stop it and remove its metadata and records for
good. Asks for the name of the cluster first, unless --force is given. Logs and
the profile stay.`,
		Example: `  fluvio cluster delete
  fluvio cluster delete --force`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(opts)
			}
			return deleteRun(cmd.Context(), opts)
		},
	}
	fs := cmd.Flags()
	fs.BoolVar(&opts.force, "force", false, "Do not ask")
	fs.StringVar(&opts.namespace, "namespace", "", "Kubernetes only")
	fs.BoolVar(&opts.k8Only, "k8", false, "Remove only the Kubernetes installation")
	fs.BoolVar(&opts.sysOnly, "sys", false, "Remove only the system chart")
	argv.Exclusive(cmd, "k8", "sys")
	return cmd
}

func deleteRun(ctx context.Context, opts *deleteOptions) error {
	t, err := opts.f.Target()
	if err != nil {
		return err
	}
	if !opts.force {
		ok, err := confirmDelete(opts.f, t)
		if err != nil || !ok {
			return err
		}
	}
	kind := t.Cluster.Installation()
	if kind != profiles.Local || opts.k8Only || opts.sysOnly {
		return &uerr.Error{
			What: fmt.Sprintf("Error: delete command is not supported for %s", kind),
			Why:  "this release deletes local clusters",
			Next: []string{"fluvio profile switch local"},
		}
	}
	fmt.Fprintf(opts.f.IO.Out, "Deleting %s/%s\n", t.ClusterName, t.Cluster.Endpoint)
	r := newReporter(opts.f)
	defer r.Close()
	cfg, path, ok, err := loadConfig()
	if err != nil {
		return err
	}
	if !ok {
		if cfg, err = localcluster.DefaultConfig(); err != nil {
			return err
		}
	}
	if err := localcluster.Delete(ctx, cfg.DataDir); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	r.Headline("Uninstalled fluvio local components")
	return nil
}

// confirmDelete asks for the cluster's name.
func confirmDelete(f *cmdutil.Factory, t profiles.Target) (bool, error) {
	if !f.IO.CanPrompt() {
		return false, &uerr.Error{
			What: "cluster delete asks for confirmation and this is not a terminal",
			Next: []string{"fluvio cluster delete --force"},
			Code: uerr.Denied,
		}
	}
	fmt.Fprintf(f.IO.Err, "WARNING: this deletes %s/%s. All data of the cluster is lost for good.\n", t.ClusterName, t.Cluster.Endpoint)
	fmt.Fprintf(f.IO.Err, "Please type the cluster name to confirm: %s <enter> (to confirm) / or CTRL-C (to cancel)\n> ", t.ClusterName)
	line, err := bufio.NewReader(f.IO.In).ReadString('\n')
	if err != nil && err != io.EOF {
		return false, err
	}
	if strings.TrimSpace(line) != t.ClusterName {
		fmt.Fprintln(f.IO.Out, "Confirmation failed. Aborting.")
		return false, nil
	}
	return true, nil
}
