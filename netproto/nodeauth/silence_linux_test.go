package nodeauth

import (
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSilenceIsLimited(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	nc, err := Credentials{}.Dial(t.Context(), ln.Addr().String(), "sc")
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	raw, err := nc.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var ms int
	if err2 := raw.Control(func(fd uintptr) {
		ms, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
	}); err != nil || err2 != nil || int64(ms) != silence.Milliseconds() {
		t.Errorf("the limit is %d ms, %v, %v, want %v", ms, err, err2, silence)
	}
}
