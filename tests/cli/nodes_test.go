package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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
	"honest":  honest,
	"more":    more,
	"ordered": ordered,
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
	until(ts, "match for "+args[0], func() (string, bool) {
		both, stdout, err := output(ts, args[1:])
		return both, err == nil && re.MatchString(stdout)
	})
}

// output runs a program and returns what it prints on both streams.
func output(ts *testscript.TestScript, args []string) (both, stdout string, err error) {
	path, err := exec.LookPath(args[0])
	ts.Check(err)
	cmd := exec.Command(path, args[1:]...)
	cmd.Env = []string{"HOME=" + ts.Getenv("HOME"), "PATH=" + ts.Getenv("PATH")}
	cmd.Dir = ts.MkAbs(".")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	return string(out) + stderr.String(), string(out), err
}

// inSync is the column IN SYNC of the wide table: the second list of ids.
var inSync = regexp.MustCompile(`\[[\d, ]*\] +\[([\d, ]*)\]`)

// honest TOPIC SPU END PATTERN: looks at the wide table until its row of the
// topic matches. The row may count the SPU as in sync only if it says that the
// SPU's log ends there.
func honest(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: honest TOPIC SPU END PATTERN")
	}
	topic, spu, end := args[0], args[1], args[2]
	re, err := regexp.Compile(args[3])
	ts.Check(err)
	follows := regexp.MustCompile(spu + `: hw \d+, leo ` + end + `,`)
	until(ts, "match for "+args[3], func() (string, bool) {
		both, stdout, err := output(ts, []string{"fluvio", "partition", "list", "-O", "wide"})
		if err != nil {
			return both, false
		}
		for line := range strings.SplitSeq(stdout, "\n") {
			if !strings.HasPrefix(strings.TrimSpace(line), topic+" ") {
				continue
			}
			set := inSync.FindStringSubmatch(line)
			if set != nil && slices.Contains(strings.Split(set[1], ", "), spu) && !follows.MatchString(line) {
				ts.Fatalf("SPU %s is said to be in sync and is not at %s:\n%s", spu, end, line)
			}
			return line, re.MatchString(line)
		}
		return stdout, false
	})
}

// lineCount is how many whole lines a file has.
func lineCount(ts *testscript.TestScript, file string) int {
	b, err := os.ReadFile(ts.MkAbs(file))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		ts.Fatalf("%v", err)
	}
	return bytes.Count(b, []byte("\n"))
}

// more FILE N: waits until a file has N more lines than now.
func more(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: more FILE N")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	want := lineCount(ts, args[0]) + n
	until(ts, fmt.Sprintf("%d lines in %s", want, args[0]), func() (string, bool) {
		got := lineCount(ts, args[0])
		return fmt.Sprintf("%d lines", got), got >= want
	})
}

// ordered FILE COUNT NOTES: waits until a file has the lines 0 to COUNT-1, in
// order. COUNT is what drip printed. A line may come twice, and with it those
// that follow, only if NOTES, the error output of the producer, says so.
func ordered(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: ordered FILE COUNT NOTES")
	}
	count, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(ts.ReadFile(args[1]), "lines")))
	ts.Check(err)
	last := fmt.Sprintf("%d\n", count-1)
	until(ts, "end of "+args[0], func() (string, bool) {
		b, err := os.ReadFile(ts.MkAbs(args[0]))
		ts.Check(err)
		return fmt.Sprintf("%d lines, want %d", bytes.Count(b, []byte("\n")), count), strings.HasSuffix(string(b), "\n"+last)
	})
	b, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	next, twice := 0, 0
	for i, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		n, err := strconv.Atoi(line)
		ts.Check(err)
		if n > next {
			ts.Fatalf("line %d of %s is %d: %d to %d are missing", i+1, args[0], n, next, n-1)
		}
		if n < next {
			twice++
		}
		next = n + 1
	}
	if notes := ts.ReadFile(args[2]); twice > 0 && !strings.Contains(notes, "may be in the topic twice") {
		ts.Fatalf("%d places go back, and the producer does not say so:\n%s", twice, notes)
	}
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
