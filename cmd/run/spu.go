package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fluvio-go/fluvio/cmd/argv"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/localcluster/node"
)

const (
	scAddrEnv = "FLV_SC_PRIVATE_HOST"
	logDirEnv = "FLV_LOG_BASE_DIR"
	spuIDEnv  = "FLV_SPU_ID"
	indexEnv  = "SPU_INDEX" // such as the name of a pod, which ends in a number
	minIDEnv  = "SPU_MIN"   // what is added to that number
)

type spuOptions struct {
	f      *cmdutil.Factory
	id     int32
	scAddr address
	dir    string
	processFlags
}

func newSPUCmd(f *cmdutil.Factory, runF func(context.Context, *spuOptions) error) *cobra.Command {
	opts := &spuOptions{f: f, scAddr: "127.0.0.1:9004"}
	opts.public, opts.private = "127.0.0.1:9005", "127.0.0.1:9006"
	cmd := &cobra.Command{
		Use:   "spu",
		Short: "Run a streaming processing unit in the foreground",
		Long: `Run a streaming processing unit (SPU) in the foreground until SIGTERM or
ctrl-c. It looks for the SC until it finds it and, if its id is not registered
there, until it is. It serves clients while the SC is away. It logs JSON lines
to the error output (RUST_LOG sets the level) and says "ready" there.

Clients and other SPUs use the addresses that the SPU was registered with. Nodes
prove that they belong to the cluster by a shared secret or by certificates.
Without either all private addresses must be loopback ones.`,
		Example: `  fluvio cluster spu register --id 1 --public-server 127.0.0.1:9005 --private-server 127.0.0.1:9006
  fluvio run spu --id 1 --log-base-dir /var/lib/fluvio/data
  fluvio run spu --id 2 -p 0.0.0.0:9005 -v 10.0.0.2:9006 --sc-addr 10.0.0.1:9004 --log-base-dir /var/lib/fluvio/data --node-secret-file /etc/fluvio/node-secret`,
	}
	fs := cmd.Flags()
	fs.Int32VarP(&opts.id, "id", "i", 0, "Number of the SPU [env: "+spuIDEnv+", or "+indexEnv+" and "+minIDEnv+"] (`integer`)")
	fs.VarP(&opts.public, "public-server", "p", "Serve clients on this address (`host:port`)")
	fs.VarP(&opts.private, "private-server", "v", "Serve other SPUs on this address (`host:port`)")
	fs.Var(&opts.scAddr, "sc-addr", "Private address of the SC [env: "+scAddrEnv+"] (`host:port`)")
	fs.StringVar(&opts.dir, "log-base-dir", "", "Keep records in this `folder` [env: "+logDirEnv+"]")
	addProcessFlags(cmd, &opts.processFlags)
	values := []string{"log-size", "index-max-bytes", "index-max-interval-bytes", "peer-max-bytes", "smart-engine-max-memory"}
	addUnsupported(cmd, values, nil)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := refuseUnsupported(cmd, values...); err != nil {
			return err
		}
		if err := opts.complete(cmd, os.Getenv); err != nil {
			return err
		}
		return cmdutil.RunE(opts, nil, runF, spuRun)(cmd, nil)
	}
	return cmd
}

// complete takes from the environment what no flag says.
func (o *spuOptions) complete(cmd *cobra.Command, env func(string) string) error {
	fs := cmd.Flags()
	if text := env(scAddrEnv); text != "" && !fs.Changed("sc-addr") {
		if err := o.scAddr.Set(text); err != nil {
			return &argv.UsageError{Message: fmt.Sprintf("invalid value '%s' for %s: %v", text, scAddrEnv, err), Command: cmd}
		}
	}
	if o.dir == "" {
		o.dir = env(logDirEnv)
	}
	var missing []string
	if !fs.Changed("id") {
		id, err := idFrom(env)
		switch {
		case errors.Is(err, errNoID):
			missing = append(missing, argv.Display(fs.Lookup("id")))
		case err != nil:
			return &argv.UsageError{Message: err.Error(), Command: cmd}
		}
		o.id = id
	}
	if o.dir == "" {
		missing = append(missing, argv.Display(fs.Lookup("log-base-dir")))
	}
	if len(missing) > 0 {
		return &argv.UsageError{Message: "the following required arguments were not provided:\n  " +
			strings.Join(missing, "\n  "), Command: cmd}
	}
	if o.id < 0 {
		return &argv.UsageError{Message: fmt.Sprintf("SPU id is %d, want 0 or more", o.id), Command: cmd}
	}
	return nil
}

var errNoID = errors.New("no id")

// idFrom finds the id in the environment: as it is, or as the number at the end
// of the index, such as 2 of "spg-main-2", plus the least id of the group.
func idFrom(env func(string) string) (int32, error) {
	if text := env(spuIDEnv); text != "" {
		return parseID(spuIDEnv, text)
	}
	index := env(indexEnv)
	if index == "" {
		return 0, errNoID
	}
	n, err := parseID(indexEnv, index[strings.LastIndexByte(index, '-')+1:])
	if err != nil || env(minIDEnv) == "" {
		return n, err
	}
	least, err := parseID(minIDEnv, env(minIDEnv))
	if sum := int64(least) + int64(n); err == nil && sum > 1<<31-1 {
		return 0, fmt.Errorf("%s plus %s is %d, which is no id", minIDEnv, indexEnv, sum)
	}
	return least + n, err
}

func parseID(name, text string) (int32, error) {
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("invalid value '%s' for %s: want a number from 0 to 2147483647", text, name)
	}
	return int32(n), nil
}

func spuRun(ctx context.Context, opts *spuOptions) error {
	proc, err := opts.process(node.ServiceSPU(opts.id), opts.dir, opts.f.IO.Err)
	if err != nil {
		return explain(err)
	}
	return opts.serve(ctx, proc, func(ctx context.Context, p node.Process) error {
		return node.RunSPU(ctx, p, opts.id, string(opts.scAddr))
	})
}
