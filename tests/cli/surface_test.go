package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/fluvio-go/fluvio/cmd/argv"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/cmd/root"
	"github.com/fluvio-go/fluvio/internal/iostreams"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const surfaceFile = "surface.golden"

// TestSurface: every command, alias and flag is listed, so that one cannot
// come or go unnoticed. UPDATE_SURFACE=1 rewrites the list.
func TestSurface(t *testing.T) {
	var b strings.Builder
	writeSurface(&b, tree())
	if os.Getenv("UPDATE_SURFACE") != "" {
		if err := os.WriteFile(surfaceFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(surfaceFile)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("the surface changed; if that is meant, run with UPDATE_SURFACE=1\n%s", diff(string(want), got))
	}
}

func tree() *cobra.Command {
	return root.NewCmd(&cmdutil.Factory{IO: (&iostreams.Test{}).Streams()})
}

func writeSurface(b *strings.Builder, cmd *cobra.Command) {
	fmt.Fprintf(b, "%s", strings.TrimPrefix(argv.UsageLine(cmd), "Usage: "))
	if len(cmd.Aliases) > 0 {
		fmt.Fprintf(b, " (also %s)", strings.Join(cmd.Aliases, ", "))
	}
	if cmd.Hidden {
		b.WriteString(" (hidden)")
	}
	b.WriteByte('\n')
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		b.WriteString("    ")
		if f.Shorthand != "" {
			b.WriteString("-" + f.Shorthand + ", ")
		}
		b.WriteString(argv.Display(f))
		if f.DefValue != "" && f.DefValue != "false" {
			b.WriteString(" = " + f.DefValue)
		}
		if f.Hidden {
			b.WriteString(" (hidden)")
		}
		b.WriteByte('\n')
	})
	for _, sub := range cmd.Commands() {
		writeSurface(b, sub)
	}
}

// diff lists the lines that only one of the texts has.
func diff(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	var out strings.Builder
	for _, line := range a {
		if !slices.Contains(b, line) {
			out.WriteString("- " + line + "\n")
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) {
			out.WriteString("+ " + line + "\n")
		}
	}
	return out.String()
}

// TestHelp: every command says what it does in a verb phrase and shows
// examples that start with the program's name.
func TestHelp(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		path := cmd.CommandPath()
		if cmd.HasParent() {
			if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") || cmd.Short[:1] != strings.ToUpper(cmd.Short[:1]) {
				t.Errorf("%s: short help %q", path, cmd.Short)
			}
		}
		for line := range strings.SplitSeq(cmd.Example, "\n") {
			if !strings.HasPrefix(line, "  ") || !strings.Contains(line, "fluvio") {
				t.Errorf("%s: example %q", path, line)
			}
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(tree())
}
