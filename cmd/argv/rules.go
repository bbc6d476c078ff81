package argv

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Annotations under which rules are kept, on the flag that declares them.
const (
	conflictsKey  = "argv_conflicts"
	requiresKey   = "argv_requires"
	repeatableKey = "argv_repeatable"
	requiredKey   = "argv_required"
)

// Conflicts declares that flag cannot be given together with any of others.
// A name in angle or square brackets means the positional argument written so
// in the command's Use line. Defaults do not count as given.
func Conflicts(cmd *cobra.Command, flag string, others ...string) {
	annotate(cmd, flag, conflictsKey, others...)
}

// Exclusive declares that at most one of the flags can be given.
func Exclusive(cmd *cobra.Command, flags ...string) {
	for i, flag := range flags {
		annotate(cmd, flag, conflictsKey, flags[i+1:]...)
	}
}

// Requires declares that flag needs at least one of others.
func Requires(cmd *cobra.Command, flag string, others ...string) {
	annotate(cmd, flag, requiresKey, strings.Join(others, "|"))
}

// Required declares that the command needs the flag.
func Required(cmd *cobra.Command, flag string) {
	annotate(cmd, flag, requiredKey, "true")
}

// Repeatable declares that flag may be given several times. Flags whose value
// is a list are repeatable without it.
func Repeatable(cmd *cobra.Command, flag string) {
	annotate(cmd, flag, repeatableKey, "true")
}

// Alias makes each alias another, hidden, spelling of flag.
func Alias(cmd *cobra.Command, flag string, aliases ...string) {
	fs := cmd.Flags()
	previous := fs.GetNormalizeFunc()
	fs.SetNormalizeFunc(func(fs *pflag.FlagSet, name string) pflag.NormalizedName {
		for _, a := range aliases {
			if name == a {
				return pflag.NormalizedName(flag)
			}
		}
		return previous(fs, name)
	})
}

// annotate panics when the flag does not exist: that is a mistake in the
// command's source, found by the first test that builds the tree.
func annotate(cmd *cobra.Command, flag, key string, values ...string) {
	f := cmd.Flags().Lookup(flag)
	if f == nil {
		panic("argv: " + cmd.Name() + " has no flag " + flag)
	}
	if f.Annotations == nil {
		f.Annotations = map[string][]string{}
	}
	f.Annotations[key] = append(f.Annotations[key], values...)
}

func repeatable(f *pflag.Flag) bool {
	if _, ok := f.Value.(pflag.SliceValue); ok {
		return true
	}
	return len(f.Annotations[repeatableKey]) > 0
}

// takesValue reports whether f consumes a value; the others are switches.
func takesValue(f *pflag.Flag) bool { return f.NoOptDefVal == "" }
