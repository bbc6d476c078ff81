package nodeauth

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// limitSilence has the kernel give up a connection whose other end has
// confirmed nothing for silence. Without it a connection that outlived a cut
// tries again after waits that have grown as long as the cut was, up to two
// minutes, while a new one would get through at once.
func limitSilence(_, _ string, c syscall.RawConn) error {
	var err error
	if err2 := c.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(silence.Milliseconds()))
	}); err2 != nil {
		return err2
	}
	return os.NewSyscallError("setsockopt", err)
}
