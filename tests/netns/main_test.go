//go:build netns && linux

package netns

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/tests/harness"
)

// The outer process tells the inner one where it is.
const (
	netEnv = "FLUVIO_NETNS_NETWORK"
	binEnv = "FLUVIO_NETNS_BIN"
)

var (
	lan       network
	fluvioBin string
	rounds    = 1
	seed      = uint64(time.Now().UnixNano())
)

func TestMain(m *testing.M) {
	lan, fluvioBin = network(os.Getenv(netEnv)), os.Getenv(binEnv)
	if lan == "" {
		os.Exit(outside())
	}
	if err := settings(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func settings() error {
	if s := os.Getenv("NETNS_ROUNDS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return fmt.Errorf("NETNS_ROUNDS is %q, want a number of rounds", s)
		}
		rounds = n
	}
	if s := os.Getenv("NETNS_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return fmt.Errorf("NETNS_SEED is %q, want a number", s)
		}
		seed = n
	}
	return nil
}

// outside makes the network, runs the tests in the namespace for clients, and
// removes everything. Being another process than the tests, it does so after a
// panic, a time-out or ctrl-c as well.
func outside() (status int) {
	// Ctrl-c reaches the tests too, and ends them; we are still needed.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGHUP)
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = 1
		}
	}
	if err := sweep(); err != nil {
		fail(err)
		return
	}
	n := newNetwork()
	dir := n.dir()
	if err := os.Mkdir(dir, 0o755); err != nil {
		fail(err)
		return
	}
	defer func() { fail(os.RemoveAll(dir)) }()
	bin, err := harness.Build(dir)
	if err != nil {
		fail(err)
		return
	}
	defer func() { fail(n.remove()) }()
	if err := n.build(); err != nil {
		fail(err)
		return
	}
	self, err := os.Executable()
	if err != nil {
		fail(err)
		return
	}
	tmp := filepath.Join(dir, "tmp")
	fail(os.Mkdir(tmp, 0o755))
	cmd := exec.Command("ip", append([]string{"netns", "exec", n.namespace(hostClients.name), self}, os.Args[1:]...)...)
	cmd.Env = append(os.Environ(), netEnv+"="+string(n), binEnv+"="+bin, "TMPDIR="+tmp)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		fail(err)
		return
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case sig := <-signals:
			// The tests may have it already; once more does no harm.
			_ = cmd.Process.Signal(sig)
		case err := <-done:
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				return max(exit.ExitCode(), 1)
			}
			fail(err)
			return
		}
	}
}
