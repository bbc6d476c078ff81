package profile

import (
	"fmt"

	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/profiles"
	"github.com/spf13/cobra"
)

type switchOptions struct {
	f    *cmdutil.Factory
	name string
}

func newSwitchCmd(f *cmdutil.Factory, runF func(*switchOptions) error) *cobra.Command {
	opts := &switchOptions{f: f}
	return &cobra.Command{
		Use:               "switch <profile name>",
		Short:             "Make a profile the active one",
		Example:           "  fluvio profile switch prod",
		ValidArgsFunction: completeProfiles,
		RunE:              run(opts, func(args []string) { opts.name = args[0] }, runF, switchRun),
	}
}

func switchRun(opts *switchOptions) error {
	err := edit(func(c *profiles.Config) error {
		if !c.Switch(opts.name) {
			fmt.Fprintf(opts.f.IO.Out, "profile %s not found\n", opts.name)
			return errNotFound()
		}
		return nil
	})
	return noFile(opts.f, err)
}

// noFile answers a missing profile file on the output, in colour even off a
// terminal, as it always has been.
func noFile(f *cmdutil.Factory, err error) error {
	if !profiles.IsNotExist(err) {
		return err
	}
	fmt.Fprint(f.IO.Out, "\x1b[1;31merror:\x1b[0m no profile can be found\n")
	return errNotFound()
}
