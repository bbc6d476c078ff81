package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/fluvio-go/fluvio/cmd/argv"
	"github.com/fluvio-go/fluvio/internal/atomicfile"
	"github.com/fluvio-go/fluvio/internal/slogkey"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/localcluster/node"
	"github.com/fluvio-go/fluvio/netproto/nodeauth"
)

// processFlags are those that an SC and an SPU have in common. TLS is for
// clients, the rest is between nodes.
type processFlags struct {
	public, private address

	tls        bool
	cert, key  string
	clientCert bool
	ca         string
	plain      address

	secretFile                string
	nodeCert, nodeKey, nodeCA string

	addressFile string
}

// address is a flag with a host:port.
type address string

// String is part of pflag.Value.
func (a *address) String() string { return string(*a) }

// Type is part of pflag.Value.
func (*address) Type() string { return "host:port" }

// Set is part of pflag.Value.
func (a *address) Set(s string) error {
	_, _, err := node.SplitAddr(s)
	*a = address(s)
	return err
}

const secretEnv = "FLV_NODE_SECRET_FILE"

func addProcessFlags(cmd *cobra.Command, p *processFlags) {
	fs := cmd.Flags()
	fs.BoolVar(&p.tls, "tls", false, "Speak TLS on the public address; needs --server-cert and --server-key")
	fs.StringVar(&p.cert, "server-cert", "", "Server certificate, PEM (`path`)")
	fs.StringVar(&p.key, "server-key", "", "Key of the server certificate, PEM (`path`)")
	fs.BoolVar(&p.clientCert, "enable-client-cert", false, "Demand a certificate of clients; needs --ca-cert")
	fs.StringVar(&p.ca, "ca-cert", "", "CA that signs the certificates of clients, PEM (`path`)")
	fs.Var(&p.plain, "bind-non-tls-public", "With --tls, serve clients without TLS on this address too (`host:port`)")
	fs.StringVar(&p.secretFile, "node-secret-file", "", "Shared secret of all nodes, 16 bytes or more [env: "+secretEnv+"] (`path`)")
	fs.StringVar(&p.nodeCert, "node-cert", "", "Certificate of this node for mutual TLS between nodes, PEM (`path`)")
	fs.StringVar(&p.nodeKey, "node-key", "", "Key of the node certificate, PEM (`path`)")
	fs.StringVar(&p.nodeCA, "node-ca", "", "CA that signs the certificates of nodes and of nothing else, PEM (`path`)")
	fs.StringVar(&p.addressFile, "address-file", "", "Write process id and addresses to this file, as KEY=value, once ready (`path`)")
	for _, name := range []string{"server-cert", "server-key", "enable-client-cert", "bind-non-tls-public"} {
		argv.Requires(cmd, name, "tls")
	}
	argv.Requires(cmd, "tls", "server-cert")
	argv.Requires(cmd, "tls", "server-key")
	argv.Requires(cmd, "enable-client-cert", "ca-cert")
	argv.Requires(cmd, "ca-cert", "enable-client-cert")
	for _, set := range [][3]string{
		{"node-cert", "node-key", "node-ca"}, {"node-key", "node-ca", "node-cert"}, {"node-ca", "node-cert", "node-key"},
	} {
		argv.Requires(cmd, set[0], set[1])
		argv.Requires(cmd, set[0], set[2])
		argv.Conflicts(cmd, set[0], "node-secret-file")
	}
}

// addUnsupported defines upstream's flags that this release has nothing for.
// They are refused rather than ignored: each changes what a server does.
func addUnsupported(cmd *cobra.Command, values, switches []string) {
	const usage = "Not part of this release"
	fs := cmd.Flags()
	for _, name := range values {
		fs.String(name, "", usage)
	}
	for _, name := range switches {
		fs.Bool(name, false, usage)
	}
	for _, name := range append(switches, values...) {
		fs.Lookup(name).Hidden = true
	}
}

func refuseUnsupported(cmd *cobra.Command, names ...string) error {
	for _, name := range names {
		if f := cmd.Flags().Lookup(name); f.Changed {
			return &argv.UsageError{Message: "the argument '" + argv.Display(f) + "' is not part of this release", Command: cmd}
		}
	}
	return nil
}

// process turns the flags into what node runs, and reads the files that they
// name. name is the node's in the log, dir where it keeps its data.
func (p *processFlags) process(name, dir string, log io.Writer) (node.Process, error) {
	logger := slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: node.ParseLevel(os.Getenv("RUST_LOG"))})).
		With("node", name)
	creds, err := p.credentials(logger)
	if err != nil {
		return node.Process{}, err
	}
	out := node.Process{
		Dir:         dir,
		Public:      node.Public{Addr: string(p.public), Plain: string(p.plain)},
		Private:     string(p.private),
		Credentials: creds,
		Logger:      logger,
	}
	if p.tls {
		out.Public.TLS, err = node.ServerTLS(p.cert, p.key, p.ca)
	}
	return out, err
}

func (p *processFlags) credentials(logger *slog.Logger) (nodeauth.Credentials, error) {
	if p.nodeCert != "" {
		return nodeauth.WithCertificates(p.nodeCert, p.nodeKey, p.nodeCA)
	}
	path := p.secretFile
	if path == "" {
		path = os.Getenv(secretEnv)
	}
	if path == "" {
		return nodeauth.Credentials{}, nil
	}
	secret, err := nodeauth.ReadSecret(path)
	if err != nil {
		return nodeauth.Credentials{}, err
	}
	const others = 0o007
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&others != 0 {
		logger.Warn("other users of this machine can read the node secret", slogkey.Path, path)
	}
	return nodeauth.WithSecret(secret), nil
}

// serve runs a node until SIGTERM or ctrl-c.
func (p *processFlags) serve(ctx context.Context, proc node.Process, run func(context.Context, node.Process) error) error {
	if err := p.removeAddressFile(); err != nil {
		return err
	}
	// Whoever reads our log may go away; a write to its pipe must not end us.
	signal.Ignore(syscall.SIGPIPE, syscall.SIGHUP)
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	var failed error
	proc.Ready = func(a node.Addrs) {
		if failed = p.writeAddressFile(a); failed != nil {
			stop() // nobody would find the node
			return
		}
		proc.Logger.Info("ready", "public", a.Public, "plain", a.Plain, "private", a.Private,
			"node_auth", proc.Credentials.String())
	}
	err := run(ctx, proc)
	if err == nil {
		proc.Logger.Info("stopped")
		err = p.removeAddressFile()
	}
	return explain(errors.Join(failed, err))
}

// writeAddressFile writes what a shell or systemd reads as variables.
func (p *processFlags) writeAddressFile(a node.Addrs) error {
	if p.addressFile == "" {
		return nil
	}
	text := fmt.Sprintf("PID=%d\nPUBLIC=%s\nPRIVATE=%s\n", os.Getpid(), a.Public, a.Private)
	if a.Plain != "" {
		text += "PLAIN=" + a.Plain + "\n"
	}
	return atomicfile.Write(p.addressFile, []byte(text), 0o644)
}

// removeAddressFile takes away what an earlier run left, so that the file's
// existence means that its addresses are served.
func (p *processFlags) removeAddressFile() error {
	if p.addressFile == "" {
		return nil
	}
	if err := os.Remove(p.addressFile); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// explain words an error of a node that did not start.
func explain(err error) error {
	switch {
	case errors.Is(err, nodeauth.ErrUnprotected):
		return &uerr.Error{
			What: fmt.Sprintf("nodes would talk unprotected: %v", err),
			Why:  "anybody who reaches a private address can read, change and delete every record",
			Next: []string{
				"give all nodes --node-secret-file <path> (network between nodes is trusted)",
				"give each node --node-cert, --node-key and --node-ca (any network)",
				"use a loopback address, such as 127.0.0.1, if all nodes run on this machine",
			},
			Err: err, Code: uerr.Usage,
		}
	case node.InUse(err):
		return &uerr.Error{What: err.Error(), Err: err, Code: uerr.Conflict}
	case err != nil:
		return &uerr.Error{What: err.Error(), Err: err}
	}
	return nil
}
