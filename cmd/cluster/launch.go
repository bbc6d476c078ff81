package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/progress"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/localcluster"
)

type pflagFlag = pflag.Flag

// preflight checks that a new cluster would not meet an old one. Both checks
// run, so that one attempt shows everything.
func preflight(r *progress.Reporter, dataDir, configPath string) error {
	r.Headline("📝 Running pre-flight checks")
	st, running, err := localcluster.Find(dataDir)
	if err != nil {
		return fmt.Errorf("look for a running cluster: %w", err)
	}
	exists := localcluster.Exists(configPath)
	report(r, !running, "Local Fluvio is not installed",
		"Fluvio Local Installation", "Local Fluvio cluster still running")
	report(r, !exists, "Previous local fluvio installation not found",
		"Clean Fluvio Local Installation", "previous local fluvio installation found, use `fluvio cluster resume` or `fluvio cluster delete`")
	if !running && !exists {
		r.Headline("🎉 All checks passed!")
		return nil
	}
	r.Headline("💔 Some pre-flight check failed!")
	e := &uerr.Error{What: "Preflight check failed", Code: uerr.Conflict}
	if running {
		e.Why = fmt.Sprintf("process %d is running a cluster on %s", st.PID, st.SCAddr)
		e.Next = []string{"fluvio cluster status", "fluvio cluster shutdown"}
	} else {
		e.Why = "a local cluster was created and is shut down; its settings are in " + configPath
		e.Next = []string{"fluvio cluster resume", "fluvio cluster delete"}
	}
	return e
}

// report prints one line of the checklist.
func report(r *progress.Reporter, ok bool, good, label, bad string) {
	if ok {
		r.Done(indent("✅ " + good))
		return
	}
	r.Done(indent(fmt.Sprintf("❌ Check %s failed %s", label, bad)))
}

// launch starts the daemon with the settings saved at configPath and shows its
// steps. The profile is written before, as upstream does, so that whoever
// watches the start can already look at the cluster.
func launch(ctx context.Context, r *progress.Reporter, cfg localcluster.Config, configPath string) error {
	if cfg.SaveProfile {
		if err := saveProfile(cfg); err != nil {
			return cmdutil.Explain(err)
		}
		r.Done("👤 Profile set")
	}
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the fluvio program: %w", err)
	}
	r.Step("🖥️  Starting SC server")
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, localcluster.StartTimeout)
	defer cancel()
	err = localcluster.Launch(ctx, cfg, exe, []string{"run", "local", "--config", configPath}, func(e localcluster.Event) {
		switch e.Kind {
		case localcluster.EventSC:
			r.Done("✅ SC Launched")
		case localcluster.EventSPU:
			r.Step(fmt.Sprintf("🖥️ %d/%d SPU confirmed, %d seconds elapsed", e.Online, e.Total, int(time.Since(began).Seconds())))
		case localcluster.EventReady:
			r.Done(fmt.Sprintf("✅ %d SPU launched", e.Total))
		}
	})
	return explainLaunch(err)
}

func explainLaunch(err error) error {
	var launch *localcluster.LaunchError
	switch {
	case errors.As(err, &launch):
		e := &uerr.Error{What: launch.Reason, Why: "the logs of the nodes are in " + launch.LogDir, Err: err}
		if launch.InUse {
			e.Why = "a cluster needs the port of --sc-pub-addr and, from --spu-base-port on, one port for each SPU"
			e.Next = []string{"fluvio cluster start --sc-pub-addr 127.0.0.1:19003 --spu-base-port 0"}
			e.Code = uerr.Conflict
		}
		return e
	case errors.Is(err, context.Canceled):
		return uerr.Exit(uerr.Interrupted)
	case errors.Is(err, context.DeadlineExceeded):
		return &uerr.Error{What: "the cluster did not start in time", Err: err, Code: uerr.TimedOut}
	}
	return err
}
