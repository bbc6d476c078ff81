package root

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/fluvio-go/fluvio/cmd/argv"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/extension"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// help answers "fluvio help …". Words that name a command show its help; any
// others show the root's.
func help(root *cobra.Command, f *cmdutil.Factory, words []string) error {
	if len(words) == 1 && words[0] == "exit-codes" {
		return exitCodes(f.IO.Out)
	}
	cmd, _, err := root.Find(words)
	if err != nil {
		cmd = root
	}
	return cmd.Help()
}

func exitCodes(w io.Writer) error {
	var b strings.Builder
	for _, c := range uerr.Codes() {
		fmt.Fprintf(&b, "%3d  %s\n", c.Code, c.Meaning)
	}
	b.WriteString("  n  exit code of a plug-in\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// printHelp writes the help of cmd: what it does, how to call it, examples,
// commands and flags.
func printHelp(cmd *cobra.Command, _ []string) {
	cmd.InitDefaultHelpFlag()
	if f := cmd.Flags().Lookup("help"); f != nil {
		f.Usage = "Print help"
	}
	var b strings.Builder
	fmt.Fprintln(&b, strings.TrimSpace(cmp.Or(cmd.Long, cmd.Short)))
	fmt.Fprintf(&b, "\n%s\n", argv.UsageLine(cmd))
	if cmd.Example != "" {
		fmt.Fprintf(&b, "\nExamples:\n%s\n", cmd.Example)
	}
	writeCommands(&b, cmd)
	writeFlags(&b, cmd)
	// Help that cannot be written has no one to tell.
	_, _ = io.WriteString(cmd.OutOrStdout(), b.String())
}

func writeCommands(b *strings.Builder, cmd *cobra.Command) {
	type entry struct{ name, text string }
	var entries []entry
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			entries = append(entries, entry{sub.Name(), sub.Short})
		}
	}
	if !cmd.HasParent() {
		for _, p := range extension.List(contextOf(cmd)) {
			entries = append(entries, entry{p.Name(), p.Metadata.Description})
		}
	}
	if len(entries) == 0 {
		return
	}
	width := 0
	for _, e := range entries {
		width = max(width, len(e.name))
	}
	b.WriteString("\nCommands:\n")
	for _, e := range entries {
		fmt.Fprintf(b, "  %-*s  %s\n", width, e.name, e.text)
	}
}

func writeFlags(b *strings.Builder, cmd *cobra.Command) {
	type entry struct{ name, text string }
	var entries []entry
	width := 0
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		name := "    " + argv.Display(f)
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + argv.Display(f)
		}
		text := strings.ReplaceAll(f.Usage, "`", "")
		switch f.DefValue {
		case "", "false", "0", "[]":
		default:
			text += " [default: " + f.DefValue + "]"
		}
		entries = append(entries, entry{name, text})
		width = max(width, len(name))
	})
	if len(entries) == 0 {
		return
	}
	b.WriteString("\nOptions:\n")
	for _, e := range entries {
		fmt.Fprintf(b, "  %-*s  %s\n", width, e.name, e.text)
	}
}
