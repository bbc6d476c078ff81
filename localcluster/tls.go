package localcluster

import (
	"crypto/tls"

	"github.com/fluvio-go/fluvio/localcluster/node"
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
	return node.ServerTLS(t.Certs.Cert, t.Certs.Key, t.Certs.CACert)
}
