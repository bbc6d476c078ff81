package cluster

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/bytesize"
	"github.com/fluvio-go/fluvio/internal/progress"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/netproto/api"
)

type statusOptions struct {
	f *cmdutil.Factory
}

func newStatusCmd(f *cmdutil.Factory, runF func(*statusOptions) error) *cobra.Command {
	opts := &statusOptions{f: f}
	return &cobra.Command{
		Use:   "status",
		Short: "Show whether the cluster is well",
		Long: `Show whether the SC answers, how many SPUs are online and how much the topics
hold. Fails when the SC cannot be reached.

SPUs that are away, and topics whose partitions do not serve or lack copies,
are named with the reason, also where the output is not a terminal. That does
not change the exit code.`,
		Example: `  fluvio cluster status
  fluvio -P prod cluster status`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if runF != nil {
				return runF(opts)
			}
			return statusRun(cmd.Context(), opts)
		},
	}
}

func statusRun(ctx context.Context, opts *statusOptions) error {
	t, err := opts.f.Target()
	if err != nil {
		return err
	}
	r := newReporter(opts.f)
	defer r.Close()
	r.Headline("📝 Running cluster status checks with profile " + t.Profile)
	r.Step(indent("📝 Checking SC"))
	cl, err := opts.f.Connect(ctx)
	if err != nil {
		r.Done(indent("❌ Unable to reach cluster on profile " + t.Profile))
		return &uerr.Error{
			What: "Unknown error: Unable to reach cluster on profile " + t.Profile,
			Why:  err.Error(),
			Next: []string{"fluvio cluster start", "fluvio cluster resume"},
			Err:  err,
			Code: uerr.Unreachable,
		}
	}
	defer cl.Close()
	r.Done(indent("✅ SC is ok"))
	if err := spuStatus(ctx, r, cl.Admin()); err != nil {
		return err
	}
	return topicStatus(ctx, r, cl.Admin())
}

func spuStatus(ctx context.Context, r *progress.Reporter, adm *client.Admin) error {
	r.Step(indent("📝 Checking SPUs"))
	spus, err := adm.Spus(ctx, client.ListOptions{})
	if err != nil {
		r.Done(indent("❌ Unable to connect to SPUs"))
		return err
	}
	online := 0
	var away []string
	for _, s := range spus {
		switch s.Status.Resolution {
		case api.SpuOnlineState:
			online++
		case api.SpuInitState:
			away = append(away, fmt.Sprintf("SPU %d has not come yet", s.Spec.ID))
		default:
			away = append(away, fmt.Sprintf("SPU %d is offline", s.Spec.ID))
		}
	}
	switch {
	case online == 0:
		r.Done(indent("❌ No SPUs are online"))
	case online < len(spus):
		r.Done(indent(fmt.Sprintf("🟡 (%d/%d) SPUs are online", online, len(spus))))
	default:
		r.Done(indent(fmt.Sprintf("✅ (%d/%d) SPUs are online", online, len(spus))))
	}
	troubles(r, away)
	return nil
}

// maxTroubles is how many lines of one sort are worth reading.
const maxTroubles = 20

// troubles prints what is wrong, in every form of the output: where nobody
// looks at a checklist it is all that there is to say.
func troubles(r *progress.Reporter, lines []string) {
	for i, line := range lines {
		if i == maxTroubles {
			r.Headline(indent(fmt.Sprintf("🟡 and %d more", len(lines)-i)))
			return
		}
		r.Headline(indent("🟡 " + line))
	}
}

// topicStatus counts what users made. System topics do not count, but what is
// wrong with them is told.
func topicStatus(ctx context.Context, r *progress.Reporter, adm *client.Admin) error {
	r.Step(indent("📝 Checking Topics"))
	topics, err := adm.Topics(ctx, client.ListOptions{})
	var parts []api.Partition
	if err == nil {
		parts, err = adm.Partitions(ctx, client.ListOptions{})
	}
	if err != nil {
		r.Done(indent("❌ Unable to retrieve topics"))
		return err
	}
	system, err := adm.Topics(ctx, client.ListOptions{System: true})
	if err != nil {
		r.Done(indent("❌ Unable to retrieve topics"))
		return err
	}
	wrong := topicTroubles(append(slices.Clone(topics), system...))
	if len(topics) == 0 {
		r.Done(indent("🟡 No topics present"))
		troubles(r, wrong)
		return nil
	}
	var size uint64
	for _, p := range parts {
		if p.Status.Size > 0 {
			size += uint64(p.Status.Size) * uint64(1+len(p.Status.Replicas))
		}
	}
	r.Done(indent(fmt.Sprintf("✅ %d %s using %s", len(topics), plural(len(topics), "topic", "topics"), bytesize.Format(size))))
	troubles(r, wrong)
	return nil
}

// topicTroubles says which topics are not as declared. The reason of one that
// is provisioned is what its partitions lack.
func topicTroubles(topics []api.Topic) (lines []string) {
	for _, t := range topics {
		switch st := &t.Status; {
		case st.Resolution == api.TopicProvisioned && st.Reason != "":
			lines = append(lines, fmt.Sprintf("topic %s: %s", t.Name, st.Reason))
		case st.Resolution != api.TopicProvisioned && st.Reason != "":
			lines = append(lines, fmt.Sprintf("topic %s is %s: %s", t.Name, st.Resolution, st.Reason))
		case st.Resolution != api.TopicProvisioned:
			lines = append(lines, fmt.Sprintf("topic %s is %s", t.Name, st.Resolution))
		}
	}
	return lines
}
