package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/localcluster"
)

const (
	commandTimeout = 60 * time.Second
	gonePatience   = 10 * time.Second
	gonePoll       = time.Millisecond
)

// Build compiles the fluvio binary into dir. FLUVIO_BIN is the absolute path of
// one that is ready.
func Build(dir string) (string, error) {
	if bin := os.Getenv("FLUVIO_BIN"); bin != "" {
		if !filepath.IsAbs(bin) {
			return "", fmt.Errorf("FLUVIO_BIN is %q, want an absolute path: tests run in the folders of their packages", bin)
		}
		return bin, nil
	}
	bin := filepath.Join(dir, "fluvio")
	cmd := exec.Command("go", "build", "-o", bin, "github.com/fluvio-go/fluvio/cmd/fluvio")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return bin, nil
}

// Cluster is a local cluster in a HOME of its own.
type Cluster struct {
	Bin    string
	Home   string
	SCAddr string // set by Start
	tb     testing.TB
}

// New prepares a cluster that is not started. The test's end ends it.
func New(tb testing.TB, bin string) *Cluster {
	c := &Cluster{Bin: bin, Home: tb.TempDir(), tb: tb}
	tb.Cleanup(c.end)
	return c
}

// DataDir holds metadata and records.
func (c *Cluster) DataDir() string { return filepath.Join(c.Home, ".fluvio", "data") }

func (c *Cluster) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.Bin, args...)
	cmd.Env = []string{"HOME=" + c.Home, "PATH=" + os.Getenv("PATH"), "FLUVIO_HINTS="}
	return cmd
}

// Run runs one command line. The error holds what it printed on both streams.
func (c *Cluster) Run(args ...string) (stdout string, err error) {
	ctx, cancel := context.WithTimeout(c.tb.Context(), commandTimeout)
	defer cancel()
	cmd := c.command(ctx, args...)
	var out, both bytes.Buffer
	cmd.Stdout = &tee{&out, &both}
	cmd.Stderr = &both
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("fluvio %s: %w\n%s", strings.Join(args, " "), err, both.Bytes())
	}
	return out.String(), nil
}

// tee keeps the output on its own and in order with the errors.
type tee struct{ own, both *bytes.Buffer }

func (t *tee) Write(p []byte) (int, error) {
	t.both.Write(p)
	return t.own.Write(p)
}

// Start starts the cluster on free ports.
func (c *Cluster) Start(flags ...string) {
	c.tb.Helper()
	const tries = 5 // a port may be taken between our look and the daemon's
	var err error
	for range tries {
		c.SCAddr = FreeAddr(c.tb)
		args := append([]string{"cluster", "start", "--sc-pub-addr", c.SCAddr, "--spu-base-port", "0"}, flags...)
		if _, err = c.Run(args...); err == nil || !strings.Contains(err.Error(), "in use") {
			break
		}
	}
	if err != nil {
		c.tb.Fatal(err)
	}
}

// FreeAddr is a loopback address that nobody listens on.
func FreeAddr(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Resume starts the cluster again.
func (c *Cluster) Resume() {
	c.tb.Helper()
	if _, err := c.Run("cluster", "resume"); err != nil {
		c.tb.Fatal(err)
	}
}

// PID is the process of the running daemon.
func (c *Cluster) PID() int {
	c.tb.Helper()
	st, running, err := localcluster.Find(c.DataDir())
	if err != nil || !running || st.PID == 0 {
		c.tb.Fatalf("no daemon is running in %s: %+v, %v", c.DataDir(), st, err)
	}
	return st.PID
}

// Kill ends the daemon with SIGKILL and returns when it is gone.
func (c *Cluster) Kill() {
	c.tb.Helper()
	p, err := os.FindProcess(c.PID())
	if err != nil {
		c.tb.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		c.tb.Fatal(err)
	}
	c.waitGone()
}

func (c *Cluster) waitGone() {
	c.tb.Helper()
	deadline := time.After(gonePatience)
	tick := time.NewTicker(gonePoll)
	defer tick.Stop()
	for {
		_, running, err := localcluster.Find(c.DataDir())
		if err != nil {
			c.tb.Fatal(err)
		}
		if !running {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			c.tb.Fatalf("the daemon still holds its lock %v after its end", gonePatience)
		}
	}
}

// KillStart starts the daemon and kills it after a time, in the middle of its
// start or recovery if the time is short.
func (c *Cluster) KillStart(after time.Duration) {
	c.tb.Helper()
	cmd := c.command(c.tb.Context(), "run", "local", "--config", filepath.Join(c.Home, ".fluvio", "local-config"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		c.tb.Fatal(err)
	}
	kill := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	err := cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Exited() {
		c.tb.Fatalf("the daemon ended by itself within %v: %v\n%s", after, err, stderr.Bytes())
	}
}

// Dial connects a client to the SC.
func (c *Cluster) Dial(ctx context.Context) *client.Client {
	c.tb.Helper()
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	cl, err := client.Dial(ctx, client.WithEndpoint(c.SCAddr))
	if err != nil {
		c.tb.Fatal(err)
	}
	return cl
}

// end leaves no daemon behind. The lock, not a process id that may have a new
// owner, says whether there is one.
func (c *Cluster) end() {
	st, running, err := localcluster.Find(c.DataDir())
	if err != nil {
		c.tb.Error(err)
	}
	if !running || st.PID == 0 {
		return
	}
	p, err := os.FindProcess(st.PID)
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		c.tb.Errorf("end daemon %d: %v", st.PID, err)
		return
	}
	c.waitGone()
}
