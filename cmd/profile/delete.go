package profile

import (
	"fmt"

	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/profiles"
	"github.com/spf13/cobra"
)

type deleteOptions struct {
	f    *cmdutil.Factory
	name string
}

func newDeleteCmd(f *cmdutil.Factory, runF func(*deleteOptions) error) *cobra.Command {
	opts := &deleteOptions{f: f}
	return &cobra.Command{
		Use:   "delete <profile name>",
		Short: "Delete a profile",
		Long: `Delete a profile. The cluster it points at stays in the file; see
"fluvio profile delete-cluster".`,
		Example:           "  fluvio profile delete staging",
		ValidArgsFunction: completeProfiles,
		RunE:              run(opts, func(args []string) { opts.name = args[0] }, runF, deleteRun),
	}
}

func deleteRun(opts *deleteOptions) error {
	out := opts.f.IO.Out
	active := false
	err := edit(func(c *profiles.Config) error {
		if !c.Delete(opts.name) {
			fmt.Fprintf(out, "profile %s not found\n", opts.name)
			return errNotFound()
		}
		active = c.CurrentProfile != ""
		return nil
	})
	if err != nil {
		return noFile(opts.f, err)
	}
	second := "profile deleted"
	if !active {
		second = "warning: this removed your current profile, use 'fluvio profile switch' to select a different one"
	}
	_, err = fmt.Fprintf(out, "profile %s deleted\n%s\n", opts.name, second)
	return err
}
