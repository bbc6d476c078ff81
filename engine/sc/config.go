package sc

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"time"

	"github.com/fluvio-go/fluvio/engine/sc/meta"
)

// Config is what a streaming controller needs. Store and the listeners are
// required.
type Config struct {
	// Store holds the metadata. It stays open when the controller closes.
	Store meta.Store
	// Public is where clients come, Private where SPUs come. The controller
	// closes both.
	Public, Private net.Listener
	// TLS and PrivateTLS make the listeners speak TLS; nil means plain.
	TLS, PrivateTLS *tls.Config
	// PlatformVersion is what clients are told, strict semver; the cluster
	// installer compares it with the release it installed.
	PlatformVersion string
	// Logger gets one line per change of state; nil means none.
	Logger *slog.Logger

	// MaxConns is the largest number of client connections; 0 means 4,096.
	MaxConns int
	// MaxPartitions is the largest number of partitions of one topic; 0 means
	// 10,000, and 65,535 is the most that a status can carry.
	MaxPartitions uint32
	// MaxReplicas is the largest replication factor of a topic; 0 means no
	// limit. Clusters whose SPUs cannot reach each other allow 1.
	MaxReplicas uint32

	Timeouts  Timeouts
	Rebalance Rebalance
}

// Rebalance says how leaderships return to the replicas that their placement
// prefers, after these were away.
type Rebalance struct {
	// Off leaves leaderships where they are.
	Off bool
	// After is how long the SPU of a preferred replica must have been online.
	// 0 means 30 s.
	After time.Duration
	// PerSecond is how many leaderships return in a second, at most; each is a
	// short interruption. 0 means 50.
	PerSecond int
}

// Timeouts are the periods that a controller works with. Zero fields mean the
// defaults.
type Timeouts struct {
	// Provision is how long a create waits until all partitions are online.
	// Default 90 s.
	Provision time.Duration
	// Unplaceable is how long a create waits while the topic wants more copies
	// than there are SPUs registered: unless somebody registers some at this
	// moment, waiting is in vain. The topic stays and is provisioned when they
	// come. Default 3 s.
	Unplaceable time.Duration
	// Delete is how long a topic waits for online SPUs to confirm that its
	// data is gone. After that they are trusted to finish the job. Default
	// 5 s; deletes wait twice as long at most.
	Delete time.Duration
	// Heartbeat is how often SPUs are asked to report. Default 250 ms.
	Heartbeat time.Duration
	// Lease is how long an SPU may act as the leader of replicated partitions
	// after the last report that was answered. Nobody else is elected before
	// that, and LeaseMargin for clocks that do not run alike, has passed. A
	// short lease means that partitions have a new leader soon after a crash;
	// but leaders also stop taking records when the controller is away for
	// longer than the lease, or does not get to run. Defaults 1,500 ms and
	// 250 ms.
	Lease, LeaseMargin time.Duration
	// SpuSilence is how long an SPU whose connection is open may say nothing
	// until it counts as offline. What it waits for from us does not count, nor
	// does time in which we did not get to run. Default the lease and its
	// margin, less two heartbeats: 1,250 ms. Less would end sessions of SPUs
	// that are busy and gain nothing, since another leader is elected only after
	// lease and margin. With more, that would have to wait for the session. And
	// of two SPUs that vanish together both must count as offline before the
	// lease of either is over, or one would become the only one in sync; their
	// last heartbeats may lie an interval apart, and one is to spare.
	SpuSilence time.Duration
	// Registration is how long a controller that starts waits for the SPUs
	// it knows before it elects others in their place, and how long the
	// offsets topic of a new cluster waits for more SPUs than one. Default
	// the lease and its margin.
	Registration time.Duration
	// OutOfStorage is how long a leader may be out of storage until another
	// replica that has space takes over. Default 10 s.
	OutOfStorage time.Duration
	// Status is how often at most a watcher hears that offsets or sizes of a
	// partition moved. Default 400 ms.
	Status time.Duration
}

const (
	defaultMaxConns      = 4096
	defaultMaxPartitions = 10_000
	// maxReplicaMap is the size of a map on the wire.
	maxReplicaMap = 65_535
)

func (t *Timeouts) fill() {
	for _, f := range []struct {
		v *time.Duration
		d time.Duration
	}{
		{&t.Provision, 90 * time.Second}, {&t.Unplaceable, 3 * time.Second}, {&t.Delete, 5 * time.Second}, {&t.Status, 400 * time.Millisecond},
		{&t.Heartbeat, 250 * time.Millisecond}, {&t.Lease, 1500 * time.Millisecond}, {&t.LeaseMargin, 250 * time.Millisecond},
		{&t.OutOfStorage, 10 * time.Second},
	} {
		setDefault(f.v, f.d)
	}
	setDefault(&t.SpuSilence, max(t.Lease+t.LeaseMargin-2*t.Heartbeat, (t.Lease+t.Heartbeat)/2))
	setDefault(&t.Registration, t.Lease+t.LeaseMargin)
}

func setDefault[T int | time.Duration](v *T, d T) {
	if *v <= 0 {
		*v = d
	}
}

var semver = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$`)

// fill checks the configuration, reporting all that is wrong with it, and
// sets defaults.
func (c *Config) fill() error {
	var errs []error
	if c.Store == nil {
		errs = append(errs, errors.New("Store is missing"))
	}
	if c.Public == nil || c.Private == nil {
		errs = append(errs, errors.New("Public or Private listener is missing"))
	}
	if !semver.MatchString(c.PlatformVersion) {
		errs = append(errs, fmt.Errorf("PlatformVersion %q is not a semantic version, which clients insist on", c.PlatformVersion))
	}
	if c.MaxPartitions > maxReplicaMap {
		errs = append(errs, fmt.Errorf("MaxPartitions %d is above %d", c.MaxPartitions, maxReplicaMap))
	}
	c.Timeouts.fill()
	if t := &c.Timeouts; t.Heartbeat >= t.Lease {
		errs = append(errs, fmt.Errorf("Timeouts.Heartbeat %v is not below Lease %v: leases would run out between reports", t.Heartbeat, t.Lease))
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	setDefault(&c.MaxConns, defaultMaxConns)
	setDefault(&c.Rebalance.After, 30*time.Second)
	setDefault(&c.Rebalance.PerSecond, 50)
	if c.MaxPartitions == 0 {
		c.MaxPartitions = defaultMaxPartitions
	}
	return errors.Join(errs...)
}
