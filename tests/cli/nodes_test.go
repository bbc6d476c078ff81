package cli

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/tests/harness"
	"github.com/rogpeppe/go-internal/testscript"
)

// TestNodes runs the scripts in nodes, whose SC and SPUs are processes of their
// own. testscript ends those that are left when a script ends.
func TestNodes(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "nodes",
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Cmds:                nodeVerbs,
		Setup: func(env *testscript.Env) error {
			home := filepath.Join(env.WorkDir, "home")
			env.Setenv("HOME", home)
			env.Setenv("FLUVIO_HINTS", "")
			return os.Mkdir(home, 0o755)
		},
	})
}

// nodeVerbs are what these scripts can say beyond testscript's own.
var nodeVerbs = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"addrs":   addrs,
	"certs":   certs,
	"retry":   retry,
	"term":    term,
	"waitlog": waitlog,
}

const (
	patience = time.Minute
	poll     = 10 * time.Millisecond
)

// until polls for a condition and fails with what was seen last.
func until(ts *testscript.TestScript, what string, ok func() (seen string, ok bool)) {
	deadline := time.Now().Add(patience)
	for {
		seen, done := ok()
		if done {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("no %s within %v; at last:\n%s", what, patience, seen)
		}
		time.Sleep(poll)
	}
}

// addrs PREFIX FILE: waits for an address file and sets PREFIX_PUBLIC and so on.
func addrs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: addrs PREFIX FILE")
	}
	until(ts, args[1], func() (string, bool) {
		b, err := os.ReadFile(ts.MkAbs(args[1]))
		if err != nil {
			return err.Error(), false
		}
		for line := range strings.SplitSeq(strings.TrimSpace(string(b)), "\n") {
			key, value, _ := strings.Cut(line, "=")
			ts.Setenv(args[0]+"_"+key, value)
		}
		return "", true
	})
}

// certs DIR: makes certificates, see harness.WriteCerts.
func certs(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: certs DIR")
	}
	ts.Check(os.MkdirAll(ts.MkAbs(args[0]), 0o755))
	ts.Check(harness.WriteCerts(ts.MkAbs(args[0]), "localhost", "127.0.0.1", "custom-spu-1.localhost"))
}

// retry PATTERN PROGRAM ARG...: runs the program until it succeeds and its
// output matches.
func retry(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: retry PATTERN PROGRAM ARG...")
	}
	re, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	until(ts, "match for "+args[0], func() (string, bool) {
		cmd := exec.Command(path, args[2:]...)
		cmd.Env = []string{"HOME=" + ts.Getenv("HOME"), "PATH=" + ts.Getenv("PATH")}
		cmd.Dir = ts.MkAbs(".")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		return string(out) + stderr.String(), err == nil && re.Match(out)
	})
}

// term PID: sends SIGTERM to a process that the script started.
func term(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: term PID")
	}
	pid, err := strconv.Atoi(args[0])
	ts.Check(err)
	p, err := os.FindProcess(pid)
	ts.Check(err)
	ts.Check(p.Signal(syscall.SIGTERM))
}

// waitlog PATTERN FILE: waits for a line that matches in a file that grows.
func waitlog(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: waitlog PATTERN FILE")
	}
	re, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	until(ts, "line "+args[0], func() (string, bool) {
		b, err := os.ReadFile(ts.MkAbs(args[1]))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			ts.Fatalf("%v", err)
		}
		return string(b), re.Match(b)
	})
}
