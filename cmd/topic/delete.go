package topic

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/spf13/cobra"
)

type deleteOptions struct {
	f               *cmdutil.Factory
	connect         connectFunc
	names           []string
	continueOnError bool
	system          bool
	force           bool
}

func newDeleteCmd(f *cmdutil.Factory, connect connectFunc, runF func(context.Context, *deleteOptions) error) *cobra.Command {
	opts := &deleteOptions{f: f, connect: connect}
	cmd := &cobra.Command{
		Use:   "delete <name>...",
		Short: "Delete topics with all their records",
		Example: `  fluvio topic delete orders
  fluvio topic delete orders payments --continue-on-error`,
		ValidArgsFunction: f.CompleteTopics(true),
		RunE:              cmdutil.RunE(opts, func(args []string) { opts.names = args }, runF, deleteRun),
	}
	fs := cmd.Flags()
	fs.BoolVarP(&opts.continueOnError, "continue-on-error", "c", false, "Go on with the other topics when one cannot be deleted")
	fs.BoolVarP(&opts.system, "system", "s", false, "Allow system topics")
	fs.BoolVarP(&opts.force, "force", "f", false, "Delete system topics without asking")
	return cmd
}

// errAborted says that a person declined.
var errAborted = errors.New("aborted")

func deleteRun(ctx context.Context, opts *deleteOptions) error {
	a, end, err := opts.connect(ctx)
	if err != nil {
		return err
	}
	defer end()
	answers := bufio.NewReader(opts.f.IO.In)
	failed := 0
	for _, name := range opts.names {
		label, err := deleteOne(ctx, opts, a, name, answers)
		switch {
		case err == nil:
			fmt.Fprintf(opts.f.IO.Out, "%s \"%s\" deleted\n", label, name)
		case errors.Is(err, errAborted):
			fmt.Fprintln(opts.f.IO.Out, "Aborted")
			return errFailed(failed)
		case !opts.continueOnError || ctx.Err() != nil:
			return err
		default:
			fmt.Fprintf(opts.f.IO.Out, "%s \"%s\" delete failed with: %v\n", label, name, err)
			failed++
		}
	}
	return errFailed(failed)
}

func errFailed(n int) error {
	if n == 0 {
		return nil
	}
	return &uerr.Error{What: "Failed deleting topic(s). Check previous errors.", Code: uerr.Partial}
}

// deleteOne deletes a topic. label is what to call it in messages.
func deleteOne(ctx context.Context, opts *deleteOptions, a admin, name string, answers *bufio.Reader) (label string, err error) {
	label = "topic"
	err = a.DeleteTopic(ctx, name, false)
	switch {
	case errors.Is(err, api.SystemSpecDeletionAttempt) && opts.system:
		if !opts.force && !confirmed(opts, name, answers) {
			return label, errAborted
		}
		label = "system topic"
		err = a.DeleteTopic(ctx, name, true)
	case errors.Is(err, api.SystemSpecDeletionAttempt):
		return label, cmdutil.ExplainAdmin(err, "", "fluvio topic delete --system "+name)
	}
	if errors.Is(err, api.TopicNotFound) {
		why, next := cmdutil.NoSuchTopic(ctx, a, name, "fluvio topic delete %s")
		return label, cmdutil.ExplainAdmin(err, why, next...)
	}
	return label, cmdutil.ExplainAdmin(err, "")
}

// confirmed asks on the output and reads one line of the input, whether or not
// they are terminals: scripts answer this question.
func confirmed(opts *deleteOptions, name string, answers *bufio.Reader) bool {
	fmt.Fprintf(opts.f.IO.Out, "You are trying to delete a system topic '%s'. It can affect the functioning of the cluster.\n"+
		"%29s\nAre you sure you want to proceed? (y/n)\n", name, "")
	line, _ := answers.ReadString('\n') // what came before the end of input counts
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return true
	}
	return false
}
