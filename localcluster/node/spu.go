package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
	"github.com/fluvio-go/fluvio/engine/spu"
	"github.com/fluvio-go/fluvio/internal/filelock"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// ServiceSPU is how other SPUs name the SPU of that id when they prove
// themselves to it.
func ServiceSPU(id int32) string { return fmt.Sprintf("spu-%d", id) }

// SPUConfig is what an SPU needs.
type SPUConfig struct {
	ID     int32
	Dir    string       // replicas live in <Dir>/spu-logs-<ID>
	Public net.Listener // where clients come
	TLS    *tls.Config  // of Public; nil is plain, or done by the listener

	// Private is where other SPUs come, which were authenticated before; nil
	// where there is no need.
	Private net.Listener
	// DialSC opens a connection to the SC, and DialPeer one to the private
	// endpoint of another SPU; nil where there is no need. Encryption and
	// authentication are their business.
	DialSC   func(context.Context) (net.Conn, error)
	DialPeer func(context.Context, api.SpuSpec) (net.Conn, error)

	Logger *slog.Logger // nil discards
	Events spu.Events
}

// SPU is a running SPU, the only one on its data.
type SPU struct {
	srv  *spu.Server
	lock *filelock.Lock
	once sync.Once
	err  error
}

// InUseError says that another process serves the data of an SPU.
type InUseError struct{ Dir string }

func (e *InUseError) Error() string {
	return fmt.Sprintf("another process is using %s", e.Dir)
}

// StartSPU starts an SPU. It owns the listeners from here on, also when it
// fails. It returns before the SC was found. The error is an *InUseError or
// about the data folder.
func StartSPU(cfg SPUConfig) (_ *SPU, err error) {
	n := &SPU{}
	defer func() {
		if err != nil {
			cfg.Public.Close() // again, if the server got to own them
			if cfg.Private != nil {
				cfg.Private.Close()
			}
			err = errors.Join(err, n.release())
		}
	}()
	if n.lock, err = lockData(cfg.Dir, cfg.ID); err != nil {
		return nil, err
	}
	n.srv, err = spu.New(spu.Config{
		ID:       cfg.ID,
		Public:   cfg.Public,
		Private:  cfg.Private,
		DialSC:   cfg.DialSC,
		DialPeer: cfg.DialPeer,
		Dir:      cfg.Dir,
		FS:       vfs.Disk,
		OSBoot:   osBoot(),
		TLS:      cfg.TLS,
		Logger:   cfg.Logger,
		Events:   cfg.Events,
	})
	if err != nil {
		return nil, err
	}
	if err := n.srv.Start(); err != nil {
		n.srv.Kill()
		return nil, err
	}
	return n, nil
}

// osBoot is what Linux calls the boot id; empty elsewhere.
func osBoot() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// lockData makes this process the only one to serve the SPU's data.
func lockData(dir string, id int32) (*filelock.Lock, error) {
	root := filepath.Join(dir, fmt.Sprintf("spu-logs-%d", id))
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, err
	}
	l, err := filelock.Try(filepath.Join(root, "lock"))
	if errors.Is(err, filelock.ErrHeld) {
		return nil, &InUseError{root}
	}
	return l, err
}

// Close stops the SPU in order: requests that were read are answered, logs are
// made durable. It is idempotent. The error is that of a log that could not be
// closed.
func (n *SPU) Close(ctx context.Context) error {
	n.once.Do(func() { n.err = errors.Join(n.srv.Close(ctx), n.release()) })
	return n.err
}

// Kill stops the SPU as a crash of its process would. It is for tests.
func (n *SPU) Kill() {
	n.once.Do(func() {
		n.srv.Kill()
		n.err = n.release()
	})
}

func (n *SPU) release() error {
	if n.lock == nil {
		return nil
	}
	return n.lock.Release()
}
