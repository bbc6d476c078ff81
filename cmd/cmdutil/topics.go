package cmdutil

import (
	"context"
	"fmt"
	"time"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/internal/suggest"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/spf13/cobra"
)

// TopicLister lists topics; *client.Admin is one.
type TopicLister interface {
	Topics(ctx context.Context, opts client.ListOptions) ([]api.Topic, error)
}

// hintTimeout bounds what is spent on looking for names like the one that was
// not found.
const hintTimeout = time.Second

// NoSuchTopic describes what the cluster has instead of a topic called name.
// use is the command, with a verb for the name, that would have worked.
func NoSuchTopic(ctx context.Context, l TopicLister, name, use string) (why string, next []string) {
	ctx, cancel := context.WithTimeout(ctx, hintTimeout)
	defer cancel()
	topics, err := l.Topics(ctx, client.ListOptions{})
	if err != nil {
		return "", []string{"fluvio topic list"}
	}
	names := topicNames(topics)
	why = fmt.Sprintf("the cluster has %s; none is called %q", count(len(names), "topic"), name)
	for _, near := range suggest.Nearest(name, names) {
		next = append(next, fmt.Sprintf(use, near))
	}
	return why, append(next, "fluvio topic list")
}

func topicNames(topics []api.Topic) []string {
	names := make([]string, len(topics))
	for i := range topics {
		names[i] = topics[i].Name
	}
	return names
}

func count(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun + "s"
	case 1:
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// completionTimeout is all the time that completing a name may take: a shell
// waits for it at a key press.
const completionTimeout = 150 * time.Millisecond

// CompleteTopics offers the cluster's topics for the first positional, or for
// each one. It is silent when the cluster does not answer in time.
func (f *Factory) CompleteTopics(each bool) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 && !each {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), completionTimeout)
		defer cancel()
		admin, end, err := f.Admin(ctx)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer end()
		topics, err := admin.Topics(ctx, client.ListOptions{})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return topicNames(topics), cobra.ShellCompDirectiveNoFileComp
	}
}
