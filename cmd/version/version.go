package version

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/build"
	"github.com/fluvio-go/fluvio/internal/extension"
	"github.com/spf13/cobra"
)

// platformTimeout bounds the wait for a cluster that does not answer: this
// command is often the first one run against a cluster that is down.
const platformTimeout = 5 * time.Second

// unavailable stands for the release of a cluster that cannot be asked.
const unavailable = "Not available"

type options struct {
	f    *cmdutil.Factory
	json bool
}

// NewCmd returns the version command.
func NewCmd(f *cmdutil.Factory, runF func(context.Context, *options) error) *cobra.Command {
	opts := &options{f: f}
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the releases of this program and of the cluster",
		Example: `  fluvio version
  fluvio version --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(cmd.Context(), opts)
			}
			return versionRun(cmd.Context(), opts)
		},
	}
	cmd.Flags().BoolVarP(&opts.json, "json", "j", false, "Print as JSON")
	return cmd
}

func versionRun(ctx context.Context, opts *options) error {
	r := collect(ctx, opts.f)
	if opts.json {
		return r.writeJSON(opts.f.IO.Out)
	}
	if err := r.writeTable(opts.f.IO.Out); err != nil {
		return err
	}
	plugins := extension.List(ctx)
	if len(plugins) == 0 {
		return nil
	}
	fmt.Fprintln(opts.f.IO.Out, "=== Plugin Versions ===")
	for _, p := range plugins {
		name := fmt.Sprintf("%s (%s)", p.Metadata.Title, filepath.Base(p.Path))
		if _, err := fmt.Fprintf(opts.f.IO.Out, "%-30s : %s\n", name, p.Metadata.Version); err != nil {
			return err
		}
	}
	return nil
}

func collect(ctx context.Context, f *cmdutil.Factory) report {
	r := report{version: build.Version, arch: targetTriple()}
	exe, err := os.Executable()
	if err == nil {
		r.sha256, _ = fileSHA256(exe)
	}
	if channel := os.Getenv("FLUVIO_RELEASE_CHANNEL"); channel != "" {
		r.add("Release Channel", channel)
	}
	if sum, ok := frontendSHA256(exe, r.sha256); ok {
		r.add("Fluvio Channel Frontend SHA256", sum)
	}
	r.add("Fluvio Platform", platform(ctx, f))
	r.add("Git Commit", build.GitCommit())
	if details, ok := osDetails(); ok {
		r.add("OS Details", details)
	}
	return r
}

// frontendSHA256 returns the checksum of the program "fluvio" beside exe,
// which differs from exe when release channels are in use. sum is exe's own.
func frontendSHA256(exe, sum string) (string, bool) {
	if exe == "" {
		return "", false
	}
	if filepath.Base(exe) == "fluvio" {
		return sum, sum != ""
	}
	front, err := fileSHA256(filepath.Join(filepath.Dir(exe), "fluvio"))
	return front, err == nil
}

// platform returns the cluster's release and the active profile's name, or as
// much of it as can be had.
func platform(ctx context.Context, f *cmdutil.Factory) string {
	text := unavailable
	target, err := f.Target()
	if err == nil && f.PlatformVersion != nil {
		ctx, cancel := context.WithTimeout(ctx, platformTimeout)
		defer cancel()
		if v, err := f.PlatformVersion(ctx, target); err == nil {
			text = v
		}
	}
	// The name is that of the active profile even when another cluster was
	// asked for: that is how the line has always read.
	if c, _, err := cmdutil.LoadProfiles(); err == nil && c.CurrentProfile != "" {
		text += " (" + c.CurrentProfile + ")"
	}
	return text
}
