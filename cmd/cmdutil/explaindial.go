package cmdutil

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/netproto/transport"
	"github.com/fluvio-go/fluvio/profiles"
)

// explainDial turns the error of a first connection into one for people.
func explainDial(err error, target profiles.Target) error {
	var conn *transport.ConnError
	var version *client.VersionError
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &conn):
		return explainConn(conn, target)
	case errors.As(err, &version):
		return &uerr.Error{
			What: version.Error(), Err: err, Code: uerr.Failed,
			Why:  fmt.Sprintf("%s reports platform version %s", target.Cluster.Endpoint, version.Platform),
			Next: []string{"fluvio version"},
		}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, transport.ErrTimeout):
		return &uerr.Error{What: err.Error(), Err: err, Code: uerr.TimedOut, Why: target.Cluster.Endpoint + " does not answer"}
	}
	return Explain(err)
}

// explainConn words the failure of a connection as it has always been and says
// what usually helps.
func explainConn(conn *transport.ConnError, target profiles.Target) error {
	e := &uerr.Error{
		What: fmt.Sprintf("Socket io %s, can't connect to %s", osText(conn.Err), conn.Addr),
		Err:  conn, Code: uerr.Unreachable,
	}
	var (
		mismatch *transport.FirstReadError
		alert    *net.OpError
		verify   *tls.CertificateVerificationError
		lookup   *net.DNSError
	)
	switch {
	case errors.As(conn.Err, &mismatch):
		e.Code = uerr.Denied
		e.Why, e.Next = explainTLS(mismatch, conn.Addr)
	case errors.As(conn.Err, &alert) && alert.Op == tlsAlertOp:
		e.Code = uerr.Denied
		e.Why = "the cluster ended the TLS handshake; it may want a client certificate, or not trust the one it got"
		e.Next = certificateCommands(conn.Addr)
	case errors.As(conn.Err, &verify):
		e.Code = uerr.Denied
		e.Why = "the cluster's certificate is not trusted: " + verify.Err.Error()
		e.Next = certificateCommands(conn.Addr)
	case errors.As(conn.Err, &lookup):
		e.Why = fmt.Sprintf("the name %q does not resolve", lookup.Name)
		e.Next = profileCommands(target)
	case isLoopback(conn.Addr):
		e.Why = fmt.Sprintf("no cluster answers on this machine at %s", conn.Addr)
		e.Next = []string{"fluvio cluster start"}
		if stopped() {
			e.Why = fmt.Sprintf("a local cluster is installed but does not answer at %s", conn.Addr)
			e.Next = []string{"fluvio cluster resume", "fluvio cluster status"}
		}
	default:
		e.Why = describeTarget(target) + " cannot be reached"
		e.Next = profileCommands(target)
	}
	return e
}

// tlsAlertOp is what crypto/tls calls the operation when the peer sent an
// alert; the alert itself has no exported type.
const tlsAlertOp = "remote error"

func explainTLS(m *transport.FirstReadError, addr string) (why string, next []string) {
	plain := []string{fmt.Sprintf("fluvio -c %s version", addr)}
	if m.TLS {
		return m.Error(), plain
	}
	return m.Error(), append([]string{fmt.Sprintf("fluvio -c %s --tls version", addr)}, certificateCommands(addr)...)
}

func certificateCommands(addr string) []string {
	return []string{
		fmt.Sprintf("fluvio -c %s --tls --enable-client-cert --domain NAME --ca-cert FILE --client-cert FILE --client-key FILE version", addr),
	}
}

func describeTarget(target profiles.Target) string {
	if target.Profile == "" {
		return target.Cluster.Endpoint
	}
	return fmt.Sprintf("profile %q (%s)", target.Profile, target.Cluster.Endpoint)
}

func profileCommands(target profiles.Target) []string {
	if target.Profile == "" {
		return nil
	}
	return []string{"fluvio profile list", fmt.Sprintf("fluvio profile add %s HOST:PORT", target.Profile)}
}

// osText writes a system error in the spelling of the original: the system's
// text and its number.
func osText(err error) string {
	var errno syscall.Errno
	var lookup *net.DNSError
	switch {
	case errors.As(err, &errno):
		text := errno.Error()
		return fmt.Sprintf("%s%s (os error %d)", strings.ToUpper(text[:1]), text[1:], int(errno))
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return "failed to lookup address information: Name or service not known"
	}
	return err.Error()
}

func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// stopped reports whether a local cluster is installed: its settings file
// stays behind when it is shut down.
func stopped() bool {
	home, err := os.UserHomeDir()
	if err != nil {
		return false
	}
	_, err = os.Stat(filepath.Join(home, ".fluvio", "local-config"))
	return err == nil
}
