package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/fluvio-go/fluvio/cmd/argv"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/localcluster"
	"github.com/fluvio-go/fluvio/profiles"
)

type startOptions struct {
	f   *cmdutil.Factory
	cfg localcluster.Config

	local, k8, localK8 bool
	readOnly           string
	skipChecks, setup  bool
	skipProfile        bool
	scPrivate          string
	dataDir, logDir    string // empty: the defaults
	tls                tlsFlags
}

type tlsFlags struct {
	enabled               bool
	domain, ca            string
	clientCert, clientKey string
	serverCert, serverKey string
}

func newStartCmd(f *cmdutil.Factory, runF func(*startOptions) error) *cobra.Command {
	opts := &startOptions{f: f}
	cfg, cfgErr := localcluster.DefaultConfig()
	opts.cfg = cfg
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Start a new local cluster",
		Long: `Start a new local cluster and make it the current profile, "local".

The cluster runs as one daemon in the background: a streaming controller and
--spu streaming processing units. The command returns when all of them are
online. With --spu 3 topics can have up to three copies ("fluvio topic create
--replication 3"): an SPU that fails is replaced by one that has everything it
had. All of them are on this machine, so copies do not outlive it; see "fluvio
run" for several hosts.

It refuses to start where a cluster exists already; "fluvio cluster resume"
starts that one again.`,
		Example: `  fluvio cluster start
  fluvio cluster start --spu 3
  fluvio cluster start --data-dir /var/lib/fluvio`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cfgErr != nil {
				return cfgErr
			}
			if runF != nil {
				return runF(opts)
			}
			return startRun(cmd.Context(), opts)
		},
	}
	fs := cmd.Flags()
	fs.BoolVar(&opts.local, "local", false, "Start a local cluster (the default)")
	fs.BoolVar(&opts.k8, "k8", false, "Install onto Kubernetes")
	fs.BoolVar(&opts.localK8, "local-k8", false, "Start a local cluster with its metadata in Kubernetes")
	fs.StringVar(&opts.readOnly, "read-only", "", "Start a read-only cluster from this file")
	fs.IntVar(&opts.cfg.SPUs, "spu", cfg.SPUs, "Number of SPUs")
	fs.StringVar(&opts.dataDir, "data-dir", "", "Keep metadata and records in this `folder` instead of ~/.fluvio/data")
	fs.StringVar(&opts.logDir, "log-dir", "", "Write the logs of the nodes to this `folder` instead of ~/.fluvio/log")
	fs.StringVar(&opts.cfg.RustLog, "rust-log", cfg.RustLog, "Log level: error, warn, info, debug")
	fs.StringVar(&opts.cfg.SCAddr, "sc-pub-addr", cfg.SCAddr, "Address that the SC listens on; SPUs use its interface")
	fs.StringVar(&opts.scPrivate, "sc-priv-addr", "", "Accepted for compatibility: nodes of one daemon need no private port")
	fs.IntVar(&opts.cfg.SPUBasePort, "spu-base-port", cfg.SPUBasePort, "Port of the first SPU, each further one is 10 higher; 0 lets the system choose")
	fs.BoolVar(&opts.skipProfile, "skip-profile-creation", false, "Leave the profile file alone")
	fs.BoolVar(&opts.skipChecks, "skip-checks", false, "Skip the pre-flight checks")
	fs.BoolVar(&opts.setup, "setup", false, "Only run the pre-flight checks")
	fs.BoolVar(&opts.tls.enabled, "tls", false, "Listen with TLS; needs the certificate flags")
	fs.StringVar(&opts.tls.domain, "domain", "", "Domain of the server certificate; SPUs are <name>.<domain>")
	fs.StringVar(&opts.tls.ca, "ca-cert", "", "CA certificate that signed the others")
	fs.StringVar(&opts.tls.clientCert, "client-cert", "", "Client certificate for the profile")
	fs.StringVar(&opts.tls.clientKey, "client-key", "", "Client key for the profile")
	fs.StringVar(&opts.tls.serverCert, "server-cert", "", "Server certificate")
	fs.StringVar(&opts.tls.serverKey, "server-key", "", "Server key")
	addKubernetesFlags(cmd)
	argv.Exclusive(cmd, "local", "k8", "local-k8", "read-only")
	for _, name := range []string{"domain", "ca-cert", "client-cert", "client-key", "server-cert", "server-key"} {
		argv.Requires(cmd, name, "tls")
	}
	return cmd
}

// addKubernetesFlags defines the flags that a local start accepts and ignores:
// scripts give them whatever the cluster is.
func addKubernetesFlags(cmd *cobra.Command) {
	fs := cmd.Flags()
	for _, name := range []string{
		"chart-version", "image-version", "registry", "namespace", "group-name", "install-name",
		"chart-location", "tls-client-secret-name", "tls-server-secret-name",
		"authorization-config-map", "proxy-addr", "service-type",
	} {
		fs.String(name, "", "Kubernetes only")
	}
	fs.StringArray("chart-values", nil, "Kubernetes only")
	fs.Uint16("spu-storage-size", 10, "Kubernetes only")
	for _, name := range []string{"develop", "use-k8-port-forwarding", "use-cluster-ip", "sys-only"} {
		fs.Bool(name, false, "Kubernetes only")
	}
	fs.VisitAll(func(f *pflagFlag) {
		if f.Usage == "Kubernetes only" {
			f.Hidden = true
		}
	})
}

func startRun(ctx context.Context, opts *startOptions) error {
	if err := opts.complete(); err != nil {
		return err
	}
	r := newReporter(opts.f)
	defer r.Close()
	configPath, err := localcluster.ConfigPath()
	if err != nil {
		return err
	}
	if !opts.skipChecks {
		if err := preflight(r, opts.cfg.DataDir, configPath); err != nil {
			return err
		}
	}
	if opts.setup {
		return nil
	}
	before := localcluster.Exists(configPath)
	if err := opts.cfg.Save(configPath); err != nil {
		return fmt.Errorf("save settings of the local cluster: %w", err)
	}
	r.Done("✅ Local Cluster initialized")
	err = launch(ctx, r, opts.cfg, configPath)
	if err != nil {
		// Without this a failed first start would have to be deleted before
		// the next one. What it wrote as data is harmless: metadata without a
		// topic, which the next start uses.
		if !before {
			err = errors.Join(err, os.Remove(configPath))
		}
		return err
	}
	r.Headline("🎯 Successfully installed Local Fluvio cluster")
	return nil
}

// complete checks the flags and fills in what follows from them.
func (o *startOptions) complete() error {
	switch {
	case o.k8, o.localK8:
		return &uerr.Error{
			What: "Kubernetes clusters are not part of this release",
			Why:  "this binary starts local clusters only",
			Next: []string{"fluvio cluster start"},
			Code: uerr.Usage,
		}
	case o.readOnly != "":
		return &uerr.Error{What: "read-only clusters are not part of this release", Code: uerr.Usage}
	}
	for _, dir := range []struct{ given, used *string }{{&o.dataDir, &o.cfg.DataDir}, {&o.logDir, &o.cfg.LogDir}} {
		if *dir.given == "" {
			continue
		}
		abs, err := filepath.Abs(*dir.given) // the daemon has another working folder
		if err != nil {
			return err
		}
		*dir.used = abs
	}
	o.cfg.SkipChecks = o.skipChecks
	o.cfg.SaveProfile = !o.skipProfile
	if o.scPrivate != "" {
		o.cfg.SCPrivateAddr = &o.scPrivate
	}
	if err := o.completeTLS(); err != nil {
		return err
	}
	if err := o.cfg.Validate(); err != nil {
		return &uerr.Error{What: "Invalid argument: " + err.Error(), Err: err, Code: uerr.Usage}
	}
	return nil
}

func (o *startOptions) completeTLS() error {
	t := o.tls
	if !t.enabled {
		return nil
	}
	for _, p := range []struct{ flag, value string }{
		{"--domain", t.domain}, {"--ca-cert", t.ca}, {"--client-cert", t.clientCert},
		{"--client-key", t.clientKey}, {"--server-cert", t.serverCert}, {"--server-key", t.serverKey},
	} {
		if p.value == "" {
			return &uerr.Error{
				What: "Invalid argument: --tls needs " + p.flag,
				Why:  "--tls needs all of --domain, --ca-cert, --client-cert, --client-key, --server-cert and --server-key",
				Code: uerr.Usage,
			}
		}
	}
	for _, path := range []*string{&t.ca, &t.clientCert, &t.clientKey, &t.serverCert, &t.serverKey} {
		abs, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = abs
	}
	files := func(cert, key string) localcluster.TLS {
		return localcluster.TLS{Policy: "verified", Source: "files",
			Certs: localcluster.TLSCerts{Domain: t.domain, Key: key, Cert: cert, CACert: t.ca}}
	}
	o.cfg.ServerTLS, o.cfg.ClientTLS = files(t.serverCert, t.serverKey), files(t.clientCert, t.clientKey)
	return nil
}

// saveProfile makes the cluster the current profile.
func saveProfile(cfg localcluster.Config) error {
	path, err := profiles.Path()
	if err != nil {
		return err
	}
	policy, err := cfg.ClientTLS.ProfilePolicy().Inlined()
	if err != nil {
		return err
	}
	return profiles.SetLocal(path, cfg.SCAddr, policy, profiles.Local)
}
