package completions

import (
	"bytes"
	"io"
	"strings"

	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/spf13/cobra"
)

type options struct {
	f    *cmdutil.Factory
	root *cobra.Command
	name string
}

// shell is one script the command can print.
type shell struct {
	name     string
	example  string
	generate func(root *cobra.Command, w io.Writer) error
}

func shells() []shell {
	return []shell{
		{"bash", "  source <(fluvio completions bash)\n  fluvio completions bash > ~/.local/share/bash-completion/completions/fluvio",
			func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) }},
		{"zsh", "  source <(fluvio completions zsh)\n  fluvio completions zsh > \"${fpath[1]}/_fluvio\"",
			func(root *cobra.Command, w io.Writer) error { return root.GenZshCompletion(w) }},
		{"fish", "  fluvio completions fish | source\n  fluvio completions fish > ~/.config/fish/completions/fluvio.fish",
			func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) }},
		{"powershell", "  fluvio completions powershell | Out-String | Invoke-Expression",
			func(root *cobra.Command, w io.Writer) error { return root.GenPowerShellCompletionWithDesc(w) }},
	}
}

// NewCmd returns the completions command.
func NewCmd(f *cmdutil.Factory) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "completions",
		Short: "Print a script that completes commands in your shell",
		Example: `  source <(fluvio completions bash)
  fluvio completions fish | source`,
	}
	for _, s := range shells() {
		cmd.AddCommand(newShellCmd(f, s, nil))
	}
	return cmd
}

func newShellCmd(f *cmdutil.Factory, s shell, runF func(*options) error) *cobra.Command {
	opts := &options{f: f}
	cmd := &cobra.Command{
		Use:     s.name,
		Short:   "Print the completion script for " + s.name,
		Example: s.example,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts.root = cmd.Root()
			if runF != nil {
				return runF(opts)
			}
			return shellRun(opts, s)
		},
	}
	cmd.Flags().StringVar(&opts.name, "name", "fluvio", "Complete the program under this `name`")
	return cmd
}

func shellRun(opts *options, s shell) error {
	var script bytes.Buffer
	// The generators take the program's name from the root's usage line.
	_, rest, _ := strings.Cut(opts.root.Use, " ")
	opts.root.Use = strings.TrimSpace(opts.name + " " + rest)
	if err := s.generate(opts.root, &script); err != nil {
		return err
	}
	_, err := script.WriteTo(opts.f.IO.Out)
	return err
}
