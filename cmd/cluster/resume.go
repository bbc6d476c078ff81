package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/build"
	"github.com/fluvio-go/fluvio/internal/progress"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/localcluster"
)

type resumeOptions struct {
	f *cmdutil.Factory
}

func newResumeCmd(f *cmdutil.Factory, runF func(*resumeOptions) error) *cobra.Command {
	opts := &resumeOptions{f: f}
	return &cobra.Command{
		Use:   "resume",
		Short: "Start a local cluster that was shut down",
		Long: `Start a local cluster that was shut down or ended unexpectedly, with the
settings it was created with. Nothing that was acknowledged is missing.`,
		Example: `  fluvio cluster shutdown
  fluvio cluster resume`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(opts)
			}
			return resumeRun(cmd.Context(), opts)
		},
	}
}

func resumeRun(ctx context.Context, opts *resumeOptions) error {
	r := newReporter(opts.f)
	defer r.Close()
	if _, err := localTarget(opts.f, r, "❌ Resume is only implemented for local clusters."); err != nil {
		return err
	}
	err := resume(ctx, r)
	if err == nil {
		return nil
	}
	// Upstream prints this line and exits with 0; we print it and fail.
	var e *uerr.Error
	if !errors.As(err, &e) {
		e = &uerr.Error{What: err.Error(), Err: err}
	}
	if e.Code == uerr.Interrupted {
		return e
	}
	told := *e
	told.What = "❌ Resume failed with " + e.Error()
	return &told
}

func resume(ctx context.Context, r *progress.Reporter) error {
	cfg, path, ok, err := loadConfig()
	if err != nil {
		return err
	}
	if !ok {
		return &uerr.Error{
			What: "Configuration file for local cluster not found from previous run",
			Why:  "there is no " + path,
			Next: []string{"fluvio cluster start"},
			Code: uerr.NotFound,
		}
	}
	r.Headline("📝 Running pre-flight checks")
	st, running, err := localcluster.Find(cfg.DataDir)
	if err != nil {
		return err
	}
	report(r, !running, "Local Fluvio is not installed", "Fluvio Local Installation", "Local Fluvio cluster still running")
	same := cfg.PlatformVersion == build.Version
	report(r, same, "Platform versions match", "Versions match",
		fmt.Sprintf("the cluster is of version %s, this program of %s", cfg.PlatformVersion, build.Version))
	switch {
	case running:
		return &uerr.Error{
			What: "Local Fluvio cluster still running",
			Why:  fmt.Sprintf("process %d is running it on %s", st.PID, st.SCAddr),
			Next: []string{"fluvio cluster status"},
			Code: uerr.Conflict,
		}
	case !same:
		return &uerr.Error{
			What: fmt.Sprintf("Check Versions match failed: the cluster is of version %s, this program of %s", cfg.PlatformVersion, build.Version),
			Next: []string{"fluvio cluster shutdown", "fluvio cluster upgrade"},
			Code: uerr.Conflict,
		}
	}
	r.Headline("🎉 All checks passed!")
	if err := launch(ctx, r, cfg, path); err != nil {
		return err
	}
	r.Headline("🎯 Successfully resumed Local Fluvio cluster")
	return nil
}
