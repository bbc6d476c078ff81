package consume

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/handlebars"
	"github.com/fluvio-go/fluvio/internal/recfmt"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/netproto/api"
)

const (
	// commitInterval is how often a consumer's position is stored.
	commitInterval = 2 * time.Second
	// closeLimit bounds what is spent on closing after an interrupt.
	closeLimit = 2 * time.Second
)

// cluster is what the command asks of a connection.
type cluster interface {
	cmdutil.TopicLister
	TableFormats(ctx context.Context) ([]api.TableFormat, error)
	Consumer(ctx context.Context, topic string, opts ...client.ConsumerOption) (stream, error)
	Close()
}

// stream is what the command needs of client.Consumer.
type stream interface {
	Records(ctx context.Context) iter.Seq2[*client.Record, error]
	// Close stores the position where a consumer id asks for that.
	Close() error
}

type connectFunc func(context.Context) (cluster, error)

func connector(f *cmdutil.Factory) connectFunc {
	return func(ctx context.Context) (cluster, error) {
		cl, err := f.Connect(ctx)
		if err != nil {
			return nil, err
		}
		return connection{cl.Admin(), cl}, nil
	}
}

type connection struct {
	*client.Admin
	cl *client.Client
}

func (c connection) TableFormats(ctx context.Context) ([]api.TableFormat, error) {
	return client.List[api.TableFormatSpec, api.TableFormatStatus](ctx, c.Admin, api.LabelTableFormat, client.ListOptions{})
}

func (c connection) Consumer(ctx context.Context, topic string, opts ...client.ConsumerOption) (stream, error) {
	s, err := c.cl.Consumer(ctx, topic, opts...)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (c connection) Close() { _ = c.cl.Close() }

func run(ctx context.Context, opts *options) error {
	settings, printer, err := opts.prepare()
	if err != nil {
		return err
	}
	// Writing to a pipe that nobody reads must be an error, not the end of the
	// process: a consumer id's position is stored on the way out.
	signal.Ignore(syscall.SIGPIPE)
	c, err := opts.connect(ctx)
	if err != nil {
		return interrupted(ctx, err)
	}
	defer func() { _ = within(ctx, func() error { c.Close(); return nil }) }()
	partitions, err := opts.source(ctx, c)
	if err != nil {
		return interrupted(ctx, err)
	}
	if len(partitions) > 0 {
		settings = append(settings, client.Partitions(partitions...))
	}
	banner(opts)
	s, err := c.Consumer(ctx, opts.topic, settings...)
	if err != nil {
		return interrupted(ctx, explainOpen(ctx, opts, c, err))
	}
	return consume(ctx, opts, s, printer)
}

// prepare checks everything that needs no cluster.
func (o *options) prepare() ([]client.ConsumerOption, *recfmt.Printer, error) {
	if o.output.Value == fullTable {
		return nil, nil, &uerr.Error{
			What: "-O full-table is not available in this release; use -O table", Code: uerr.Usage,
			Next: []string{fmt.Sprintf("fluvio consume %s -O table", o.topic)},
		}
	}
	if o.start.Value != nil && o.end.Value != nil && *o.end.Value < *o.start.Value {
		fmt.Fprintln(o.f.IO.Err, "Argument end-offset must be greater than or equal to specified start offset")
		return nil, nil, &uerr.Error{
			What: fmt.Sprintf("Fluvio client error: End offset: %d cannot be less than starting offset: %d", *o.end.Value, *o.start.Value),
			Code: uerr.Usage,
		}
	}
	settings, err := o.consumerOptions()
	if err != nil {
		return nil, nil, err
	}
	print := recfmt.Options{
		Format: o.format(), KeyValue: o.keyValue, SuppressUnknown: o.suppressUnknown, Terminal: o.f.IO.OutTTY(),
	}
	if width, ok := o.f.IO.Width(); ok && o.truncate {
		print.Truncate = width
	}
	if text := o.template.Value; text != nil {
		if print.Template, err = handlebars.Parse(*text); err != nil {
			return nil, nil, &uerr.Error{What: err.Error(), Err: err, Why: "the template of --format cannot be read"}
		}
	}
	return settings, recfmt.New(print), nil
}

// source returns the partitions to read, none for all.
func (o *options) source(ctx context.Context, c cluster) ([]uint32, error) {
	if o.tableFormat != "" {
		formats, err := c.TableFormats(ctx)
		if err != nil {
			return nil, cmdutil.ExplainAdmin(err, "")
		}
		if !slices.ContainsFunc(formats, func(t api.TableFormat) bool { return t.Name == o.tableFormat }) {
			return nil, &uerr.Error{What: "TableFormat not found: " + o.tableFormat, Code: uerr.NotFound}
		}
	}
	if o.mirror == "" {
		return o.partitions, nil
	}
	topics, err := c.Topics(ctx, client.ListOptions{Filters: []string{o.topic}})
	if err != nil {
		return nil, cmdutil.ExplainAdmin(err, "")
	}
	for i := range topics {
		if topics[i].Name != o.topic || topics[i].Spec.Replicas.Kind != api.ReplicasMirror {
			continue
		}
		m := &topics[i].Spec.Replicas.Mirror
		if m.Side == api.MirrorRemote && m.HomeCluster == o.mirror && len(m.HomeSpus) > 0 {
			return []uint32{0}, nil
		}
		for id, p := range m.Partitions {
			if p.RemoteCluster == o.mirror {
				return []uint32{uint32(id)}, nil
			}
		}
	}
	return o.partitions, nil
}

// consume prints what comes out of s until it ends.
func consume(ctx context.Context, opts *options, s stream, printer *recfmt.Printer) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	out := newSink(opts.f.IO.Out, printer, stop)
	if spins(opts) {
		out.spinner = newSpinner(opts)
		defer out.spinner.stop()
	}
	err := copyRecords(ctx, opts, s, out)
	if ferr := out.close(); err == nil {
		err = ferr
	}
	if context.Cause(ctx) != nil && errors.Is(err, context.Canceled) {
		err = context.Cause(ctx)
	}
	if out.spinner != nil {
		out.spinner.stop()
	}
	err = ended(opts, err)
	if err == nil && !opts.disable {
		fmt.Fprintln(opts.f.IO.Err, "Consumer stream has closed")
	}
	if cerr := within(ctx, s.Close); err == nil && cerr != nil {
		err = notStored(opts, cerr)
	}
	return err
}

// notStored words the failure to store a position. Each partition has its own,
// usually the same; one is enough.
func notStored(opts *options, err error) error {
	var first *client.Error
	if errors.As(err, &first) {
		err = first
	}
	why := fmt.Sprintf("how far consumer %q has read is not stored", opts.consumer)
	if errors.Is(err, api.OffsetManagementDisabled) {
		why += ": the cluster does not keep positions"
	}
	return cmdutil.ExplainStream(err, why)
}

func copyRecords(ctx context.Context, opts *options, s stream, out *sink) error {
	var r recfmt.Record
	for rec, err := range s.Records(ctx) {
		if err != nil {
			return err
		}
		r = recfmt.Record{Key: rec.Key, Value: rec.Value, Offset: rec.Offset, Partition: rec.Partition, Timestamp: rec.Timestamp}
		if err := out.print(&r); err != nil {
			return err
		}
		if opts.end.Value != nil && rec.Offset >= *opts.end.Value {
			if err := out.flush(); err != nil {
				return err
			}
			fmt.Fprintln(opts.f.IO.Err, "End-offset has been reached; exiting")
			return nil
		}
	}
	return nil
}

// ended tells ordinary ends from failures: an interrupt and a reader that has
// gone are ordinary.
func ended(opts *options, err error) error {
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, syscall.EPIPE):
		return nil
	case errors.Is(err, api.MaxRetryReached) && opts.f.IO.OutTTY():
		fmt.Fprintln(opts.f.IO.Err, "Max limit of retry connection reached")
		return nil
	case errors.Is(err, api.OffsetOutOfRange):
		return cmdutil.ExplainStream(err, "", fmt.Sprintf("fluvio consume %s -B", opts.topic))
	}
	return cmdutil.ExplainStream(err, "")
}

// interrupted makes an interrupt before the first record an ordinary end too.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// explainOpen words the failure to get a consumer.
func explainOpen(ctx context.Context, opts *options, c cluster, err error) error {
	switch {
	case errors.Is(err, client.ErrTopicNotFound):
		why, next := cmdutil.NoSuchTopic(ctx, c, opts.topic, "fluvio consume %s")
		return cmdutil.ExplainStream(err, why, append(next, "fluvio topic create "+opts.topic)...)
	case errors.Is(err, client.ErrPartitionNotFound):
		return cmdutil.ExplainStream(err, "", "fluvio partition list")
	}
	return cmdutil.ExplainStream(err, "")
}

// within returns f's error. After an interrupt it does not wait for f longer
// than a person would.
func within(ctx context.Context, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(closeLimit):
		return nil
	}
}

// banner says what is about to be printed, to a person.
func banner(opts *options) {
	if !opts.f.IO.OutTTY() {
		return
	}
	text := fmt.Sprintf("Consuming records from '%s'", opts.topic)
	switch {
	case opts.beginning:
		text += " starting from the beginning of log"
	case opts.head.Value != nil:
		text += fmt.Sprintf(" starting %d from the beginning of log", *opts.head.Value)
	case opts.start.Value != nil:
		text += fmt.Sprintf(" starting at offset %d", *opts.start.Value)
	case opts.tail.Value != nil:
		text += fmt.Sprintf(" starting %d from the end of log", *opts.tail.Value)
	}
	if opts.end.Value != nil {
		text += fmt.Sprintf(" until offset %d (inclusive)", *opts.end.Value)
	}
	if opts.f.IO.ErrColor() {
		text = "\x1b[1m" + text + "\x1b[0m"
	}
	fmt.Fprintln(opts.f.IO.Err, text)
}
