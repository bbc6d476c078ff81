package metadata

import (
	"encoding/json"

	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/extension"
	"github.com/spf13/cobra"
)

// builtinVersion is what the built-in entries have always said.
const builtinVersion = "0.0.0"

func builtin() []extension.Metadata {
	entry := func(title, description string) extension.Metadata {
		return extension.Metadata{Title: title, Package: "fluvio/fluvio", Description: description, Version: builtinVersion}
	}
	return []extension.Metadata{
		entry("topic", "Topic Operations"),
		entry("partition", "Partition Operations"),
		entry("produce", "Produce new data in a stream"),
		entry("consume", "Consume new data in a stream"),
	}
}

type options struct{ f *cmdutil.Factory }

// NewCmd returns the metadata command.
func NewCmd(f *cmdutil.Factory, runF func(*options) error) *cobra.Command {
	opts := &options{f: f}
	return &cobra.Command{
		Use:     "metadata",
		Short:   "Print the commands of this program and its plug-ins as JSON",
		Example: "  fluvio metadata",
		Hidden:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(opts)
			}
			entries := builtin()
			for _, p := range extension.List(cmd.Context()) {
				entries = append(entries, p.Metadata)
			}
			enc := json.NewEncoder(f.IO.Out)
			enc.SetEscapeHTML(false)
			return enc.Encode(entries)
		},
	}
}
