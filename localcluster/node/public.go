package node

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/fluvio-go/fluvio/netproto/transport"
)

// ServerTLS is what a public listener presents. With a CA, clients must present
// a certificate that it signed. All are paths of PEM files; clientCA may be
// empty.
func ServerTLS(certFile, keyFile, clientCA string) (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("server certificate %s and key %s: %w", certFile, keyFile, err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if clientCA == "" {
		return c, nil
	}
	pem, err := os.ReadFile(clientCA)
	if err != nil {
		return nil, fmt.Errorf("CA certificate: %w", err)
	}
	c.ClientCAs = x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("CA certificate %s holds no PEM certificate", clientCA)
	}
	c.ClientAuth = tls.RequireAndVerifyClientCert
	return c, nil
}

// Public says where clients come.
type Public struct {
	Addr  string
	TLS   *tls.Config // of Addr; nil is plain
	Plain string      // one more address, always plain; empty is none
}

// Listen opens the addresses and returns one listener for all. plain is where
// clients come without TLS beside TLS, nil if nowhere. The error is a
// *PortError.
func (p Public) Listen(node string, logger *slog.Logger) (ln net.Listener, plain net.Addr, err error) {
	main, err := Listen(node, p.Addr)
	if err != nil {
		return nil, nil, err
	}
	doors := []transport.Door{{Listener: main}}
	if p.TLS != nil {
		doors[0].Check = func(ctx context.Context, nc net.Conn) (net.Conn, error) {
			tc := tls.Server(nc, p.TLS)
			return tc, tc.HandshakeContext(ctx)
		}
	}
	if p.Plain != "" {
		second, err := Listen(node, p.Plain)
		if err != nil {
			return nil, nil, errors.Join(err, main.Close())
		}
		doors = append(doors, transport.Door{Listener: second})
		plain = second.Addr()
	}
	if len(doors) == 1 && p.TLS == nil {
		return main, nil, nil
	}
	return transport.NewGate(transport.GateOptions{Logger: logger}, doors...), plain, nil
}
