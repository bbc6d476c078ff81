//go:build unix

package root

import (
	"os"
	"syscall"
)

// signalOf returns the signal that ended a process, or 0.
func signalOf(state *os.ProcessState) int {
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return int(ws.Signal())
	}
	return 0
}
