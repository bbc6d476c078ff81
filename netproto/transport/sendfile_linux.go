package transport

import (
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// sendfileMax is the most that the kernel moves in one call.
const sendfileMax = 1 << 30

// fileSender moves file bytes into a TCP socket inside the kernel. It always
// names the file position, so any number of connections can share one
// *os.File; io.Copy to a TCP connection would use and move the file's own.
//
// The callbacks are made once, since RawConn wants functions and a closure
// per call would be garbage per response.
type fileSender struct {
	sock syscall.RawConn // nil: not a TCP connection

	sendHead func(fd uintptr) bool
	withFile func(fd uintptr)

	// Arguments and results of the callbacks.
	head   []byte
	sockFD int
	off    int64
	left   int64
	n      int
	err    error
}

func (s *fileSender) init(nc net.Conn) {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	s.sock = raw
	s.sendHead = func(fd uintptr) bool {
		s.n, s.err = retryInterrupted(func() (int, error) {
			return unix.SendmsgN(int(fd), s.head, nil, nil, unix.MSG_MORE|unix.MSG_NOSIGNAL)
		})
		return s.err != unix.EAGAIN
	}
	s.withFile = func(fd uintptr) {
		s.n, s.err = retryInterrupted(func() (int, error) {
			off := s.off
			return unix.Sendfile(s.sockFD, int(fd), &off, int(min(s.left, sendfileMax)))
		})
	}
}

// retryInterrupted must not leave EINTR to the poller: the socket is still
// writable, so no event would come.
func retryInterrupted(f func() (int, error)) (int, error) {
	for {
		if n, err := f(); err != unix.EINTR {
			return n, err
		}
	}
}

func (s *fileSender) usable() bool { return s.sock != nil }

// send writes head, held back by the kernel until file bytes follow, and then
// the file range.
func (s *fileSender) send(w *frameWriter, head []byte, f *os.File, off, size int64) error {
	file, err := f.SyscallConn()
	if err != nil {
		return err
	}
	for s.head = head; len(s.head) > 0; s.head = s.head[s.n:] {
		if err := s.step(w, s.sendHead); err != nil {
			return err
		}
	}
	s.head = nil

	var ctl error
	sendFile := func(fd uintptr) bool {
		s.sockFD = int(fd)
		if ctl = file.Control(s.withFile); ctl != nil {
			return true
		}
		return s.err != unix.EAGAIN
	}
	for s.off, s.left = off, size; s.left > 0; {
		if err := s.step(w, sendFile); err != nil {
			return err
		}
		if ctl != nil {
			return ctl
		}
		if s.n == 0 {
			return ErrFileTruncated
		}
		s.off += int64(s.n)
		s.left -= int64(s.n)
	}
	return nil
}

// step waits until the socket takes something and lets f put it there.
func (s *fileSender) step(w *frameWriter, f func(uintptr) bool) error {
	if err := w.arm(); err != nil {
		return err
	}
	s.n, s.err = 0, nil
	if err := s.sock.Write(f); err != nil {
		return err
	}
	return os.NewSyscallError("sendfile", s.err)
}
