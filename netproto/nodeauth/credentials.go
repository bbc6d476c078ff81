package nodeauth

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/fluvio-go/fluvio/netproto/transport"
)

const (
	// handshakeTimeout bounds the time a peer has to prove itself.
	handshakeTimeout = 5 * time.Second
	// silence is after what time a connection is given up whose other end
	// confirms nothing: longer than leases, so that leaders have moved already
	// when it is the network, and short enough to be back soon afterwards.
	silence = 5 * time.Second
	// Handshakes that a listener serves at a time, in all and for one
	// address: a flood from one host must not keep out the others.
	maxPending        = 512
	maxPendingPerHost = 32

	// alpn keeps apart connections between nodes and any other use of the
	// same certificates.
	alpn = "fluvio-node/1"
)

// ErrUnprotected means that nodes without credentials were to talk over a
// network.
var ErrUnprotected = errors.New("without a node secret or node certificates only loopback addresses are allowed")

// Credentials are what a node proves with that it belongs to the cluster. The
// zero value has none, which is good for loopback addresses only. They do not
// change and are safe for concurrent use.
type Credentials struct {
	secret *Secret
	server *tls.Config
	client *tls.Config
}

// WithSecret authenticates by a shared secret, which NewSecret or ReadSecret
// made.
func WithSecret(s Secret) Credentials { return Credentials{secret: &s} }

// WithCertificates authenticates by mutual TLS 1.3. The PEM files are this
// node's certificate, which must be good for servers and clients and carry
// every host name or address by which others dial it; its key; and the CA that
// signs the certificates of nodes and of nothing else, since whoever shows one
// is a node.
func WithCertificates(certFile, keyFile, caFile string) (Credentials, error) {
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return Credentials{}, fmt.Errorf("node certificate %s and key %s: %w", certFile, keyFile, err)
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return Credentials{}, fmt.Errorf("node CA: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return Credentials{}, fmt.Errorf("node CA %s holds no PEM certificate", caFile)
	}
	base := tls.Config{
		Certificates: []tls.Certificate{cert},
		MinVersion:   tls.VersionTLS13,
		NextProtos:   []string{alpn},
	}
	server, client := base.Clone(), base.Clone()
	server.ClientAuth, server.ClientCAs = tls.RequireAndVerifyClientCert, pool
	client.RootCAs = pool
	return Credentials{server: server, client: client}, nil
}

// String names the kind of the credentials.
func (c Credentials) String() string {
	switch {
	case c.secret != nil:
		return "shared secret"
	case c.server != nil:
		return "mutual TLS"
	}
	return "none"
}

func (c Credentials) none() bool { return c.secret == nil && c.server == nil }

// Listen takes over ln, on which others dial service, and returns a listener
// whose connections are from nodes of the cluster. The error is
// ErrUnprotected; ln is then still the caller's.
func (c Credentials) Listen(ln net.Listener, service string, logger *slog.Logger) (net.Listener, error) {
	if c.none() {
		if !loopback(ln.Addr()) {
			return nil, ErrUnprotected
		}
		return ln, nil
	}
	return transport.NewGate(transport.GateOptions{
		Timeout: handshakeTimeout, MaxPending: maxPending, MaxPendingPerHost: maxPendingPerHost, Logger: logger,
	}, transport.Door{Listener: ln, Check: func(ctx context.Context, nc net.Conn) (net.Conn, error) {
		return c.accept(ctx, nc, service)
	}}), nil
}

func (c Credentials) accept(ctx context.Context, nc net.Conn, service string) (net.Conn, error) {
	if c.secret != nil {
		return nc, c.secret.accept(nc, service)
	}
	tc := tls.Server(nc, c.server)
	if err := tc.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	// A client that offers no protocol at all passes the handshake.
	if got := tc.ConnectionState().NegotiatedProtocol; got != alpn {
		return nil, fmt.Errorf("the peer is no node: it offers %q, not %q", got, alpn)
	}
	return tc, nil
}

// Dial connects to service on addr, host:port, and proves both ends to each
// other. ctx bounds it all.
func (c Credentials) Dial(ctx context.Context, addr, service string) (net.Conn, error) {
	d := net.Dialer{Control: limitSilence}
	nc, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	if c.none() {
		if !loopback(nc.RemoteAddr()) {
			nc.Close()
			return nil, fmt.Errorf("%s: %w", addr, ErrUnprotected)
		}
		return nc, nil
	}
	out, err := c.introduce(ctx, nc, addr, service)
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("authenticate with %s: %w", addr, err)
	}
	return out, nil
}

// introduce is the dialler's handshake, within handshakeTimeout.
func (c Credentials) introduce(ctx context.Context, nc net.Conn, addr, service string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	out, err := c.handshake(ctx, nc, addr, service)
	if !stop() { // nc is closed, whatever the handshake says
		return nil, ctx.Err()
	}
	return out, err
}

func (c Credentials) handshake(ctx context.Context, nc net.Conn, addr, service string) (net.Conn, error) {
	if c.secret != nil {
		return nc, c.secret.dial(nc, service)
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	cfg := c.client.Clone()
	cfg.ServerName = host
	tc := tls.Client(nc, cfg)
	return tc, tc.HandshakeContext(ctx)
}

// CheckDial reports ahead of Dial, with ErrUnprotected, that addr can never be
// dialled with these credentials. A host name other than localhost counts as
// not loopback.
func (c Credentials) CheckDial(addr string) error {
	if !c.none() {
		return nil
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("%s: %w", addr, ErrUnprotected)
}

// loopback reports whether nobody on a network is at that address. Those that
// are not of TCP, such as those in memory, count as loopback.
func loopback(a net.Addr) bool {
	t, ok := a.(*net.TCPAddr)
	return !ok || t.IP.IsLoopback()
}
