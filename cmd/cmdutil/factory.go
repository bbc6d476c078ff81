package cmdutil

import (
	"context"

	"github.com/fluvio-go/fluvio/internal/iostreams"
	"github.com/fluvio-go/fluvio/profiles"
	"github.com/spf13/cobra"
)

// Factory gives a command what it cannot make itself. main makes one; tests
// make one with their own streams.
type Factory struct {
	IO *iostreams.Streams

	// Overrides is what the root flags say about the target. It is complete
	// only once a command runs.
	Overrides profiles.Overrides

	// PlatformVersion asks a cluster for its release. nil means that the
	// binary cannot connect, which is answered like an unreachable cluster.
	PlatformVersion func(context.Context, profiles.Target) (string, error)
}

// Target returns the cluster the command is about: root flags over environment
// over the profile file. The error is for people.
func (f *Factory) Target() (profiles.Target, error) {
	t, err := profiles.Resolve(f.Overrides)
	return t, Explain(err)
}

// LoadProfiles returns the profile file as it is, and its path. The error is
// that of profiles.Load.
func LoadProfiles() (*profiles.Config, string, error) {
	path, err := profiles.Path()
	if err != nil {
		return nil, "", err
	}
	c, err := profiles.Load(path)
	return c, path, err
}

// AddTLSFlags defines the TLS flags that describe a cluster's client side.
func AddTLSFlags(cmd *cobra.Command, tls *profiles.TLSFlags) {
	fs := cmd.Flags()
	fs.BoolVar(&tls.Enabled, "tls", false, "Use TLS")
	fs.BoolVar(&tls.ClientCert, "enable-client-cert", false, "Verify the cluster and present a client certificate")
	fs.StringVar(&tls.Domain, "domain", "", "Name the cluster must prove, with a client certificate")
	fs.StringVar(&tls.CACert, "ca-cert", "", "Read the CA certificate from this file, with a client certificate")
	fs.StringVar(&tls.Cert, "client-cert", "", "Read the client certificate from this file")
	fs.StringVar(&tls.Key, "client-key", "", "Read the client's private key from this file")
}
