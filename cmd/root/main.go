package root

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"github.com/fluvio-go/fluvio/cmd/argv"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/iostreams"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/spf13/cobra"
)

// Main runs the command line of this process and returns its exit code.
func Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	// The first interrupt cancels; after it, the next one kills.
	context.AfterFunc(ctx, stop)
	f := &cmdutil.Factory{IO: iostreams.System(), PlatformVersion: cmdutil.AskPlatformVersion}
	return int(Run(ctx, f, args))
}

// Run runs one command line. Errors are on f's error output when it returns.
func Run(ctx context.Context, f *cmdutil.Factory, args []string) uerr.Code {
	err := dispatch(ctx, f, args)
	if err == nil {
		return uerr.OK
	}
	var usage *argv.UsageError
	switch {
	case errors.As(err, &usage):
		fmt.Fprintln(f.IO.Err, usage.Error())
		return uerr.Usage
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return uerr.Interrupted
	}
	// A broken error output leaves nowhere to report to.
	_ = uerr.Render(f.IO.Err, err, f.IO.Hints())
	return uerr.ExitCode(err)
}

func dispatch(ctx context.Context, f *cmdutil.Factory, args []string) error {
	root := NewCmd(f)
	if len(args) == 0 {
		return root.Help()
	}
	switch args[0] {
	case "help":
		return help(root, f, args[1:])
	case cobra.ShellCompRequestCmd, cobra.ShellCompNoDescRequestCmd:
		root.SetArgs(args)
		return root.ExecuteContext(ctx)
	}
	line, err := argv.Parse(root, args)
	switch {
	case errors.Is(err, argv.ErrNoCommand):
		// Not what was asked for, so on the error output.
		root.SetOut(f.IO.Err)
		return errors.Join(line.Command.Help(), uerr.Exit(uerr.Usage))
	case err != nil:
		return err
	case line.Plugin != nil:
		return runPlugin(ctx, f, line.Plugin[0], line.Plugin[1:])
	}
	root.SetArgs(line.Args)
	return root.ExecuteContext(ctx)
}
