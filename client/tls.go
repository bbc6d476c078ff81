package client

import (
	"crypto/tls"
	"net"

	"github.com/fluvio-go/fluvio/profiles"
)

// tlsSource makes the TLS configuration of one connection. A nil source means
// plain connections.
type tlsSource struct {
	// config returns the configuration for the SC, or for an SPU when name
	// is not empty. addr is what is being dialled.
	config func(spu, addr string) (*tls.Config, error)
}

// fixedTLS uses one configuration for all, with the name that each server has
// to prove.
func fixedTLS(base *tls.Config) *tlsSource {
	if base == nil {
		return nil
	}
	return &tlsSource{func(spu, addr string) (*tls.Config, error) {
		cfg := base.Clone()
		if spu != "" {
			cfg.ServerName = spuName(spu, base.ServerName, addr)
		}
		return cfg, nil
	}}
}

// spuName is the name in an SPU's certificate: its own in front of the
// cluster's domain. Without a domain it is the host, as with any server.
func spuName(spu, domain, addr string) string {
	if domain != "" {
		return spu + "." + domain
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return host
}

// policyTLS reads the material of a profile's policy for each connection.
func policyTLS(p profiles.TLSPolicy) *tlsSource {
	return &tlsSource{func(spu, addr string) (*tls.Config, error) {
		if spu != "" {
			spu = spuName(spu, p.Domain, addr)
		}
		return p.Config(spu)
	}}
}
