package localcluster

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/fluvio-go/fluvio/profiles"
)

// ProfilePolicy is t as profiles have it.
func (t TLS) ProfilePolicy() profiles.TLSPolicy {
	p := profiles.TLSPolicy{Domain: t.Certs.Domain, Key: t.Certs.Key, Cert: t.Certs.Cert, CACert: t.Certs.CACert}
	switch t.Policy {
	case "anonymous":
		p.Mode = profiles.TLSAnonymous
	case "verified":
		p.Mode = profiles.TLSVerified
	}
	return p
}

// server is what the public listeners present. With a CA, clients must
// present a certificate that it signed. It is nil when TLS is off.
func (t TLS) server() (*tls.Config, error) {
	if !t.Enabled() {
		return nil, nil
	}
	cert, err := tls.LoadX509KeyPair(t.Certs.Cert, t.Certs.Key)
	if err != nil {
		return nil, fmt.Errorf("server certificate %s and key %s: %w", t.Certs.Cert, t.Certs.Key, err)
	}
	c := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if t.Certs.CACert == "" {
		return c, nil
	}
	pem, err := os.ReadFile(t.Certs.CACert)
	if err != nil {
		return nil, fmt.Errorf("CA certificate: %w", err)
	}
	c.ClientCAs = x509.NewCertPool()
	if !c.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("CA certificate %s holds no PEM certificate", t.Certs.CACert)
	}
	c.ClientAuth = tls.RequireAndVerifyClientCert
	return c, nil
}
