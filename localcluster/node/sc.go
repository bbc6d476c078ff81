package node

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"path/filepath"

	"github.com/fluvio-go/fluvio/engine/sc"
	"github.com/fluvio-go/fluvio/engine/sc/meta/boltstore"
	"github.com/fluvio-go/fluvio/internal/build"
)

// ServiceSC is how SPUs name the SC when they prove themselves to it.
const ServiceSC = "sc"

// SCConfig is what an SC needs.
type SCConfig struct {
	Dir     string       // folder of metadata.db; made if missing
	Public  net.Listener // where clients come
	TLS     *tls.Config  // of Public; nil is plain, or done by the listener
	Private net.Listener // where SPUs come, which were authenticated before
	Logger  *slog.Logger // nil discards
}

// SC is a running streaming controller with its metadata.
type SC struct {
	*sc.SC
	store *boltstore.Store
}

// StartSC opens the metadata and starts the controller. It owns the listeners
// from here on, also when it fails. The error is about the metadata; it wraps
// boltstore.ErrInUse when another process has it open.
func StartSC(cfg SCConfig) (*SC, error) {
	store, err := boltstore.Open(filepath.Join(cfg.Dir, "metadata.db"), boltstore.Options{})
	if err != nil {
		return nil, errors.Join(err, cfg.Public.Close(), cfg.Private.Close())
	}
	ctl, err := sc.New(sc.Config{
		Store:           store,
		Public:          cfg.Public,
		Private:         cfg.Private,
		TLS:             cfg.TLS,
		PlatformVersion: build.Version,
		Logger:          cfg.Logger,
	})
	if err != nil {
		return nil, errors.Join(err, cfg.Public.Close(), cfg.Private.Close(), store.Close())
	}
	if err := ctl.Start(); err != nil { // which closes the listeners
		return nil, errors.Join(err, store.Close())
	}
	return &SC{ctl, store}, nil
}

// Close stops the controller and closes the metadata. When ctx ends before all
// connections are gone the metadata is closed all the same. It is called once.
func (s *SC) Close(ctx context.Context) error {
	return errors.Join(s.SC.Close(ctx), s.store.Close())
}
