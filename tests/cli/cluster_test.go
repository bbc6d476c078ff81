package cli

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fluvio-go/fluvio/localcluster"
	"github.com/rogpeppe/go-internal/testscript"
)

// commands are what scripts with a real cluster use. Each script has its own
// HOME, so each has a cluster of its own.
var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"cluster": startCluster,
	"kill9":   killCluster,
	"listen":  listen,
	"retry":   retry,
}

const (
	startTries = 5 // a port may be taken between our look and the daemon's
	killWait   = 10 * time.Second
	killPoll   = time.Millisecond
)

func refuseNeg(ts *testscript.TestScript, neg bool) {
	if neg {
		ts.Fatalf("unsupported: !")
	}
}

// startCluster is `cluster FLAG...`: starts one on free ports and sets $SC to
// its address.
func startCluster(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	var err error
	for range startTries {
		addr := freeAddr(ts)
		ts.Setenv("SC", addr)
		args := append([]string{"cluster", "start", "--sc-pub-addr", addr, "--spu-base-port", "0"}, args...)
		if err = ts.Exec("fluvio", args...); err == nil || !strings.Contains(ts.ReadFile("stderr"), "in use") {
			break
		}
	}
	ts.Check(err)
}

func freeAddr(ts *testscript.TestScript) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	defer l.Close()
	return l.Addr().String()
}

// listen is `listen VAR`: takes a port for the rest of the script and sets VAR
// to its address.
func listen(ts *testscript.TestScript, neg bool, args []string) {
	refuseNeg(ts, neg)
	if len(args) != 1 {
		ts.Fatalf("usage: listen VAR")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { l.Close() })
	ts.Setenv(args[0], l.Addr().String())
}

// killCluster is `kill9`: kills the daemon as a crash does.
func killCluster(ts *testscript.TestScript, neg bool, _ []string) {
	refuseNeg(ts, neg)
	killed, err := kill(ts.Getenv("HOME"))
	ts.Check(err)
	if !killed {
		ts.Fatalf("no daemon is running")
	}
}

// kill ends the daemon of a HOME, if there is one, and returns when it has
// released its lock.
func kill(home string) (killed bool, err error) {
	data := filepath.Join(home, ".fluvio", "data")
	st, running, err := localcluster.Find(data)
	if err != nil || !running || st.PID == 0 {
		return false, err
	}
	p, err := os.FindProcess(st.PID)
	if err != nil {
		return false, err
	}
	if err := p.Kill(); err != nil {
		return false, err
	}
	deadline := time.Now().Add(killWait)
	for tick := time.NewTicker(killPoll); ; <-tick.C {
		_, running, err := localcluster.Find(data)
		if err != nil || !running {
			return true, err
		}
		if time.Now().After(deadline) {
			return true, &localcluster.RunningError{DataDir: data, PID: st.PID}
		}
	}
}
