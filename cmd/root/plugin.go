package root

import (
	"context"
	"errors"
	"fmt"
	"os/exec"

	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/extension"
	"github.com/fluvio-go/fluvio/internal/suggest"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/spf13/cobra"
)

// runPlugin runs fluvio-NAME with the streams of this process and ends with
// its exit code.
func runPlugin(ctx context.Context, f *cmdutil.Factory, name string, args []string) error {
	path, ok := extension.Find(name)
	if !ok {
		return noPlugin(f, name)
	}
	// Not tied to ctx: an interrupt from the terminal reaches the plug-in by
	// itself, and it decides what to do.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), path, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = f.IO.In, f.IO.Out, f.IO.Err
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	if signal := signalOf(exit.ProcessState); signal > 0 {
		fmt.Fprintf(f.IO.Out, "Extension killed via %d signal\n", signal)
		return uerr.Exit(uerr.Code(signal))
	}
	return uerr.Exit(uerr.Code(exit.ExitCode()))
}

func noPlugin(f *cmdutil.Factory, name string) error {
	where := "in your PATH"
	if dir, err := extension.Dir(); err == nil {
		where = fmt.Sprintf("installed in %q", dir)
	}
	fmt.Fprintf(f.IO.Out, "Unable to find plugin '%s%s'. Make sure it is %s.\n", extension.Prefix, name, where)
	e := &uerr.Error{Code: uerr.Failed}
	for _, near := range suggest.Nearest(name, commandNames(NewCmd(f))) {
		e.Next = append(e.Next, "fluvio "+near)
	}
	return e
}

// commandNames returns the names of root's visible commands.
func commandNames(root *cobra.Command) []string {
	var names []string
	for _, sub := range root.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	return names
}

// contextOf returns cmd's context, which is missing when help is printed
// before the tree runs.
func contextOf(cmd *cobra.Command) context.Context {
	if ctx := cmd.Context(); ctx != nil {
		return ctx
	}
	return context.Background()
}
