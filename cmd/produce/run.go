package produce

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// cluster is what the command asks of a connection.
type cluster interface {
	cmdutil.TopicLister
	Producer(ctx context.Context, topic string, opts ...client.ProducerOption) (producer, error)
	Close()
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

func (c connection) Producer(ctx context.Context, topic string, opts ...client.ProducerOption) (producer, error) {
	p, err := c.cl.Producer(ctx, topic, opts...)
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (c connection) Close() { _ = c.cl.Close() }

func run(ctx context.Context, opts *options) error {
	settings, err := opts.producerOptions()
	if err != nil {
		return err
	}
	// Before connecting: a file that cannot be read must not cost a wait.
	input, closeInput, err := opts.open()
	if err != nil {
		return err
	}
	defer closeInput()
	c, err := opts.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if opts.mirror != "" {
		partition, err := mirrorPartition(ctx, c, opts.mirror)
		if err != nil {
			return err
		}
		settings = append(settings, client.Partition(partition))
	}
	var again resent
	settings = append(settings, client.OnBatch(again.note))
	p, err := c.Producer(ctx, opts.topic, settings...)
	if err != nil {
		return explainOpen(ctx, opts, c, err)
	}
	l := newPipeline(ctx, opts, p)
	err = l.produce(input)
	again.tell(opts.f.IO.Err)
	return explain(opts, l, err)
}

// resent counts records that went to the cluster more than once. Nobody can
// tell whether the first time was in vain.
type resent struct{ records atomic.Int64 }

func (r *resent) note(e client.BatchEvent) {
	if e.Again && e.Err == nil {
		r.records.Add(int64(e.Records))
	}
}

// tell says so also where nobody looks at a terminal: it is rare, and what
// reads the topic may have to know.
func (r *resent) tell(w io.Writer) {
	n := r.records.Load()
	if n == 0 {
		return
	}
	noun := "records were"
	if n == 1 {
		noun = "record was"
	}
	fmt.Fprintf(w, "WARN %d %s sent again after a leader moved or gave no answer, and may be in the topic twice\n", n, noun)
}

// open returns the input.
func (o *options) open() (r io.Reader, end func(), err error) {
	if o.file == "" || o.file == "-" {
		return o.f.IO.In, func() {}, nil
	}
	f, err := os.Open(o.file)
	if err != nil {
		return nil, nil, cmdutil.FileError(o.file, err)
	}
	return f, func() { _ = f.Close() }, nil // only read from
}

// produce sends the input in the way that the flags ask for.
func (l *pipeline) produce(input io.Reader) error {
	switch {
	case l.opts.raw:
		value, err := readWhole(input, l.opts.maxRequest)
		if err == nil {
			err = l.one(value)
		}
		return l.finish(err)
	case l.opts.interactive():
		return l.finish(l.converse(input))
	}
	return l.all(input)
}

// finish answers the final flush of a conversation.
func (l *pipeline) finish(err error) error {
	if err != nil || !l.opts.interactive() {
		return err
	}
	_, err = io.WriteString(l.opts.f.IO.Out, okLine)
	return err
}

// mirrorPartition finds the first partition of any topic that goes to remote.
// The topic on the command line has never mattered here.
func mirrorPartition(ctx context.Context, c cmdutil.TopicLister, remote string) (uint32, error) {
	topics, err := c.Topics(ctx, client.ListOptions{})
	if err != nil {
		return 0, cmdutil.ExplainAdmin(err, "")
	}
	for i := range topics {
		r := &topics[i].Spec.Replicas
		if r.Kind != api.ReplicasMirror {
			continue
		}
		if m := &r.Mirror; m.Side == api.MirrorRemote {
			if m.Target && m.HomeCluster == remote && len(m.HomeSpus) > 0 {
				return 0, nil
			}
			continue
		}
		for id, p := range r.Mirror.Partitions {
			if p.RemoteCluster == remote && p.Source {
				return uint32(id), nil
			}
		}
	}
	return 0, &uerr.Error{What: fmt.Sprintf("No partition found for mirror '%s'", remote), Code: uerr.NotFound}
}

// explainOpen words the failure to get a producer.
func explainOpen(ctx context.Context, opts *options, c cluster, err error) error {
	switch {
	case errors.Is(err, client.ErrTopicNotFound):
		why, next := cmdutil.NoSuchTopic(ctx, c, opts.topic, "fluvio produce %s")
		return cmdutil.ExplainStream(err, why, append(next, "fluvio topic create "+opts.topic)...)
	case errors.Is(err, client.ErrPartitionNotFound):
		return cmdutil.ExplainStream(err, "", "fluvio partition list")
	case errors.Is(err, client.ErrConfig):
		return producerError(err, "")
	}
	return cmdutil.ExplainStream(err, "")
}

// explain words the failure of a running producer.
func explain(opts *options, l *pipeline, err error) error {
	var (
		failed  *sendError
		input   *inputError
		toobig  *client.RecordTooLargeError
		refused *client.Error
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failed):
		why := fmt.Sprintf("%d records were acknowledged before this failure", l.acked.Load())
		switch {
		case errors.Is(err, client.ErrQueueTimeout):
			return producerError(client.ErrQueueTimeout, why)
		case errors.As(err, &refused) && refused.Code.ID != api.OK && refused.Partition >= 0:
			return producerError(failed.err, why)
		}
		return cmdutil.ExplainStream(failed.err, why)
	case errors.As(err, &toobig):
		why := fmt.Sprintf("a record with its batch header can have %d bytes", opts.maxRequest)
		if errors.As(err, &input) && input.line > 0 {
			why = fmt.Sprintf("line %d is too long: %s", input.line, why)
		}
		return producerError(toobig, why, fmt.Sprintf("fluvio produce %s --max-request-size BYTES", opts.topic))
	case errors.As(err, &input):
		return &uerr.Error{What: err.Error(), Err: err, Why: fmt.Sprintf("while reading line %d of the input", input.line)}
	}
	return err
}

// producerError is a failure in the words that producers have for it.
func producerError(err error, why string, next ...string) error {
	return &uerr.Error{What: "Producer error: " + err.Error(), Err: err, Why: why, Next: next, Code: cmdutil.ExitCode(err)}
}
