//go:build !linux

package transport

import (
	"net"
	"os"
)

// fileSender is not available here; files are copied through memory.
type fileSender struct{}

func (*fileSender) init(net.Conn) {}

func (*fileSender) usable() bool { return false }

func (*fileSender) send(w *frameWriter, head []byte, f *os.File, off, size int64) error {
	return w.copyFile(head, f, off, size)
}
