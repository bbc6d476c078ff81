package localcluster

import (
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

func detached() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP | windows.DETACHED_PROCESS}
}

// terminate kills: Windows has no signal that a process without a console can
// hear. Recovery makes this safe.
func terminate(p *os.Process) error { return p.Kill() }
