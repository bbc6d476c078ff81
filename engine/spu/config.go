package spu

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// Config says what an SPU is and where it keeps its data. Zero values mean the
// default in parentheses.
type Config struct {
	// ID is the SPU's id in the cluster, 0 or more.
	ID int32
	// Public accepts clients; the Server closes it.
	Public net.Listener
	// TLS makes the public port speak TLS from the first byte (plain).
	TLS *tls.Config
	// DialSC opens a connection to the SC. It is called again, with back-off,
	// whenever the connection is lost. Encryption is its business.
	DialSC func(ctx context.Context) (net.Conn, error)

	// Private accepts other SPUs that follow partitions led here; the Server
	// closes it. nil: nobody can. DialPeer opens a connection to the private
	// port of another SPU, whose address is in its spec; nil: nothing led
	// elsewhere is followed. Who may connect is the business of these two.
	Private  net.Listener
	DialPeer func(ctx context.Context, spec api.SpuSpec) (net.Conn, error)

	// Dir is the data directory; replicas live in
	// <Dir>/spu-logs-<ID>/<topic>-<partition>.
	Dir string
	// FS is the file system below Dir (vfs.Disk).
	FS vfs.FS

	// OSBoot tells this start of the operating system from others. Where it is
	// the same as that of an earlier start of the SPU, everything which that one
	// wrote is still there, synced or not. Empty: not known.
	OSBoot string

	// Logger gets one line per change of state (none). Events get the same as
	// values.
	Logger *slog.Logger
	Events Events
	// Now is the wall clock for retention (time.Now).
	Now func() time.Time

	Limits
	Intervals
}

// Limits bound what clients can make the SPU hold.
type Limits struct {
	MaxFrame      int // bytes of a request (128 MiB)
	MaxConns      int // open client connections (no limit)
	MaxBatchBytes int // bytes of one batch, header included (32 MiB)
	MaxStreams    int // streams of one connection (10,000)
	// MaxParked and MaxParkedBytes bound the produce requests of one
	// connection that are appended but not answered. Beyond either the
	// connection is not read (1,024 requests; 64 MiB).
	MaxParked      int
	MaxParkedBytes int
	// MaxFetchBytes bounds the records in the answer to one Fetch (1), which
	// is built in memory, and the slice that one stream response carries
	// (16 MiB; 1 GiB).
	MaxFetchBytes  int
	MaxStreamBytes int
	// MaxPeerBytes bounds the records in the answer to a follower, apart from
	// its first batch, which may have any size (1 MiB).
	MaxPeerBytes int
	// WriteTimeout closes a connection whose peer takes no byte for so long
	// (never: a paused consumer costs a socket and nothing else).
	WriteTimeout time.Duration
	// OpenParallel is how many logs are opened, closed or deleted at a time (8).
	OpenParallel int
}

// Intervals say how often background work happens.
type Intervals struct {
	Clean        time.Duration // retention; jittered by a tenth (10 s)
	Flush        time.Duration // most time unsynced where durability is interval (1 s)
	FlushBytes   int64         // most bytes unsynced there (16 MiB)
	Report       time.Duration // least time between reports of mere offsets (400 ms)
	ReportPrompt time.Duration // least time between reports of changes of state (20 ms)
	Retry        time.Duration // first pause before a failed replica is tried again (1 s)
	RetryMax     time.Duration // longest such pause (30 s)
	Redial       time.Duration // first pause before dialling the SC again (100 ms)
	RedialMax    time.Duration // longest such pause (1 s: an SC that starts waits little longer for the SPUs it knows)

	ReplicaLag time.Duration // longest time a follower in sync may be behind (10 s)
	PeerWait   time.Duration // longest time a fetch waits for records (500 ms)
	Lease      time.Duration // longest silence of the SC that a leader with followers survives (9 s)
	MoveWait   time.Duration // longest time Close waits for others to take over (5 s)
}

func (c *Config) fill() error {
	setDefault(&c.FS, vfs.Disk)
	setDefault(&c.Logger, slog.New(slog.DiscardHandler))
	if c.Now == nil {
		c.Now = time.Now
	}
	setDefault(&c.MaxFrame, 128<<20)
	setDefault(&c.MaxBatchBytes, 32<<20)
	setDefault(&c.MaxStreams, 10_000)
	setDefault(&c.MaxParked, 1024)
	setDefault(&c.MaxParkedBytes, 64<<20)
	setDefault(&c.MaxFetchBytes, 16<<20)
	setDefault(&c.MaxStreamBytes, 1<<30)
	setDefault(&c.OpenParallel, 8)
	setDefault(&c.MaxPeerBytes, 1<<20)
	setDefault(&c.Clean, 10*time.Second)
	setDefault(&c.Flush, time.Second)
	setDefault(&c.FlushBytes, 16<<20)
	setDefault(&c.Report, 400*time.Millisecond)
	setDefault(&c.ReportPrompt, 20*time.Millisecond)
	setDefault(&c.Retry, time.Second)
	setDefault(&c.RetryMax, 30*time.Second)
	setDefault(&c.Redial, 100*time.Millisecond)
	setDefault(&c.RedialMax, time.Second)
	setDefault(&c.ReplicaLag, 10*time.Second)
	setDefault(&c.PeerWait, 500*time.Millisecond)
	setDefault(&c.Lease, 9*time.Second)
	setDefault(&c.MoveWait, 5*time.Second)

	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(c.ID >= 0, "SPU id is %d, want 0 or more", c.ID)
	check(c.Public != nil, "no public listener")
	check(c.DialSC != nil, "no way to dial the SC")
	check(c.Dir != "", "no data directory")
	for _, n := range []int{c.MaxFrame, c.MaxConns, c.MaxBatchBytes, c.MaxStreams, c.MaxParked,
		c.MaxParkedBytes, c.MaxFetchBytes, c.MaxStreamBytes, c.OpenParallel, c.MaxPeerBytes} {
		check(n >= 0, "a limit is %d, want 0 (the default) or more", n)
	}
	for _, d := range []time.Duration{c.Clean, c.Flush, c.Report, c.ReportPrompt, c.Retry, c.RetryMax, c.Redial, c.RedialMax,
		c.ReplicaLag, c.PeerWait, c.Lease, c.MoveWait} {
		check(d > 0, "an interval is %v, want 0 (the default) or more", d)
	}
	return errors.Join(errs...)
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

// root is the directory of all replicas of this SPU.
func (c *Config) root() string {
	return filepath.Join(c.Dir, "spu-logs-"+strconv.Itoa(int(c.ID)))
}
