package spu

import (
	"context"
	"fmt"
	"net"
	"strconv"

	"github.com/fluvio-go/fluvio/cmd/argv"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/spf13/cobra"
)

type registerOptions struct {
	f       *cmdutil.Factory
	connect connectFunc
	id      int32
	name    string
	rack    string
	public  cmdutil.Parsed[api.Endpoint]
	local   cmdutil.Parsed[api.Endpoint]
	private cmdutil.Parsed[api.Endpoint]
}

func newRegisterCmd(f *cmdutil.Factory, connect connectFunc, runF func(context.Context, *registerOptions) error) *cobra.Command {
	opts := &registerOptions{f: f, connect: connect}
	cmd := &cobra.Command{
		Use:     "register",
		Short:   "Announce an SPU, which may then join the cluster",
		Example: "  fluvio cluster spu register --id 5002 --public-server localhost:9020 --private-server localhost:9021",
		RunE:    cmdutil.RunE(opts, nil, runF, registerRun),
	}
	for _, endpoint := range []*cmdutil.Parsed[api.Endpoint]{&opts.public, &opts.local, &opts.private} {
		endpoint.Parse = parseEndpoint
	}
	fs := cmd.Flags()
	fs.Int32VarP(&opts.id, "id", "i", 0, "Number of the SPU (`integer`)")
	fs.StringVarP(&opts.name, "name", "n", "", "Name of the SPU [default: custom-spu-<id>] (`string`)")
	fs.StringVarP(&opts.rack, "rack", "r", "", "Rack of the SPU (`string`)")
	fs.VarP(&opts.public, "public-server", "p", "Where clients reach it (`host:port`)")
	fs.VarP(&opts.local, "public-server-local", "l", "Where clients in its own network reach it (`host:port`)")
	fs.VarP(&opts.private, "private-server", "v", "Where other SPUs reach it (`host:port`)")
	for _, flag := range []string{"id", "public-server", "private-server"} {
		argv.Required(cmd, flag)
	}
	return cmd
}

func parseEndpoint(s string) (api.Endpoint, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return api.Endpoint{}, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return api.Endpoint{}, fmt.Errorf("port %q: %w", port, err)
	}
	return api.Endpoint{Host: host, Port: uint16(n), Encryption: api.Plaintext}, nil
}

func registerRun(ctx context.Context, opts *registerOptions) error {
	a, end, err := opts.connect(ctx)
	if err != nil {
		return err
	}
	defer end()
	name := opts.name
	if name == "" {
		name = fmt.Sprintf("custom-spu-%d", opts.id)
	}
	spec := api.CustomSpuSpec{
		ID:          opts.id,
		Public:      ingress(opts.public.Value),
		Private:     *opts.private.Value,
		PublicLocal: opts.local.Value,
	}
	if opts.rack != "" {
		spec.Rack = &opts.rack
	}
	return cmdutil.ExplainAdmin(a.RegisterCustomSpu(ctx, name, spec), "")
}

// ingress writes an endpoint as clients look for it. An address goes under
// hostname too, where every client looks first.
func ingress(e *api.Endpoint) api.IngressPort {
	return api.IngressPort{Port: e.Port, Ingress: []api.Ingress{{Hostname: &e.Host}}, Encryption: e.Encryption}
}
