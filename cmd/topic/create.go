package topic

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/cmd/argv"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/bytesize"
	"github.com/fluvio-go/fluvio/internal/humantime"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/spf13/cobra"
)

type createOptions struct {
	f       *cmdutil.Factory
	connect connectFunc

	name              string
	partitions        uint32
	replication       uint16
	ignoreRack        bool
	replicaAssignment string // path
	mirrorApply       string // path
	mirror            bool
	homeToRemote      bool
	dryRun            bool
	config            string // path

	retention        cmdutil.Parsed[time.Duration]
	segmentSize      cmdutil.Parsed[uint64]
	maxPartitionSize cmdutil.Parsed[uint64]
	compression      cmdutil.Parsed[api.Compression]
	durability       cmdutil.Choice
	minInSync        cmdutil.Parsed[uint32]
	uncleanElection  bool
	dedup            bool
	dedupCount       uint64
	dedupAge         cmdutil.Parsed[time.Duration]
	system           bool
}

const createLong = `Create a topic.

Everything can be given as flags, or in a YAML file with --config.

A partition has as many copies as --replication says, each on an SPU of its own.
One of them leads; the others follow it and take over when its SPU is gone. With
3 copies records survive the loss of any two SPUs one after the other. A topic
that wants more copies than there are SPUs waits for them.

--min-in-sync-replicas refuses records that are to be committed to all copies
("fluvio produce --isolation read_committed") while fewer than that many have
what was committed before. 2 of 3 is usual: one SPU can be away.

Without --allow-unclean-election a partition whose in-sync copies are all away
waits for one of them; with it any copy may lead, and records are lost that it
does not have.

Durability says what a producer's acknowledgement promises:

  auto      an acknowledged record survives any one failure: "always" for a
            topic with one replica, else every replica in sync has it
  always    the record is on disk, of every replica in sync; requests that
            wait share one fdatasync
  interval  the record is written; disk follows within a second or 16 MiB
  never     the record is written; the operating system decides when to disk

With interval and never the leader's copy is enough, unless the producer asks
for a commit (isolation ReadCommitted).

These three settings need a cluster that knows them; others refuse anything but
their defaults.`

func newCreateCmd(f *cmdutil.Factory, connect connectFunc, runF func(context.Context, *createOptions) error) *cobra.Command {
	opts := &createOptions{f: f, connect: connect}
	cmd := &cobra.Command{
		Use:   "create [name]",
		Short: "Create a topic",
		Long:  createLong,
		Example: `  fluvio topic create orders
  fluvio topic create orders --partitions 4 --replication 3 --min-in-sync-replicas 2
  fluvio topic create orders --retention-time 2d --segment-size "64 MiB"
  fluvio topic create --config topic.yaml --dry-run`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: cmdutil.RunE(opts, func(args []string) {
			if len(args) > 0 {
				opts.name = args[0]
			}
		}, runF, createRun),
	}
	fs := cmd.Flags()
	fs.Uint32VarP(&opts.partitions, "partitions", "p", 1, "Number of `partitions`")
	fs.Uint16VarP(&opts.replication, "replication", "r", 1, "Number of copies of each partition, on as many SPUs (`integer`)")
	fs.BoolVarP(&opts.ignoreRack, "ignore-rack-assignment", "i", false, "Place replicas without regard to racks")
	fs.StringVarP(&opts.replicaAssignment, "replica-assignment", "f", "", "Place replicas as `file.json` says")
	fs.StringVarP(&opts.mirrorApply, "mirror-apply", "m", "", "Mirror the remote clusters listed in `file.json`")
	fs.BoolVar(&opts.mirror, "mirror", false, "Make a mirror topic without remotes yet")
	fs.BoolVarP(&opts.dryRun, "dry-run", "d", false, "Validate only")
	addSettingFlags(cmd, opts)
	fs.StringVarP(&opts.config, "config", "c", "", "Read name and settings from this YAML file (`PATH`)")
	fs.BoolVar(&opts.homeToRemote, "home-to-remote", false, "Mirror from the home cluster to the remote ones")

	argv.Conflicts(cmd, "config", "[name]", "partitions", "replication", "ignore-rack-assignment", "replica-assignment",
		"mirror-apply", "mirror", "retention-time", "segment-size", "compression-type", "max-partition-size",
		"dedup", "dedup-count", "dedup-age", "system")
	argv.Conflicts(cmd, "replica-assignment", "partitions", "replication", "mirror-apply", "mirror", "ignore-rack-assignment")
	argv.Conflicts(cmd, "mirror-apply", "partitions", "replication", "mirror")
	argv.Conflicts(cmd, "mirror", "partitions", "replication")
	return cmd
}

// addSettingFlags defines the flags that do not depend on the kind of topic.
func addSettingFlags(cmd *cobra.Command, opts *createOptions) {
	opts.retention.Parse = parseRetention
	opts.segmentSize.Parse = parseSegmentSize
	opts.maxPartitionSize.Parse = bytesize.Parse
	opts.compression.Parse = parseCompression
	opts.durability.Choices = []string{"auto", "always", "interval", "never"}
	opts.durability.Fold = true
	opts.minInSync.Parse = parseMinInSync
	opts.dedupAge.Parse = humantime.Parse
	fs := cmd.Flags()
	fs.Var(&opts.retention, "retention-time", "Keep records for this `time`, such as 1h or \"2d 10s\" [default: 7days]")
	fs.Var(&opts.segmentSize, "segment-size", "Size of a log segment in `bytes`, such as 2048 or \"10 MiB\" [default: 1 GiB]")
	fs.Var(&opts.compression, "compression-type", "Demand this `compression` of producers: none, gzip, snappy, lz4, zstd or any [default: any]")
	fs.Var(&opts.maxPartitionSize, "max-partition-size", "Drop the oldest segments of a partition beyond this size in `bytes`")
	fs.Var(&opts.durability, "durability", "Acknowledge records as this `mode` says: auto, always, interval or never [default: auto]")
	fs.Var(&opts.minInSync, "min-in-sync-replicas", "Refuse committed records while fewer copies are in sync (`integer`) [default: 1]")
	fs.BoolVar(&opts.uncleanElection, "allow-unclean-election", false, "Let a copy that is not in sync lead when no other is left: records may be lost")
	fs.BoolVar(&opts.dedup, "dedup", false, "Drop records that were seen before")
	fs.Uint64Var(&opts.dedupCount, "dedup-count", defaultDedupCount, "Number of records to remember (`integer`)")
	fs.Var(&opts.dedupAge, "dedup-age", "How long to remember records (`time`) [default: 5s]")
	fs.BoolVarP(&opts.system, "system", "s", false, "Create a system topic")
	argv.Requires(cmd, "dedup-count", "dedup")
	argv.Requires(cmd, "dedup-age", "dedup")
	for flag, values := range map[string][]string{
		"durability":       opts.durability.Choices,
		"compression-type": {"none", "gzip", "snappy", "lz4", "any", "zstd"},
	} {
		// The only error is a flag that does not exist, and both were just made.
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
	_ = fs.MarkHidden("system")
}

func parseRetention(s string) (time.Duration, error) {
	d, err := humantime.Parse(s)
	if err == nil && d/time.Second > math.MaxUint32 {
		err = fmt.Errorf("more than %d seconds", uint32(math.MaxUint32))
	}
	return d, err
}

func parseSegmentSize(s string) (uint64, error) {
	n, err := bytesize.Parse(s)
	if err == nil && n > math.MaxUint32 {
		err = fmt.Errorf("more than %d bytes", uint32(math.MaxUint32))
	}
	return n, err
}

func parseMinInSync(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	switch {
	case err != nil:
		return 0, errors.New("invalid digit found in string") // as for the other integers
	case n == 0:
		return 0, errors.New("a record is in one replica at least; use 1 or more")
	}
	return uint32(n), nil
}

func createRun(ctx context.Context, opts *createOptions) error {
	plan, err := newPlan(opts)
	if err != nil {
		return err
	}
	a, end, err := opts.connect(ctx)
	if err != nil {
		return err
	}
	defer end()
	if err := plan.check(ctx, opts, a); err != nil {
		return err
	}
	err = a.CreateTopic(ctx, plan.name, plan.spec, client.CreateTopicOptions{DryRun: opts.dryRun, Config: plan.config})
	if err != nil {
		return explainCreate(ctx, a, err, plan)
	}
	_, err = fmt.Fprintf(opts.f.IO.Out, "topic \"%s\" created\n", plan.name)
	return err
}
