package topic

import (
	"context"
	"fmt"

	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/spf13/cobra"
)

type addMirrorOptions struct {
	f            *cmdutil.Factory
	connect      connectFunc
	topic        string
	remote       string
	homeToRemote bool
}

func newAddMirrorCmd(f *cmdutil.Factory, connect connectFunc, runF func(context.Context, *addMirrorOptions) error) *cobra.Command {
	opts := &addMirrorOptions{f: f, connect: connect}
	cmd := &cobra.Command{
		Use:               "add-mirror <TOPIC> <REMOTE>",
		Short:             "Add a remote cluster to a mirror topic",
		Example:           "  fluvio topic add-mirror orders boat-1",
		ValidArgsFunction: f.CompleteTopics(false),
		RunE: cmdutil.RunE(opts, func(args []string) {
			opts.topic, opts.remote = args[0], args[1]
		}, runF, addMirrorRun),
	}
	cmd.Flags().BoolVar(&opts.homeToRemote, "home-to-remote", false, "Mirror from the home cluster to the remote one")
	return cmd
}

func addMirrorRun(ctx context.Context, opts *addMirrorOptions) error {
	a, end, err := opts.connect(ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := a.AddMirror(ctx, opts.topic, opts.remote, opts.homeToRemote); err != nil {
		return cmdutil.ExplainAdmin(err, "")
	}
	_, err = fmt.Fprintf(opts.f.IO.Out, "added new mirror: \"%s\" to topic: \"%s\"\n", opts.remote, opts.topic)
	return err
}
