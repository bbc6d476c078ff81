package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// clientVersion is what the handshake tells servers: the official client crate
// whose behaviour this package follows. Servers parse it as strict semver.
const clientVersion = "0.50.1"

// link is an open connection with its outcome of the handshake.
type link struct {
	*transport.Conn
	versions api.Versions
}

// call sends a request at the negotiated version. A request that got no answer
// in time means a dead peer or network, so the connection is given up.
func (l *link) call(ctx context.Context, key uint16, version int16, req, resp codec.Message) error {
	err := l.Call(ctx, key, version, req, resp)
	if errors.Is(err, transport.ErrTimeout) {
		l.Conn.Close()
	}
	return err
}

// peer is one server. It dials when it is first needed and again when the
// connection has ended; all users share the connection.
type peer struct {
	dial   func(ctx context.Context) (*link, error)
	lock   chan struct{} // capacity 1; holds a token while somebody dials
	cur    atomic.Pointer[link]
	closed atomic.Bool
}

func newPeer(dial func(ctx context.Context) (*link, error)) *peer {
	return &peer{dial: dial, lock: make(chan struct{}, 1)}
}

// live returns the connection if there is one that has not ended.
func (p *peer) live() *link {
	if l := p.cur.Load(); l != nil && l.Err() == nil {
		return l
	}
	return nil
}

// get returns a live connection, dialling if there is none. Callers wait for
// each other, each within its own ctx.
func (p *peer) get(ctx context.Context) (*link, error) {
	if l := p.live(); l != nil {
		return l, nil
	}
	select {
	case p.lock <- struct{}{}:
		defer func() { <-p.lock }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if p.closed.Load() {
		return nil, ErrClosed
	}
	if l := p.live(); l != nil {
		return l, nil
	}
	if old := p.cur.Swap(nil); old != nil {
		old.Close() // wait for its goroutine
	}
	l, err := p.dial(ctx)
	if err != nil {
		return nil, err
	}
	p.cur.Store(l)
	return l, nil
}

// close ends the connection for good.
func (p *peer) close() {
	p.closed.Store(true)
	p.lock <- struct{}{} // after a dial that is under way, whose ctx has ended
	defer func() { <-p.lock }()
	if l := p.cur.Swap(nil); l != nil {
		l.Close()
	}
}

// connect dials and does the version handshake. spu is empty for the SC.
func (c *config) connect(ctx context.Context, addr, spu string) (*transport.Conn, *api.ApiVersionsResponse, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.request, transport.ErrTimeout)
	defer cancel()
	var tlsConfig *tls.Config
	if c.tls != nil {
		var err error
		if tlsConfig, err = c.tls.config(spu, addr); err != nil {
			return nil, nil, err
		}
	}
	conn, err := transport.Dial(ctx, addr, transport.Options{
		Dialer: c.dialer, TLS: tlsConfig, ClientID: c.clientID,
		Logger: c.logger, RequestTimeout: c.request,
	})
	if err != nil {
		return nil, nil, err
	}
	req := api.ApiVersionsRequest{ClientVersion: clientVersion, ClientOS: rustOS(), ClientArch: rustArch()}
	var resp api.ApiVersionsResponse
	if err = conn.Call(ctx, api.KeyApiVersions, api.ApiVersionsVersion, &req, &resp); err == nil {
		err = resp.Error.Err()
	}
	if err != nil {
		conn.Close()
		if context.Cause(ctx) == transport.ErrTimeout {
			err = &transport.ConnError{Addr: addr, Err: fmt.Errorf("handshake: %w", transport.ErrTimeout)}
		}
		return nil, nil, err
	}
	c.logger.Debug("connected", slog.String("addr", addr), slog.String("platform", resp.PlatformVersion))
	return conn, &resp, nil
}

// dialSC connects to the SC and makes the checks that official clients make.
func (c *config) dialSC(ctx context.Context) (*link, error) {
	conn, resp, err := c.connect(ctx, c.endpoint, "")
	if err != nil {
		return nil, err
	}
	versions := api.ScVersions(resp)
	if err := checkPlatform(versions); err != nil {
		conn.Close()
		return nil, fmt.Errorf("%s: %w", c.endpoint, err)
	}
	return &link{conn, versions}, nil
}

// dialSPU connects to an SPU.
func (c *config) dialSPU(ctx context.Context, spu *api.Spu) (*link, error) {
	addr := c.spuAddr(&spu.Spec)
	conn, resp, err := c.connect(ctx, addr, spu.Name)
	if err != nil {
		return nil, err
	}
	return &link{conn, api.SpuVersions(resp)}, nil
}

// spuAddr is where clients reach an SPU.
func (c *config) spuAddr(spec *api.SpuSpec) string {
	if c.local && spec.PublicLocal != nil {
		return spec.PublicLocal.Addr()
	}
	return spec.Public.Addr()
}
