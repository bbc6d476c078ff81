package produce

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/cmd/argv"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/cmd/transform"
	"github.com/fluvio-go/fluvio/internal/humantime"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/record"
	"github.com/spf13/cobra"
)

// Defaults of the client, which the flags' help shows.
const (
	defaultBatchSize  = 16384
	defaultMaxRequest = 1048576
)

type options struct {
	f       *cmdutil.Factory
	connect connectFunc

	topic        string
	verbose      bool
	key          cmdutil.Parsed[string]
	keySeparator cmdutil.Parsed[string]
	raw          bool
	file         string
	compression  cmdutil.Choice
	linger       cmdutil.Parsed[time.Duration]
	batchSize    int
	maxRequest   int
	isolation    cmdutil.Parsed[api.Isolation]
	delivery     cmdutil.Parsed[client.Semantic]
	partition    cmdutil.Parsed[uint32]
	mirror       string
	transform    transform.Flags
}

const long = `Write records to a topic.

Each line of the input is one record; with --raw the whole input is. Input
comes from --file, or from the standard input. Lines are sent as soon as they
are complete and the command ends when all of them are acknowledged, so exit
code 0 means that every record is in the log. In a terminal each line is
answered with "Ok!"; end the input with Ctrl-D.`

// NewCmd returns the produce command.
func NewCmd(f *cmdutil.Factory) *cobra.Command { return newCmd(f, connector(f), nil) }

func newCmd(f *cmdutil.Factory, connect connectFunc, runF func(context.Context, *options) error) *cobra.Command {
	opts := &options{f: f, connect: connect}
	cmd := &cobra.Command{
		Use:   "produce <topic>",
		Short: "Write records to a topic",
		Long:  long,
		Example: `  echo hello | fluvio produce orders
  fluvio produce orders --file orders.jsonl --compression zstd
  fluvio produce orders --key-separator : < keyed.txt
  fluvio produce images --raw --file cat.png --key cat`,
		ValidArgsFunction: f.CompleteTopics(false),
		RunE:              cmdutil.RunE(opts, func(args []string) { opts.topic = args[0] }, runF, run),
	}
	addInputFlags(cmd, opts)
	addSendFlags(cmd, opts)
	opts.transform.Add(cmd)
	argv.Exclusive(cmd, "key", "key-separator")
	argv.Exclusive(cmd, "key-separator", "raw")
	argv.Exclusive(cmd, "partition", "mirror")
	return cmd
}

func addInputFlags(cmd *cobra.Command, opts *options) {
	opts.key.Parse = func(s string) (string, error) { return s, nil }
	opts.keySeparator.Parse = parseSeparator
	fs := cmd.Flags()
	fs.BoolVarP(&opts.verbose, "verbose", "v", false, "Print each record that is sent, with --key-separator")
	fs.Var(&opts.key, "key", "Send all records with this `key`")
	fs.Var(&opts.keySeparator, "key-separator", "Split each line into key and value at the first `separator`")
	fs.BoolVar(&opts.raw, "raw", false, "Send the whole input as one record")
	fs.StringVarP(&opts.file, "file", "f", "", "Read records from this file; - is the standard input (`path`)")
}

func addSendFlags(cmd *cobra.Command, opts *options) {
	opts.compression.Choices = []string{"none", "gzip", "snappy", "lz4", "zstd"}
	opts.compression.Fold = true
	opts.linger.Parse = humantime.Parse
	opts.isolation.Parse = cmdutil.ParseIsolation
	opts.delivery.Parse = cmdutil.ParseDelivery
	opts.partition.Parse = cmdutil.ParseUint32
	fs := cmd.Flags()
	fs.Var(&opts.compression, "compression", "Compress with `algorithm`: none, gzip, snappy, lz4 or zstd [default: what the topic says, or none]")
	fs.Var(&opts.linger, "linger", "Wait this long for a batch to fill (`time`) [default: 0s]")
	fs.IntVar(&opts.batchSize, "batch-size", defaultBatchSize, "Size of a batch before compression (`bytes`)")
	fs.IntVar(&opts.maxRequest, "max-request-size", defaultMaxRequest, "Largest record that is sent (`bytes`)")
	fs.Var(&opts.isolation, "isolation", "Acknowledge records at this `level`: read_uncommitted (leader has it) or read_committed (all replicas have it) [default: read_uncommitted]")
	fs.Var(&opts.delivery, "delivery-semantic", "How hard to try, as `semantic`: at-least-once or at-most-once [default: at-least-once]")
	fs.VarP(&opts.partition, "partition", "p", "Send all records to this partition (`integer`)")
	fs.StringVarP(&opts.mirror, "mirror", "m", "", "Send to the partition that mirrors this `remote` cluster")
	_ = cmd.RegisterFlagCompletionFunc("compression",
		cobra.FixedCompletions(opts.compression.Choices, cobra.ShellCompDirectiveNoFileComp)) // the flag exists
}

func parseSeparator(s string) (string, error) {
	if s == "" {
		return "", errors.New(`must be non-empty. If using '=', type it as '--key-separator "="'`)
	}
	return s, nil
}

// interactive reports whether a person types the records.
func (o *options) interactive() bool { return o.file == "" && o.f.IO.InTTY() }

// producerOptions turns flags into options of the client.
func (o *options) producerOptions() ([]client.ProducerOption, error) {
	steps, err := o.transform.Invocations()
	if err != nil {
		return nil, err
	}
	out := []client.ProducerOption{
		client.BatchSize(o.batchSize),
		client.MaxRequestSize(o.maxRequest),
		client.SmartModules(steps...),
	}
	if name := o.compression.Value; name != "" {
		codec, err := codecOf(name)
		if err != nil {
			return nil, err
		}
		out = append(out, client.Compress(codec))
	}
	if v := o.linger.Value; v != nil {
		out = append(out, client.Linger(*v))
	}
	if v := o.isolation.Value; v != nil {
		out = append(out, client.Acks(*v))
	}
	if v := o.delivery.Value; v != nil {
		out = append(out, client.Delivery(*v))
	}
	if v := o.partition.Value; v != nil {
		out = append(out, client.Partition(*v))
	}
	return out, nil
}

func codecOf(name string) (record.Codec, error) {
	for _, c := range []record.Codec{record.None, record.Gzip, record.Snappy, record.Lz4, record.Zstd} {
		if strings.EqualFold(c.String(), name) {
			return c, nil
		}
	}
	return 0, cmdutil.ErrInvalidArg("unknown compression %s", name)
}
