//go:build netns && linux

package netns

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// at runs f on a thread in the namespace of h. Sockets stay where they were
// made, so they can be used from anywhere afterwards.
func at(t *testing.T, h host, f func() error) {
	t.Helper()
	done := make(chan error)
	go func() {
		// The thread is never unlocked, so it ends with the goroutine and nobody
		// else gets to run in the namespace.
		runtime.LockOSThread()
		done <- func() error {
			file, err := os.Open(filepath.Join("/run/netns", lan.namespace(h.name)))
			if err != nil {
				return err
			}
			defer file.Close()
			if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
				return os.NewSyscallError("setns", err)
			}
			return f()
		}()
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// mailbox is a UDP socket of a host.
func mailbox(t *testing.T, h host) *net.UDPConn {
	t.Helper()
	var c *net.UDPConn
	at(t, h, func() (err error) {
		c, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(h.addr()), Port: 9})
		return err
	})
	t.Cleanup(func() { c.Close() })
	return c
}

func send(t *testing.T, from, to *net.UDPConn, text string) {
	t.Helper()
	if _, err := from.WriteTo([]byte(text), to.LocalAddr()); err != nil {
		t.Fatalf("the sender noticed: %v", err)
	}
}

func receive(t *testing.T, c *net.UDPConn, want string) {
	t.Helper()
	buf := make([]byte, 100)
	n, err := c.Read(buf)
	if err != nil || string(buf[:n]) != want {
		t.Fatalf("%v received %q, %v, want %q", c.LocalAddr(), buf[:n], err, want)
	}
}

// TestCut: a cut drops what goes one way between two hosts, all of it and
// nothing else, and nobody is told.
func TestCut(t *testing.T) {
	a, b, c := hostSPUs[0], hostSPUs[1], hostSPUs[2]
	atA, atB, atC := mailbox(t, a), mailbox(t, b), mailbox(t, c)
	send(t, atA, atB, "before")
	receive(t, atB, "before")
	if err := lan.cut(a, b); err != nil {
		t.Fatal(err)
	}
	send(t, atA, atB, "into the cut")
	send(t, atB, atA, "the other way")
	receive(t, atA, "the other way")
	send(t, atA, atC, "to another")
	receive(t, atC, "to another")
	send(t, atC, atB, "from another")
	receive(t, atB, "from another")
	if err := lan.mend(a, b); err != nil {
		t.Fatal(err)
	}
	send(t, atA, atB, "after")
	receive(t, atB, "after")
}

// TestCutConnection: an open connection survives a cut, and what was written
// meanwhile arrives afterwards.
func TestCutConnection(t *testing.T) {
	a, b := hostSPUs[0], hostSPUs[1]
	var ln net.Listener
	var client net.Conn
	at(t, b, func() (err error) {
		ln, err = net.Listen("tcp4", b.addr()+":0")
		return err
	})
	defer ln.Close()
	at(t, a, func() (err error) {
		client, err = net.Dial("tcp4", ln.Addr().String())
		return err
	})
	defer client.Close()
	server, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	atA, atB := mailbox(t, a), mailbox(t, b)
	if err := lan.cut(a, b); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Write([]byte("into the cut\n")); err != nil {
		t.Fatalf("the sender noticed: %v", err)
	}
	// The cut is one-way: what B writes arrives, though A's kernel cannot
	// acknowledge it.
	if _, err := server.Write([]byte("the other way\n")); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(client).ReadString('\n')
	if err != nil || line != "the other way\n" {
		t.Fatalf("received %q, %v", line, err)
	}
	if n := waiting(t, server); n != 0 {
		t.Fatalf("%d bytes came through the cut", n)
	}
	if err := lan.mend(a, b); err != nil {
		t.Fatal(err)
	}
	send(t, atA, atB, "after")
	receive(t, atB, "after")
	line, err = bufio.NewReader(server).ReadString('\n')
	if err != nil || line != "into the cut\n" {
		t.Fatalf("received %q, %v", line, err)
	}
}

// waiting is how many bytes have arrived and were not read.
func waiting(t *testing.T, c net.Conn) (n int) {
	t.Helper()
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {
		n, err = unix.IoctlGetInt(int(fd), unix.TIOCINQ)
	}); err != nil || n < 0 {
		t.Fatal(err)
	}
	return n
}
