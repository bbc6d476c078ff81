package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/fluvio-go/fluvio/engine/spu"
	"github.com/fluvio-go/fluvio/internal/slogkey"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/nodeauth"
)

// closeTimeout bounds a graceful end; recovery takes care of the rest.
const closeTimeout = 10 * time.Second

// Process is what the processes of an SC and an SPU have in common.
type Process struct {
	Dir         string // of the metadata, or of the replicas
	Public      Public
	Private     string               // address for other nodes
	Credentials nodeauth.Credentials // what other nodes have to show, and we
	Logger      *slog.Logger
	Ready       func(Addrs) // called once, when others may come
}

// Addrs is where a process listens.
type Addrs struct {
	Public  string
	Plain   string // beside TLS; empty if nowhere
	Private string
}

// listen opens the ports of service. The errors are a *PortError and
// nodeauth.ErrUnprotected.
func (p *Process) listen(name, service string) (public, private net.Listener, addrs Addrs, err error) {
	ln, err := Listen(name, p.Private)
	if err != nil {
		return nil, nil, addrs, err
	}
	private, err = p.Credentials.Listen(ln, service, p.Logger)
	if err != nil {
		ln.Close()
		return nil, nil, addrs, fmt.Errorf("%s: %w", p.Private, err)
	}
	public, plain, err := p.Public.Listen(name, p.Logger)
	if err != nil {
		return nil, nil, addrs, errors.Join(err, private.Close())
	}
	addrs = Addrs{Public: public.Addr().String(), Private: private.Addr().String()}
	if plain != nil {
		addrs.Plain = plain.String()
	}
	return public, private, addrs, nil
}

// RunSC runs an SC until ctx ends, and then stops it gracefully. It fails when
// the SC cannot start: with a *PortError, with nodeauth.ErrUnprotected, or as
// StartSC does.
func RunSC(ctx context.Context, p Process) error {
	public, private, addrs, err := p.listen("SC", ServiceSC)
	if err != nil {
		return err
	}
	s, err := StartSC(SCConfig{Dir: p.Dir, Public: public, Private: private, Logger: p.Logger})
	if err != nil {
		return err
	}
	p.Ready(addrs)
	<-ctx.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	return s.Close(ctx)
}

// RunSPU runs the SPU of that id until ctx ends, and then stops it gracefully.
// Until it finds the SC on scAddr, host:port, and is registered there, it goes
// on trying. It fails when the SPU cannot start: as RunSC, or StartSPU.
func RunSPU(ctx context.Context, p Process, id int32, scAddr string) error {
	if err := p.Credentials.CheckDial(scAddr); err != nil {
		return err
	}
	public, private, addrs, err := p.listen("SPU", ServiceSPU(id))
	if err != nil {
		return err
	}
	s, err := StartSPU(SPUConfig{
		ID:      id,
		Dir:     p.Dir,
		Public:  public,
		Private: private,
		DialSC: func(ctx context.Context) (net.Conn, error) {
			return p.dial(ctx, scAddr, ServiceSC)
		},
		DialPeer: func(ctx context.Context, peer api.SpuSpec) (net.Conn, error) {
			addr := net.JoinHostPort(peer.Private.Host, strconv.Itoa(int(peer.Private.Port)))
			return p.dial(ctx, addr, ServiceSPU(peer.ID))
		},
		Logger: p.Logger,
		Events: refusals(p.Logger, id, addrs),
	})
	if err != nil {
		return err
	}
	p.Ready(addrs)
	<-ctx.Done()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	return s.Close(ctx)
}

// dialTimeout bounds one attempt to reach another node. A kernel repeats an
// attempt after waits that grow; a new one begins with short ones.
const dialTimeout = 5 * time.Second

func (p *Process) dial(ctx context.Context, addr, service string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return p.Credentials.Dial(ctx, addr, service)
}

// refusals says once what to do when the SC does not admit the SPU, which is
// the one failure of the connection that needs a person.
func refusals(logger *slog.Logger, id int32, addrs Addrs) spu.Events {
	told := false // both callbacks come from one goroutine
	return spu.Events{
		Registered: func(string) { told = false },
		LinkLost: func(err error) {
			if told || !errors.Is(err, api.SpuRegistrationFailed) {
				return
			}
			told = true
			logger.Warn("the SC does not admit this SPU, its log says why; if the id is not registered there, register it and this SPU joins by itself",
				slogkey.SPU, id, "next", "fluvio cluster spu register --id "+strconv.Itoa(int(id))+
					" --public-server "+addrs.Public+" --private-server "+addrs.Private)
		},
	}
}
