package localcluster

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/fluvio-go/fluvio/internal/build"
	"github.com/fluvio-go/fluvio/localcluster/node"
)

const (
	// memoryLimit is the soft limit of the daemon's heap: with it a cluster
	// stays inside 100 MB even while the collector lags behind a burst.
	// GOMEMLIMIT overrides it.
	memoryLimit = 64 << 20

	// closeTimeout bounds a graceful end; recovery takes care of the rest.
	closeTimeout = 10 * time.Second
	// StartTimeout bounds the time until all SPUs are online.
	StartTimeout = 300 * time.Second
)

// Daemon runs the cluster of cfg until ctx ends, and then stops it gracefully.
// It reports every step to out as a line of JSON, up to EventReady or
// EventError; afterwards it never touches out again, since the launcher that
// reads it goes away.
func Daemon(ctx context.Context, cfg Config, out io.Writer) error {
	report := json.NewEncoder(out)
	err := runDaemon(ctx, cfg, func(e Event) {
		_ = report.Encode(e) // a launcher that has gone away does not matter
	})
	return err
}

func runDaemon(ctx context.Context, cfg Config, report func(Event)) (err error) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
	ready := false
	defer func() {
		if err != nil && !ready {
			var port *node.PortError
			var running *RunningError
			inUse := errors.As(err, &port) || errors.As(err, &running)
			report(Event{Kind: EventError, Message: err.Error(), InUse: inUse})
		}
	}()
	logs, err := openLogs(cfg.LogDir, cfg.RustLog)
	if err != nil {
		return err
	}
	defer logs.close()
	serverTLS, err := cfg.ServerTLS.server()
	if err != nil {
		return err
	}
	clientTLS, err := cfg.ClientTLS.ProfilePolicy().Config("")
	if err != nil {
		return err
	}
	started := time.Now()
	startCtx, cancel := context.WithTimeout(ctx, StartTimeout)
	defer cancel()
	c, err := Open(startCtx, Options{
		DataDir:     cfg.DataDir,
		SPUs:        cfg.SPUs,
		SCAddr:      cfg.SCAddr,
		SPUBasePort: cfg.SPUBasePort,
		TLS:         serverTLS,
		ClientTLS:   clientTLS,
		Logger: func(node string) *slog.Logger {
			l, err := logs.logger(node)
			if err != nil {
				fmt.Fprintln(os.Stderr, err) // the launcher shows what we say here
			}
			return l
		},
		Progress: report,
	})
	if err != nil {
		return err
	}
	st := State{
		PID: os.Getpid(), Started: started.UTC(), Version: build.Version,
		SCAddr: c.SCAddr(), SPUs: cfg.SPUs, Ready: true,
	}
	if err := st.write(cfg.DataDir); err != nil {
		return errors.Join(err, closeCluster(c))
	}
	ready = true
	report(Event{Kind: EventReady, Addr: c.SCAddr(), Online: cfg.SPUs, Total: cfg.SPUs})
	<-ctx.Done()
	return closeCluster(c)
}

func closeCluster(c *Cluster) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return c.Close(ctx)
}

// LaunchError says that a daemon ended before it was ready.
type LaunchError struct {
	Reason string
	LogDir string
	InUse  bool // another program has a port or the data folder
}

func (e *LaunchError) Error() string { return e.Reason }

// Launch starts exe with args as a daemon of its own session and returns when
// it is ready. Events go to progress. When ctx ends first the daemon is ended
// too, so an interrupted start leaves nothing running.
func Launch(ctx context.Context, cfg Config, exe string, args []string, progress func(Event)) error {
	cmd := exec.Command(exe, args...)
	cmd.SysProcAttr = detached()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	// What the runtime prints when it panics must outlive us.
	if err := os.MkdirAll(cfg.LogDir, 0o755); err != nil {
		return err
	}
	errPath := filepath.Join(cfg.LogDir, "daemon.log")
	errFile, err := os.Create(errPath)
	if err != nil {
		return err
	}
	cmd.Stderr = errFile
	if err := errors.Join(cmd.Start(), errFile.Close()); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = terminate(cmd.Process) })
	defer stop()

	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var e Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			continue // not ours
		}
		progress(e)
		switch e.Kind {
		case EventReady:
			return cmd.Process.Release()
		case EventError:
			_ = cmd.Wait() // it said why; its status adds nothing
			return &LaunchError{e.Message, cfg.LogDir, e.InUse}
		}
	}
	werr := cmd.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	reason := "the daemon ended without a word"
	if werr != nil {
		reason = "the daemon ended: " + werr.Error()
	}
	if text := lastLines(errPath); text != "" {
		reason += "\n" + text
	}
	return &LaunchError{Reason: reason, LogDir: cfg.LogDir}
}

// lastLines is the end of what a dead daemon printed.
func lastLines(path string) string {
	const most = 2000
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	if len(data) > most {
		data = data[len(data)-most:]
	}
	return strings.TrimSpace(string(data))
}

// Shutdown ends the daemon of dataDir and returns its last state, or false
// when none was running. It asks first and, after patience, kills: the data
// is safe either way.
func Shutdown(ctx context.Context, dataDir string) (State, bool, error) {
	st, running, err := Find(dataDir)
	if err != nil || !running {
		return st, false, err
	}
	if st.PID == 0 {
		return st, true, &RunningError{DataDir: dataDir}
	}
	p, err := os.FindProcess(st.PID)
	if err != nil {
		return st, true, fmt.Errorf("process %d: %w", st.PID, err)
	}
	if err := terminate(p); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return st, true, fmt.Errorf("end process %d: %w", st.PID, err)
	}
	patient, cancel := context.WithTimeout(ctx, closeTimeout+2*time.Second)
	defer cancel()
	if err := waitGone(patient, dataDir); err == nil || ctx.Err() != nil {
		return st, true, err
	}
	if err := p.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return st, true, fmt.Errorf("kill process %d: %w", st.PID, err)
	}
	return st, true, waitGone(ctx, dataDir)
}
