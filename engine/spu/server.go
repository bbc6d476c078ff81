package spu

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fluvio-go/fluvio/engine/log"
	"github.com/fluvio-go/fluvio/internal/slogkey"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// Server is one SPU.
type Server struct {
	cfg    Config
	logger *slog.Logger
	boot   uint64 // tells this start from others
	jitter *jitter

	identity identity
	replicas table
	public   *transport.Listener
	link     *link
	reports  *reporter
	flusher  *flusher
	repairs  *repairer

	lease     *lease
	private   *transport.Listener // nil: no replication
	followers *followers
	peers     peers
	isr       *isrKeeper

	ctx      context.Context // of everything that runs in the background
	cancel   context.CancelFunc
	tasks    sync.WaitGroup
	serving  sync.WaitGroup // the accept loop and its connections
	draining atomic.Bool
	resigned atomic.Bool   // nothing with followers is led any more
	inflight atomic.Int64  // requests read and not answered
	idle     chan struct{} // capacity 1: inflight became 0 while draining

	clean    bool        // nothing can be missing at the end of any log; set by Start
	tookStop atomic.Bool // clean is known, and nothing on disk says so any more
	listed   atomic.Bool // a full list of assignments was applied
	noted    atomic.Bool // running.json is there

	started atomic.Bool
	stop    sync.Once
	stopErr error
}

// New checks the configuration and prepares an SPU. It touches neither disk
// nor network; Start does.
func New(cfg Config) (*Server, error) {
	if err := cfg.fill(); err != nil {
		return nil, fmt.Errorf("SPU configuration: %w", err)
	}
	var boot [8]byte
	_, _ = rand.Read(boot[:]) // never fails
	s := &Server{
		cfg:    cfg,
		logger: cfg.Logger.With(slogkey.SPU, cfg.ID),
		boot:   binary.LittleEndian.Uint64(boot[:]),
		idle:   make(chan struct{}, 1),
	}
	s.jitter = newJitter(s.boot)
	s.replicas.init()
	s.reports = newReporter(s)
	s.flusher = newFlusher(s)
	s.repairs = newRepairer(s)
	s.link = newLink(s)
	s.followers = newFollowers(s)
	s.isr = newISRKeeper(s)
	s.lease = newLease(cfg.Lease, s.leaseChanged)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.public = transport.NewListener(cfg.Public, transport.ListenerOptions{
		ServerOptions: transport.ServerOptions{MaxFrame: cfg.MaxFrame, WriteTimeout: cfg.WriteTimeout},
		TLS:           cfg.TLS,
		MaxConns:      cfg.MaxConns,
		Logger:        s.logger,
	})
	if cfg.Private != nil {
		s.private = transport.NewListener(cfg.Private, transport.ListenerOptions{
			ServerOptions: transport.ServerOptions{MaxFrame: maxSessionFrame, WriteTimeout: fetchTimeout},
			Logger:        s.logger,
		})
	}
	return s, nil
}

// leaseChanged makes every partition with followers act on it.
func (s *Server) leaseChanged(held bool) {
	for _, p := range s.replicas.all() {
		p.reconsider()
	}
	s.cfg.Events.lease(held)
}

// Start reads what the data directory says about itself, accepts clients and
// begins to look for the SC. It returns before the SC was found. The error is
// about the data directory; Close is then still needed for the public port.
func (s *Server) Start() error {
	if s.started.Swap(true) {
		return fmt.Errorf("SPU %d was started before", s.cfg.ID)
	}
	root := s.cfg.root()
	if err := s.makeRoot(root); err != nil {
		return err
	}
	if err := s.identity.load(s.cfg.FS, root); err != nil {
		return err
	}
	var err error
	if s.clean, err = s.takeWhole(); err != nil {
		return err
	}
	s.tookStop.Store(true)
	if err := log.RemoveLeftovers(s.cfg.FS, root); err != nil {
		return err
	}
	s.serving.Go(func() {
		if err := s.public.Serve(s.ctx, s.serveConn); err != nil && s.ctx.Err() == nil {
			s.logger.Error("public port", slogkey.Err, err)
		}
	})
	if s.private != nil {
		s.serving.Go(func() {
			if err := s.private.Serve(s.ctx, s.servePeer); err != nil && s.ctx.Err() == nil {
				s.logger.Error("private port", slogkey.Err, err)
			}
		})
	}
	s.tasks.Go(s.isr.run)
	s.tasks.Go(s.link.run)
	s.tasks.Go(s.flusher.run)
	s.tasks.Go(s.repairs.run)
	return nil
}

// makeRoot makes the directory of all replicas, durably: a record is not on the
// device while the name of a directory above it is not.
func (s *Server) makeRoot(root string) error {
	parents := []string{filepath.Dir(root)}
	for p := parents[0]; p != filepath.Dir(p); p = filepath.Dir(p) {
		if _, err := s.cfg.FS.Stat(p); err == nil {
			break
		}
		parents = append(parents, filepath.Dir(p))
	}
	if err := s.cfg.FS.MkdirAll(root); err != nil {
		return err
	}
	for _, p := range slices.Backward(parents) {
		if err := s.cfg.FS.SyncDir(p); err != nil {
			return fmt.Errorf("sync directory %s: %w", p, err)
		}
	}
	return nil
}

// Addr is the address of the public port.
func (s *Server) Addr() string { return s.cfg.Public.Addr().String() }

// Close stops the SPU in order: others take over what they can lead, requests
// that were read are answered, then connections are closed, then logs, with
// everything in them made durable, which the next start is told. When ctx ends
// first, the waiting ends, but logs are closed all the same. The error is that
// of a log that could not be closed. Close is idempotent and returns when every
// goroutine is gone.
func (s *Server) Close(ctx context.Context) error {
	s.stop.Do(func() {
		s.moveLeaders(ctx)
		s.drain(ctx)
		s.halt()
		s.stopErr = s.closeLogs()
	})
	return s.stopErr
}

// Kill stops the SPU as a crash of its process would, as far as that can be
// done inside one: nothing parked is answered and no log is flushed or
// checkpointed. It is for tests.
func (s *Server) Kill() {
	s.stop.Do(s.halt)
}

// commitGrace is how long a leader that stops waits for its followers. Those
// that are there need milliseconds; a cluster that stops as a whole has none.
const commitGrace = time.Second

// drain waits until every request that was read is answered. Whatever is read
// from now on is dropped, so its sender sees the connection close and tries
// elsewhere or again.
func (s *Server) drain(ctx context.Context) {
	s.draining.Store(true)
	grace := time.NewTimer(commitGrace)
	defer grace.Stop()
	for s.inflight.Load() > 0 {
		select {
		case <-s.idle:
		case <-grace.C:
			s.resign()
		case <-ctx.Done():
			return
		}
	}
}

// resign ends the leaderships that nobody could take over. Who waits for a
// commit is told to try elsewhere.
func (s *Server) resign() {
	s.resigned.Store(true)
	for _, p := range s.replicas.all() {
		p.reconsider()
	}
}

// closeLogs makes every record durable and notes that nothing is missing.
func (s *Server) closeLogs() error {
	all := s.replicas.all()
	errs := make([]error, len(all))
	var unsettled atomic.Bool
	unsettled.Store(!s.clean && !s.listed.Load())
	s.each(len(all), func(i int) {
		l, settled := all[i].retire(api.ErrorCode{ID: api.NotLeaderForPartition})
		if l != nil {
			errs[i] = l.Close()
		}
		if !settled {
			unsettled.Store(true)
		}
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return s.noteStopped(!unsettled.Load())
}

// begin counts a request that was read; false means that the SPU is stopping.
func (s *Server) begin() bool {
	s.inflight.Add(1)
	if s.draining.Load() {
		s.done(1)
		return false
	}
	return true
}

// done counts n requests as answered, or given up.
func (s *Server) done(n int) {
	if s.inflight.Add(int64(-n)) == 0 && s.draining.Load() {
		select {
		case s.idle <- struct{}{}:
		default:
		}
	}
}

// halt ends every goroutine.
func (s *Server) halt() {
	s.cancel()
	s.lease.close()
	s.public.Close()
	if s.private != nil {
		s.private.Close()
	}
	s.serving.Wait()
	s.tasks.Wait()
}

// replicaDir is where a replica lives.
func (s *Server) replicaDir(key api.ReplicaKey) string {
	return filepath.Join(s.cfg.root(), key.String())
}
