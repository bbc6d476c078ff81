package cmdutil

import (
	"context"

	"github.com/spf13/cobra"
)

// RunE returns the RunE of a command that talks to a cluster: fill, which may
// be nil, reads the positionals; then runF, or when that is nil the command's
// own function, is called with the options. Tests pass a runF.
func RunE[O any](opts *O, fill func(args []string), runF, own func(context.Context, *O) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if fill != nil {
			fill(args)
		}
		if runF != nil {
			return runF(cmd.Context(), opts)
		}
		return own(cmd.Context(), opts)
	}
}
