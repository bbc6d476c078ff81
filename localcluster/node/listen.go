package node

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/fluvio-go/fluvio/engine/sc/meta/boltstore"
)

// PortError says that a node cannot listen where it should.
type PortError struct {
	Node string // "SC" or the name of an SPU
	Addr string
	Err  error
}

func (e *PortError) Error() string {
	if errors.Is(e.Err, syscall.EADDRINUSE) {
		return fmt.Sprintf("%s cannot listen on %s: the port is in use by another program", e.Node, e.Addr)
	}
	return fmt.Sprintf("%s cannot listen on %s: %v", e.Node, e.Addr, e.Err)
}

func (e *PortError) Unwrap() error { return e.Err }

// InUse reports whether a node did not start because another process has its
// port or its data.
func InUse(err error) bool {
	var data *InUseError
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, boltstore.ErrInUse) || errors.As(err, &data)
}

// Listen opens a port of a node. The error is a *PortError.
func Listen(node, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, &PortError{node, addr, err}
	}
	return l, nil
}

// SplitAddr checks host:port. The host may be empty.
func SplitAddr(addr string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("%q is not host:port", addr)
	}
	port, err = strconv.Atoi(text)
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("port %q of %q is not a number from 0 to 65535", text, addr)
	}
	return host, port, nil
}
