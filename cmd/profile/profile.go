package profile

import (
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/profiles"
	"github.com/spf13/cobra"
)

// NewCmd returns the profile command with all its verbs.
func NewCmd(f *cmdutil.Factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "profile",
		Short: "Show and edit the profiles that name clusters",
		Long: `Show and edit the profiles that name clusters.

A profile is a name for a cluster; one of them is active and used by every
command that is not given --profile or --cluster. Without a verb, prints the
name of the active profile. Profiles are kept in ~/.fluvio/config, or in the
file that FLV_PROFILE_PATH names.`,
		Example: `  fluvio profile
  fluvio profile list
  fluvio profile switch prod`,
		RunE: func(*cobra.Command, []string) error { return currentRun(&currentOptions{f: f}) },
	}
	cmd.AddCommand(
		newCurrentCmd(f, nil),
		newDeleteCmd(f, nil),
		newDeleteClusterCmd(f, nil),
		newListCmd(f, nil),
		newRenameCmd(f, nil),
		newSwitchCmd(f, nil),
		newSyncCmd(f),
		newExportCmd(f, nil),
		newAddCmd(f, nil),
	)
	return cmd
}

// run returns the RunE of a verb: fill reads the positionals, then runF, or
// when that is nil the verb's own function, is called with the options.
func run[O any](opts *O, fill func(args []string), runF, own func(*O) error) func(*cobra.Command, []string) error {
	return func(_ *cobra.Command, args []string) error {
		if fill != nil {
			fill(args)
		}
		if runF != nil {
			return runF(opts)
		}
		return own(opts)
	}
}

// edit changes the profile file, which must exist.
func edit(change func(*profiles.Config) error) error {
	path, err := profiles.Path()
	if err != nil {
		return cmdutil.Explain(err)
	}
	return cmdutil.Explain(profiles.Update(path, change))
}

// editOrCreate changes the profile file, or makes one.
func editOrCreate(change func(*profiles.Config) error) error {
	path, err := profiles.Path()
	if err != nil {
		return cmdutil.Explain(err)
	}
	return cmdutil.Explain(profiles.UpdateOrCreate(path, change))
}

// completeProfiles offers profile names for the first positional.
func completeProfiles(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	c, _, err := cmdutil.LoadProfiles()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return c.ProfileNames(), cobra.ShellCompDirectiveNoFileComp
}

// errNotFound ends a command that has already said what it did not find.
func errNotFound() error { return uerr.Exit(uerr.NotFound) }
