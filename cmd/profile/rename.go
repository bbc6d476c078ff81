package profile

import (
	"fmt"

	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/profiles"
	"github.com/spf13/cobra"
)

type renameOptions struct {
	f        *cmdutil.Factory
	from, to string
}

func newRenameCmd(f *cmdutil.Factory, runF func(*renameOptions) error) *cobra.Command {
	opts := &renameOptions{f: f}
	return &cobra.Command{
		Use:               "rename <FROM> <TO>",
		Short:             "Rename a profile",
		Example:           "  fluvio profile rename local laptop",
		ValidArgsFunction: completeProfiles,
		RunE:              run(opts, func(args []string) { opts.from, opts.to = args[0], args[1] }, runF, renameRun),
	}
}

func renameRun(opts *renameOptions) error {
	err := edit(func(c *profiles.Config) error {
		if !c.Rename(opts.from, opts.to) {
			fmt.Fprintf(opts.f.IO.Out, "profile %s not found\n", opts.from)
			return errNotFound()
		}
		return nil
	})
	if profiles.IsNotExist(err) {
		fmt.Fprintln(opts.f.IO.Err, "unable to find Fluvio config file")
	}
	return err
}
