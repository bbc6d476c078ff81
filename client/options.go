package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"
)

// Option configures a Client.
type Option func(*config)

// config is what Dial needs to know.
type config struct {
	endpoint    string
	profile     string
	profileFile string
	tls         *tlsSource
	clientID    string
	local       bool
	dialer      func(ctx context.Context, network, addr string) (net.Conn, error)
	logger      *slog.Logger
	request     time.Duration
	metadata    time.Duration
}

// Defaults of a Client.
const (
	DefaultClientID = "fluvio"
	// DefaultRequestTimeout applies unless the environment variable
	// FLV_SOCKET_WAIT holds a number of seconds.
	DefaultRequestTimeout = 60 * time.Second
	// DefaultMetadataTimeout applies unless the environment variable
	// FLV_METADATA_TIMEOUT holds a number of milliseconds.
	DefaultMetadataTimeout = 60 * time.Second
)

// WithEndpoint connects to the SC at host:port instead of a profile's cluster.
func WithEndpoint(addr string) Option {
	return func(c *config) { c.endpoint = addr }
}

// WithProfile connects to the cluster of the named profile. Without any of
// WithEndpoint, WithProfile and WithCluster the active profile is used.
func WithProfile(name string) Option {
	return func(c *config) { c.profile = name }
}

// WithProfileFile names the profile file; the default is FLV_PROFILE_PATH or
// ~/.fluvio/config.
func WithProfileFile(path string) Option {
	return func(c *config) { c.profileFile = path }
}

// WithTLS makes all connections speak TLS. cfg.ServerName is the domain that
// the SC must prove; without it the host of the endpoint is used. SPUs must
// prove <spu name>.<domain>.
func WithTLS(cfg *tls.Config) Option {
	return func(c *config) { c.tls = fixedTLS(cfg) }
}

// WithClientID sets the free text that servers log and count requests under.
func WithClientID(id string) Option {
	return func(c *config) { c.clientID = id }
}

// WithDialer replaces net.Dialer for all connections.
func WithDialer(dial func(ctx context.Context, network, addr string) (net.Conn, error)) Option {
	return func(c *config) { c.dialer = dial }
}

// WithLogger receives retries and reconnections at info and debug level. The
// default logs nothing.
func WithLogger(l *slog.Logger) Option {
	return func(c *config) { c.logger = l }
}

// WithRequestTimeout bounds the wait for one answer. When it passes the
// connection counts as stale and is replaced. The default is 60 s.
func WithRequestTimeout(d time.Duration) Option {
	return func(c *config) { c.request = d }
}

// WithMetadataTimeout bounds the wait for topics, partitions and SPUs to show
// up in the metadata that the SC pushes. The default is 60 s.
func WithMetadataTimeout(d time.Duration) Option {
	return func(c *config) { c.metadata = d }
}

// WithUseSPULocalAddress reaches SPUs at the address they have inside their
// own network, where they have one.
func WithUseSPULocalAddress(use bool) Option {
	return func(c *config) { c.local = use }
}

func newConfig(opts []Option) (*config, error) {
	c := &config{
		clientID: DefaultClientID,
		request:  DefaultRequestTimeout,
		metadata: DefaultMetadataTimeout,
		logger:   slog.New(slog.DiscardHandler),
		dialer:   new(net.Dialer).DialContext,
	}
	var errs []error
	if ms := os.Getenv("FLV_METADATA_TIMEOUT"); ms != "" {
		n, err := strconv.ParseUint(ms, 10, 31)
		if err != nil {
			errs = append(errs, fmt.Errorf("%w: FLV_METADATA_TIMEOUT is %q, want milliseconds", ErrConfig, ms))
		}
		c.metadata = time.Duration(n) * time.Millisecond
	}
	if s := os.Getenv("FLV_SOCKET_WAIT"); s != "" {
		n, err := strconv.ParseUint(s, 10, 31)
		if err != nil {
			errs = append(errs, fmt.Errorf("%w: FLV_SOCKET_WAIT is %q, want seconds", ErrConfig, s))
		}
		c.request = time.Duration(n) * time.Second
	}
	for _, o := range opts {
		o(c)
	}
	if c.logger == nil {
		c.logger = slog.New(slog.DiscardHandler)
	}
	if c.request <= 0 {
		errs = append(errs, fmt.Errorf("%w: request time-out is %v", ErrConfig, c.request))
	}
	if c.metadata <= 0 {
		errs = append(errs, fmt.Errorf("%w: metadata time-out is %v", ErrConfig, c.metadata))
	}
	if c.dialer == nil {
		errs = append(errs, fmt.Errorf("%w: dialer is nil", ErrConfig))
	}
	if c.endpoint == "" || c.profile != "" {
		if c.endpoint != "" {
			errs = append(errs, fmt.Errorf("%w: both an endpoint and a profile are given", ErrConfig))
		} else if err := c.fromProfile(); err != nil {
			errs = append(errs, err)
		}
	}
	return c, errors.Join(errs...)
}
