package profile

import (
	"fmt"

	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/profiles"
	"github.com/spf13/cobra"
)

type currentOptions struct{ f *cmdutil.Factory }

func newCurrentCmd(f *cmdutil.Factory, runF func(*currentOptions) error) *cobra.Command {
	opts := &currentOptions{f: f}
	return &cobra.Command{
		Use:     "current",
		Short:   "Print the name of the active profile",
		Example: "  fluvio profile current",
		RunE:    run(opts, nil, runF, currentRun),
	}
}

func currentRun(opts *currentOptions) error {
	c, _, err := cmdutil.LoadProfiles()
	name := "no current profile set"
	switch {
	case profiles.IsNotExist(err):
		name = "no profile can be found"
	case err != nil:
		return cmdutil.Explain(err)
	case c.CurrentProfile != "":
		name = c.CurrentProfile
	}
	_, err = fmt.Fprintln(opts.f.IO.Out, name)
	return err
}
