package consume

import (
	"context"
	"slices"
	"strings"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/cmd/argv"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/cmd/transform"
	"github.com/fluvio-go/fluvio/internal/recfmt"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/spf13/cobra"
)

type options struct {
	f       *cmdutil.Factory
	connect connectFunc

	topic      string
	partitions partitionList
	mirror     string
	all        bool
	disable    bool // stop at the end that the log has now
	noSpinner  bool

	beginning bool
	head      cmdutil.Parsed[int64]
	tail      cmdutil.Parsed[int64]
	start     cmdutil.Parsed[int64]
	end       cmdutil.Parsed[int64]
	consumer  string
	maxBytes  int32
	isolation cmdutil.Parsed[api.Isolation]
	transform transform.Flags

	output          cmdutil.Choice
	template        cmdutil.Parsed[string]
	tableFormat     string
	keyValue        bool
	suppressUnknown bool
	truncate        bool
}

// fullTable is the output that only a full-screen terminal program can draw.
const fullTable = "full-table"

const long = `Read records from a topic and print them.

Without a start, prints the records that arrive from now on, until Ctrl-C.
With --disable-continuous, stops at the end that each partition has now.`

// NewCmd returns the consume command.
func NewCmd(f *cmdutil.Factory) *cobra.Command { return newCmd(f, connector(f), nil) }

func newCmd(f *cmdutil.Factory, connect connectFunc, runF func(context.Context, *options) error) *cobra.Command {
	opts := &options{f: f, connect: connect}
	cmd := &cobra.Command{
		Use:   "consume <topic>",
		Short: "Read records from a topic",
		Long:  long,
		Example: `  fluvio consume orders -B
  fluvio consume orders -B --disable-continuous > orders.txt
  fluvio consume orders --tail 10 --key-value
  fluvio consume orders -B --format "{{partition}}:{{offset}} {{key}}={{value}}"`,
		ValidArgsFunction: f.CompleteTopics(false),
		RunE:              cmdutil.RunE(opts, func(args []string) { opts.topic = args[0] }, runF, run),
	}
	addSourceFlags(cmd, opts)
	addRangeFlags(cmd, opts)
	addOutputFlags(cmd, opts)
	opts.transform.Add(cmd)
	return cmd
}

func addSourceFlags(cmd *cobra.Command, opts *options) {
	opts.isolation.Parse = cmdutil.ParseIsolation
	fs := cmd.Flags()
	fs.VarP(&opts.partitions, "partition", "p", "Read this partition (`integer`); repeatable [default: all]")
	fs.StringVarP(&opts.mirror, "mirror", "m", "", "Read the partition that mirrors this `remote` cluster")
	fs.BoolVarP(&opts.all, "all-partitions", "A", false, "Read all partitions, which is the default")
	fs.StringVarP(&opts.consumer, "consumer", "c", "", "Store how far records were read under this consumer `id`, and go on from there")
	fs.Int32VarP(&opts.maxBytes, "maxbytes", "b", 0, "Most bytes to receive at once (`integer`)")
	fs.Var(&opts.isolation, "isolation", "Read records up to this `level`: read_uncommitted or read_committed [default: read_uncommitted]")
	argv.Repeatable(cmd, "partition")
	argv.Conflicts(cmd, "all-partitions", "partition")
}

func addRangeFlags(cmd *cobra.Command, opts *options) {
	for _, flag := range []*cmdutil.Parsed[int64]{&opts.head, &opts.tail, &opts.start, &opts.end} {
		flag.Parse = cmdutil.ParseOffset
	}
	fs := cmd.Flags()
	fs.BoolVarP(&opts.beginning, "beginning", "B", false, "Start at the oldest record")
	fs.VarP(&opts.head, "head", "H", "Start this many records after the oldest (`integer`)")
	fs.VarP(&opts.tail, "tail", "T", "Start this many records before the end (`integer`)")
	fs.Var(&opts.start, "start", "Start at this offset (`integer`)")
	fs.Var(&opts.end, "end", "Stop after the record at this offset (`integer`)")
	fs.BoolVarP(&opts.disable, "disable-continuous", "d", false, "Stop at the end that each partition has now")
	argv.Exclusive(cmd, "beginning", "head", "start", "tail")
}

func addOutputFlags(cmd *cobra.Command, opts *options) {
	opts.output.Choices = []string{"dynamic", "text", "binary", "json", "raw", "table", fullTable}
	opts.output.Fold = true
	opts.template.Parse = func(s string) (string, error) { return s, nil }
	fs := cmd.Flags()
	fs.VarP(&opts.output, "output", "O", "Print values as `type`: "+strings.Join(opts.output.Choices, ", ")+" [default: dynamic]")
	fs.VarP(&opts.template, "format", "F", "Print records through this `template`, with {{key}}, {{value}}, {{offset}}, {{partition}} and {{time}}")
	fs.StringVar(&opts.tableFormat, "table-format", "", "Name of the stored table format (`name`)")
	fs.BoolVarP(&opts.keyValue, "key-value", "k", false, "Print the key in front of each value, as [key] value")
	fs.BoolVar(&opts.suppressUnknown, "suppress-unknown", false, "Skip values that are not of the output type")
	fs.BoolVar(&opts.truncate, "truncate", false, "Cut values to the width of the terminal")
	fs.BoolVar(&opts.noSpinner, "disable-progressbar", false, "Show no spinner")
	argv.Conflicts(cmd, "format", "output")
	argv.Conflicts(cmd, "truncate", "output", "format")
	_ = cmd.RegisterFlagCompletionFunc("output",
		cobra.FixedCompletions(opts.output.Choices, cobra.ShellCompDirectiveNoFileComp)) // the flag exists
}

// partitionList is a repeatable flag, one partition for each use. Naming one
// twice is the same as naming it once.
type partitionList []uint32

// String is part of pflag.Value.
func (*partitionList) String() string { return "" }

// Type is part of pflag.Value.
func (*partitionList) Type() string { return "integer" }

// Set is part of pflag.Value.
func (p *partitionList) Set(s string) error {
	id, err := cmdutil.ParseUint32(s)
	if err == nil && !slices.Contains(*p, id) {
		*p = append(*p, id)
	}
	return err
}

// offset returns where to start.
func (o *options) offset() client.Offset {
	switch {
	case o.beginning:
		return client.Beginning()
	case o.head.Value != nil:
		return client.FromBeginning(*o.head.Value)
	case o.start.Value != nil:
		return client.At(*o.start.Value)
	case o.tail.Value != nil:
		return client.FromEnd(*o.tail.Value)
	}
	return client.End()
}

// consumerOptions turns flags into options of the client.
func (o *options) consumerOptions() ([]client.ConsumerOption, error) {
	steps, err := o.transform.Invocations()
	if err != nil {
		return nil, err
	}
	out := []client.ConsumerOption{client.From(o.offset()), client.SmartModules(steps...)}
	if o.disable {
		out = append(out, client.UntilCurrentEnd())
	}
	if o.consumer != "" {
		out = append(out, client.Group(o.consumer, commitInterval))
	}
	if o.maxBytes != 0 {
		out = append(out, client.MaxBytes(o.maxBytes))
	}
	if v := o.isolation.Value; v != nil {
		out = append(out, client.Isolation(*v))
	}
	return out, nil
}

// format returns how to print.
func (o *options) format() recfmt.Format { return recfmt.Format(o.output.Value) }
