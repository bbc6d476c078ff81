package profiles

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// TLSMode is how a connection is protected.
type TLSMode int

const (
	// TLSDisabled is plain TCP.
	TLSDisabled TLSMode = iota
	// TLSAnonymous encrypts without verifying the server.
	TLSAnonymous
	// TLSVerified verifies the server and presents a client certificate.
	TLSVerified
)

// String returns the spelling used in tables.
func (m TLSMode) String() string {
	switch m {
	case TLSAnonymous:
		return "Anonymous"
	case TLSVerified:
		return "Verified"
	}
	return "Disabled"
}

// TLSPolicy is the TLS part of a cluster. The zero value is disabled.
type TLSPolicy struct {
	Mode TLSMode
	// Inline says what Key, Cert and CACert hold: PEM text when true, paths
	// when false. Only TLSVerified uses them and Domain.
	Inline bool
	Domain string
	Key    string
	Cert   string
	CACert string

	extra      map[string]any
	extraCerts map[string]any
}

var errNoCACert = errors.New("no certificate found in the CA file")

// Config returns what a TLS client needs, or nil when the policy is disabled.
// serverName is the name the server must prove; empty means the policy's
// domain, which is the SC's name. SPUs of one cluster share the domain but
// have names of their own. Certificates are read anew on each call, so renewed
// files are picked up by new connections.
func (p TLSPolicy) Config(serverName string) (*tls.Config, error) {
	if serverName == "" {
		serverName = p.Domain
	}
	switch p.Mode {
	case TLSDisabled:
		return nil, nil
	case TLSAnonymous:
		// The profile asks for encryption without identity.
		return &tls.Config{MinVersion: tls.VersionTLS12, ServerName: serverName, InsecureSkipVerify: true}, nil
	}
	ca, err := p.pem("CA certificate", p.CACert)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, fmt.Errorf("%s: %w", p.origin(p.CACert), errNoCACert)
	}
	cert, err := p.pem("client certificate", p.Cert)
	if err != nil {
		return nil, err
	}
	key, err := p.pem("client key", p.Key)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("client certificate %s: %w", p.origin(p.Cert), err)
	}
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		ServerName:   serverName,
		RootCAs:      roots,
		Certificates: []tls.Certificate{pair},
	}, nil
}

// Inlined returns the policy with the contents of its files in place of their
// paths, for programs that run elsewhere.
func (p TLSPolicy) Inlined() (TLSPolicy, error) {
	if p.Mode != TLSVerified || p.Inline {
		return p, nil
	}
	out := p
	out.Inline = true
	for _, part := range []struct {
		what string
		from string
		to   *string
	}{
		{"client key", p.Key, &out.Key},
		{"client certificate", p.Cert, &out.Cert},
		{"CA certificate", p.CACert, &out.CACert},
	} {
		text, err := p.pem(part.what, part.from)
		if err != nil {
			return TLSPolicy{}, err
		}
		*part.to = string(text)
	}
	return out, nil
}

func (p TLSPolicy) pem(what, value string) ([]byte, error) {
	if p.Inline {
		return []byte(value), nil
	}
	b, err := os.ReadFile(value)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return b, nil
}

// origin names a certificate in a message without printing key material.
func (p TLSPolicy) origin(value string) string {
	if p.Inline {
		return "(inline)"
	}
	return value
}
