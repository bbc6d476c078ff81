//go:build unix

package localcluster

import (
	"os"
	"syscall"
)

// detached makes a daemon the leader of its own session: a ctrl-c or a closed
// terminal of the launcher is not its business.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }
