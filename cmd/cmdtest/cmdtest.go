package cmdtest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/fluvio-go/fluvio/cmd/argv"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/iostreams"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/spf13/cobra"
)

// Factory returns a factory on the given streams.
func Factory(streams *iostreams.Test) *cmdutil.Factory {
	return &cmdutil.Factory{IO: streams.Streams()}
}

// Run runs cmd, with its name as the first of args.
func Run(ctx context.Context, cmd *cobra.Command, args ...string) error {
	root := &cobra.Command{Use: "fluvio", SilenceErrors: true, SilenceUsage: true, TraverseChildren: true}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(argv.FlagError)
	root.AddCommand(cmd)
	line, err := argv.Parse(root, args)
	if err != nil {
		return err
	}
	root.SetArgs(line.Args)
	return root.ExecuteContext(ctx)
}

// ExitCode returns the code that the process would end with.
func ExitCode(err error) uerr.Code {
	var usage *argv.UsageError
	if errors.As(err, &usage) {
		return uerr.Usage
	}
	return uerr.ExitCode(err)
}

// Golden compares got with a file in testdata, or writes it when the
// environment variable UPDATE_GOLDEN is set.
func Golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}
