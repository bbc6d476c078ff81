package sc

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/fluvio-go/fluvio/engine/sc/meta"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// writeTimeout frees what a peer holds that stopped reading.
const writeTimeout = time.Minute

// SC is a streaming controller.
type SC struct {
	cfg             Config
	ctl             *controller
	public, private *transport.Listener

	start  sync.Once
	begun  bool
	cancel context.CancelFunc
	ctx    context.Context
	tasks  sync.WaitGroup
}

// New checks the configuration and returns a controller that does nothing
// until Start. If it fails, or Start is never called, the listeners remain
// the caller's to close.
func New(cfg Config) (*SC, error) {
	if err := cfg.fill(); err != nil {
		return nil, fmt.Errorf("streaming controller: %w", err)
	}
	s := &SC{cfg: cfg, ctl: newController(&cfg)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.public = transport.NewListener(cfg.Public, transport.ListenerOptions{
		ServerOptions: transport.ServerOptions{WriteTimeout: writeTimeout},
		TLS:           cfg.TLS, MaxConns: cfg.MaxConns, Logger: cfg.Logger,
	})
	s.private = transport.NewListener(cfg.Private, transport.ListenerOptions{
		ServerOptions: transport.ServerOptions{WriteTimeout: writeTimeout},
		TLS:           cfg.PrivateTLS, Logger: cfg.Logger,
	})
	return s, nil
}

// Start reads the metadata, creates the system topics if they are missing and
// begins to serve. When it returns clients and SPUs can connect. It must be
// called once; if it fails the controller is closed.
func (s *SC) Start() error {
	err := errors.New("streaming controller was started before")
	s.start.Do(func() {
		s.begun = true
		err = s.load()
	})
	if err != nil {
		return errors.Join(err, s.Close(context.Background()))
	}
	s.serve(s.public, s.servePublic)
	s.serve(s.private, s.servePrivate)
	s.cfg.Logger.Info("streaming controller started", "cluster_id", s.cfg.Store.ClusterID(),
		"public", s.public.Addr().String(), "private", s.private.Addr().String())
	return nil
}

func (s *SC) load() error {
	s.tasks.Go(func() { s.ctl.run(s.ctx) })
	var revision uint64
	var failed error
	err := s.ctl.do(s.ctx, func() { revision, failed = s.ctl.resync(s.ctx); s.ctl.awaitRegistrations() })
	if err := errors.Join(failed, err); err != nil {
		return fmt.Errorf("streaming controller: %w", err)
	}
	s.tasks.Go(func() { s.followStore(revision) })
	return nil
}

func (s *SC) serve(l *transport.Listener, h transport.Handler) {
	s.tasks.Go(func() {
		if err := l.Serve(s.ctx, h); err != nil && s.ctx.Err() == nil {
			s.cfg.Logger.Error("listener", "addr", l.Addr().String(), "err", err)
		}
	})
}

// followStore hands the controller what others write to the store.
func (s *SC) followStore(revision uint64) {
	for s.ctx.Err() == nil {
		events, next, err := s.cfg.Store.Watch(s.ctx, revision)
		switch {
		case err == nil:
			err = s.ctl.do(s.ctx, func() { s.ctl.follow(events) })
			revision = next
		case errors.Is(err, meta.ErrTooOld):
			var failed error
			err = s.ctl.do(s.ctx, func() { revision, failed = s.ctl.resync(s.ctx) })
			err = errors.Join(err, failed)
		}
		if errors.Is(err, errStopped) || errors.Is(err, meta.ErrClosed) {
			return
		}
		if err != nil && s.ctx.Err() == nil {
			s.cfg.Logger.Error("watch metadata", "err", err)
			select {
			case <-time.After(time.Second):
			case <-s.ctx.Done():
			}
		}
	}
}

// Close stops serving, ends all connections and returns when all goroutines
// are gone or ctx ends. It does not close the store. It is idempotent.
func (s *SC) Close(ctx context.Context) error {
	s.start.Do(func() {}) // a Start after Close fails
	s.cancel()
	if !s.begun {
		return nil
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.public.Close()
		s.private.Close()
		s.tasks.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close streaming controller: %w", ctx.Err())
	}
}

// PublicAddr is where clients connect.
func (s *SC) PublicAddr() net.Addr { return s.public.Addr() }

// PrivateAddr is where SPUs connect.
func (s *SC) PrivateAddr() net.Addr { return s.private.Addr() }

// EnsureCustomSpu registers a custom SPU, or updates its addresses and rack
// if it is registered under that name and id. It fails if name or id belong
// to another SPU.
func (s *SC) EnsureCustomSpu(ctx context.Context, spec api.CustomSpuSpec, name string) error {
	return s.ctl.ensureCustomSpu(ctx, name, spec)
}
