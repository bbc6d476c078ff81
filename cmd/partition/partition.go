package partition

import (
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/spf13/cobra"
)

// NewCmd returns the partition command with its verb.
func NewCmd(f *cmdutil.Factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "partition",
		Aliases: []string{"partitions"},
		Short:   "List the partitions of topics",
		Example: "  fluvio partition list",
	}
	cmd.AddCommand(newListCmd(f, connector(f), nil))
	return cmd
}
