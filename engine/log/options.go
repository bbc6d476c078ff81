package log

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
)

// Options say how to open a log.
type Options struct {
	// FS is the file system; nil means vfs.Disk.
	FS vfs.FS
	// Logger gets one line per change of state; nil discards them.
	Logger *slog.Logger
	// Events are told what Logger is told, as values; nil is allowed.
	Events *Events
	// Now is the wall clock for retention and file ages; nil means time.Now.
	Now func() time.Time
	// TopicID binds the directory to a topic. A directory that belongs to
	// another topic, or has records but cannot tell whose, is set aside. Zero
	// accepts any directory.
	TopicID [16]byte
	// ClusterID binds the directory to a cluster likewise; empty accepts any.
	ClusterID string
	// Replicated says that other replicas exist, so the high watermark comes
	// from the checkpoint when the log opens and retention stays below it.
	// Otherwise the high watermark starts at the end of the log.
	Replicated bool
	// Expected says that there should be a log. If there is none, or one that
	// is somebody else's, an empty one is begun that remembers it, see Loss.
	Expected bool
	// Epoch is the leader epoch in force, see SetEpoch.
	Epoch int32
	Config
}

// Config can be changed while the log is open, see Reconfigure. Where zero
// means the default, the default is in parentheses.
type Config struct {
	SegmentBytes  int64 // bytes of a segment file, 1,024 to 4 GiB - 1 (1 GiB)
	IndexBytes    int64 // bytes of an index file; further entries are dropped (10 MiB)
	IndexInterval int64 // bytes of batches between two index entries (4,096)

	Retention  time.Duration // age at which a segment expires; 0 keeps for ever
	MaxBytes   int64         // bytes of the log with its indexes; 0 is unlimited
	SegmentAge time.Duration // age at which the active segment is rolled (the smaller of Retention and 24 h; never without Retention)

	MaxBatchBytes int           // bytes of one encoded batch, at most SegmentBytes too (32 MiB)
	Durability    Durability    // (Always)
	FlushInterval time.Duration // longest time unsynced under Interval (1 s)
	FlushBytes    int64         // most bytes unsynced under Interval (16 MiB)
}

const (
	// MinSegmentBytes is the smallest SegmentBytes.
	MinSegmentBytes = 1 << 10
	// MaxSegmentBytes is the largest SegmentBytes: positions in an index are
	// 32 bits wide.
	MaxSegmentBytes = math.MaxUint32

	// maxOffset stands for an offset or position without bound.
	maxOffset = math.MaxInt64

	defaultSegmentBytes  = 1 << 30
	defaultIndexBytes    = 10 << 20
	defaultIndexInterval = 4 << 10
	defaultMaxBatchBytes = 32 << 20
	defaultFlushInterval = time.Second
	defaultFlushBytes    = 16 << 20
	defaultSegmentAge    = 24 * time.Hour

	// DefaultRetention and DefaultMaxBytes are what a topic gets that says
	// nothing. Config does not default to them: there, zero means for ever.
	DefaultRetention       = 7 * 24 * time.Hour
	DefaultMaxBytes  int64 = 100 << 30
)

// DefaultConfig is the configuration of a topic that says nothing.
func DefaultConfig() Config {
	c, _ := Config{Retention: DefaultRetention, MaxBytes: DefaultMaxBytes}.normalize()
	return c
}

// normalize fills in defaults and reports everything that is out of range.
func (c Config) normalize() (Config, error) {
	setDefault(&c.SegmentBytes, defaultSegmentBytes)
	setDefault(&c.IndexBytes, defaultIndexBytes)
	setDefault(&c.IndexInterval, defaultIndexInterval)
	setDefault(&c.MaxBatchBytes, defaultMaxBatchBytes)
	setDefault(&c.FlushInterval, defaultFlushInterval)
	setDefault(&c.FlushBytes, defaultFlushBytes)
	if c.SegmentAge == 0 && c.Retention > 0 {
		c.SegmentAge = min(c.Retention, defaultSegmentAge)
	}
	var errs []error
	check := func(ok bool, name string, value any, want string) {
		if !ok {
			errs = append(errs, fmt.Errorf("%s is %v, want %s", name, value, want))
		}
	}
	check(c.SegmentBytes >= MinSegmentBytes && c.SegmentBytes <= MaxSegmentBytes,
		"segment size", c.SegmentBytes, fmt.Sprintf("%d to %d bytes", MinSegmentBytes, int64(MaxSegmentBytes)))
	check(c.IndexBytes >= indexEntrySize, "index size", c.IndexBytes, "at least one entry, 8 bytes")
	check(c.IndexInterval > 0, "index interval", c.IndexInterval, "a positive number of bytes")
	check(c.Retention >= 0, "retention", c.Retention, "0 or more")
	check(c.MaxBytes >= 0, "partition size", c.MaxBytes, "0 or more")
	check(c.SegmentAge >= 0, "segment age", c.SegmentAge, "0 or more")
	check(c.MaxBatchBytes > 0, "batch size", c.MaxBatchBytes, "a positive number of bytes")
	check(c.Durability <= Never, "durability", c.Durability, "always, interval or never")
	check(c.FlushInterval > 0, "flush interval", c.FlushInterval, "a positive duration")
	check(c.FlushBytes > 0, "flush size", c.FlushBytes, "a positive number of bytes")
	return c, errors.Join(errs...)
}

func setDefault[T int | int64 | time.Duration](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}

// maxBatch is the largest batch that can be stored.
func (c *Config) maxBatch() int64 { return min(int64(c.MaxBatchBytes), c.SegmentBytes) }

// Durability says when appended records are synced to the device.
type Durability uint8

// The durabilities. See the package comment for what each promises.
const (
	Always   Durability = iota // before WaitDurable returns; many waiters share one sync
	Interval                   // after FlushInterval or FlushBytes, and when a segment is full
	Never                      // when the operating system likes, and at Close
	// Auto is a setting of topics that the owner of the log resolves: Always
	// for one replica, Interval for more. No log can be opened with it.
	Auto
)

var durabilityNames = [...]string{Always: "always", Interval: "interval", Never: "never", Auto: "auto"}

// String is the lower-case name that flags use.
func (d Durability) String() string {
	if int(d) < len(durabilityNames) {
		return durabilityNames[d]
	}
	return fmt.Sprintf("durability(%d)", uint8(d))
}

// ParseDurability is the reverse of String, in any case of letters.
func ParseDurability(s string) (Durability, error) {
	for d, name := range durabilityNames {
		if strings.EqualFold(s, name) {
			return Durability(d), nil
		}
	}
	return 0, fmt.Errorf("durability %q: want always, interval, never or auto", s)
}
