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

	Timeouts Timeouts
}

// Timeouts are the periods that a controller works with. Zero fields mean the
// defaults.
type Timeouts struct {
	// Provision is how long a create waits until all partitions are online.
	// Default 90 s.
	Provision time.Duration
	// Delete is how long a topic waits for online SPUs to confirm that its
	// data is gone. After that they are trusted to finish the job. Default
	// 5 s; deletes wait twice as long at most.
	Delete time.Duration
	// SpuSilence is how long an SPU may say nothing until it counts as
	// offline. Default 10 s.
	SpuSilence time.Duration
	// Heartbeat is how often SPUs are asked to report. Default 1 s.
	Heartbeat time.Duration
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
		{&t.Provision, 90 * time.Second}, {&t.Delete, 5 * time.Second}, {&t.SpuSilence, 10 * time.Second},
		{&t.Heartbeat, time.Second}, {&t.Status, 400 * time.Millisecond},
	} {
		if *f.v <= 0 {
			*f.v = f.d
		}
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
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.MaxConns <= 0 {
		c.MaxConns = defaultMaxConns
	}
	if c.MaxPartitions == 0 {
		c.MaxPartitions = defaultMaxPartitions
	}
	c.Timeouts.fill()
	return errors.Join(errs...)
}
