//go:build sim

package sim

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// network connects hosts. It behaves as TCP does where that matters: bytes
// arrive in order or not at all, a cut link delays what was sent until it
// heals, a process that dies closes its connections, and a host that vanishes
// says nothing to anybody until it is back.
//
// Every delay is a function of the seed, the connection and the number of the
// segment, never of the order in which goroutines happen to run.
type network struct {
	seed  uint64
	begin time.Time

	mu        sync.Mutex
	links     map[link]*linkState
	hosts     map[string]*host
	listeners map[string]*listener
	dialled   map[link]uint64
	pipes     []*pipe // of connections that are not over, oldest first
	trace     uint64  // of everything that was delivered, and when
	delivered int
	keep      bool // the deliveries themselves, to find out where two runs part
	lines     []string
}

// link is one direction between two hosts.
type link struct{ from, to string }

type linkState struct {
	cuts int           // no packet gets through while positive
	slow time.Duration // added to each delay
}

type host struct {
	name string
	dark bool // the machine is off: it does not even refuse
}

const (
	// window is how many bytes of a direction may be sent and not read.
	window = 256 << 10

	minDelay   = 40 * time.Microsecond
	usualDelay = 300 * time.Microsecond
	rareDelay  = 15 * time.Millisecond
)

func newNetwork(seed uint64) *network {
	return &network{
		seed: seed, begin: time.Now(), links: make(map[link]*linkState), hosts: make(map[string]*host),
		listeners: make(map[string]*listener), dialled: make(map[link]uint64),
	}
}

// mix is a hash of its arguments (splitmix64 finalisers in a row).
func mix(parts ...uint64) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, p := range parts {
		h ^= p
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func hashOf(s string) uint64 { return uint64(crc32.Checksum([]byte(s), castagnoli)) }

// state is the link's, made if it is not there. n.mu is held.
func (n *network) state(l link) *linkState {
	s := n.links[l]
	if s == nil {
		s = new(linkState)
		n.links[l] = s
	}
	return s
}

func (n *network) host(name string) *host {
	h := n.hosts[name]
	if h == nil {
		h = &host{name: name}
		n.hosts[name] = h
	}
	return h
}

// cut stops packets in one direction; heal undoes one cut.
func (n *network) cut(from, to string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.state(link{from, to}).cuts++
}

func (n *network) heal(from, to string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := link{from, to}
	if s := n.state(l); s.cuts > 0 {
		s.cuts--
	}
	for _, p := range n.pipes {
		if p.link == l {
			p.resend()
		}
	}
}

// slow adds to every delay of a direction.
func (n *network) slow(from, to string, by time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.state(link{from, to}).slow = by
}

// kill closes what a host has open, as the end of its process does. With dark
// it vanishes instead: nothing of it leaves any more.
func (n *network) kill(name string, dark bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.host(name).dark = dark
	for key, l := range n.listeners {
		if l.host == name {
			l.shut()
			delete(n.listeners, key)
		}
	}
	for _, p := range slices.Clone(n.pipes) {
		if p.link.from != name {
			continue
		}
		// Its own end is over; what the peer sends goes nowhere.
		p.failWrite(net.ErrClosed)
		p.peer.failRead(net.ErrClosed)
		if dark {
			p.flight, p.void = nil, true
		} else {
			p.send(segment{fin: true})
		}
	}
}

// revive switches a host on. Whoever still believes in a connection to it
// learns better.
func (n *network) revive(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.host(name).dark = false
	for _, p := range n.pipes {
		if p.link.from == name && p.void {
			p.void = false
			p.send(segment{reset: true})
		}
	}
}

func (n *network) up(from, to string) bool {
	return n.state(link{from, to}).cuts == 0 && n.state(link{to, from}).cuts == 0
}

// record adds a delivery to the trace. n.mu is held.
func (n *network) record(p *pipe, data []byte, kind uint64) {
	n.delivered++
	if n.keep {
		n.lines = append(n.lines, fmt.Sprintf("%v %s>%s %x kind %d %d bytes %x", time.Since(n.begin), p.link.from, p.link.to, p.id&0xffff, kind, len(data), data[:min(len(data), 160)]))
	}
	n.trace = mix(n.trace, uint64(time.Since(n.begin)), p.id, kind, uint64(crc32.Checksum(data, castagnoli)), uint64(len(data)))
}

func (n *network) delay(l link, id, segment uint64) time.Duration {
	h := mix(n.seed, id, segment)
	d := minDelay + time.Duration(h%uint64(usualDelay))
	if h>>32%64 == 0 {
		d += time.Duration(h >> 40 % uint64(rareDelay))
	}
	return d + n.state(l).slow
}

// fingerprint identifies the run so far.
func (n *network) fingerprint() (trace uint64, delivered int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.trace, n.delivered
}

// listener is a service of a host.
type listener struct {
	n      *network
	host   string
	key    string
	queue  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

// listen opens a service. A host that died loses it.
func (n *network) listen(hostName, service string) *listener {
	n.mu.Lock()
	defer n.mu.Unlock()
	l := &listener{n: n, host: hostName, key: hostName + "/" + service, queue: make(chan net.Conn, 64), closed: make(chan struct{})}
	n.listeners[l.key] = l
	return l
}

func (l *listener) shut() { l.once.Do(func() { close(l.closed) }) }

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case <-l.closed:
		return nil, net.ErrClosed
	default:
	}
	select {
	case c := <-l.queue:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *listener) Close() error {
	l.shut()
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	if l.n.listeners[l.key] == l {
		delete(l.n.listeners, l.key)
	}
	return nil
}

// Addr implements net.Listener.
func (l *listener) Addr() net.Addr { return addr(l.key) }

type addr string

func (addr) Network() string  { return "sim" }
func (a addr) String() string { return string(a) + ":1" }

// dial connects from one host to a service of another. Packets that get lost
// are sent again after 1, 3 and 7 seconds; after 10 it gives up.
func (n *network) dial(ctx context.Context, from, to, service string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	n.mu.Lock()
	n.dialled[link{from, to}]++
	id := mix(hashOf(from), hashOf(to), hashOf(service), n.dialled[link{from, to}])
	n.mu.Unlock()
	pause := n.delay(link{from, to}, id, 0)
	for try := range uint64(4) {
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
		c, err := n.connect(id, from, to, service)
		if c != nil || err != nil {
			return c, err
		}
		pause = time.Second<<try + n.delay(link{from, to}, id, try+1)
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

// connect is one attempt; nil and nil mean that a packet was lost.
func (n *network) connect(id uint64, from, to, service string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.host(from).dark {
		return nil, net.ErrClosed
	}
	if !n.up(from, to) || n.host(to).dark {
		return nil, nil
	}
	l := n.listeners[to+"/"+service]
	if l == nil {
		return nil, &net.OpError{Op: "dial", Net: "sim", Addr: addr(to + "/" + service), Err: syscall.ECONNREFUSED}
	}
	there := &pipe{n: n, link: link{from, to}, id: mix(id, 1)}
	back := &pipe{n: n, link: link{to, from}, id: mix(id, 2)}
	there.peer, back.peer = back, there
	there.cond.L, back.cond.L = &n.mu, &n.mu
	n.pipes = append(n.pipes, there, back)
	server := &conn{in: there, out: back, local: l.Addr(), remote: addr(from)}
	select {
	case l.queue <- server:
	default:
		return nil, &net.OpError{Op: "dial", Net: "sim", Addr: l.Addr(), Err: syscall.ECONNREFUSED}
	}
	return &conn{in: back, out: there, local: addr(from), remote: l.Addr()}, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pipe is one direction of a connection. Everything in it is guarded by
// network.mu.
type pipe struct {
	n    *network
	link link
	id   uint64
	peer *pipe
	cond sync.Cond

	flight []segment // sent and not delivered, in order
	last   time.Time // when the newest of them is due
	sent   uint64
	armed  bool
	void   bool // the sender vanished

	ready    []byte // delivered and not read
	unread   int    // bytes in flight or ready
	eof      bool   // after ready
	readErr  error
	writeErr error

	readBy, writeBy deadline
}

type segment struct {
	at    time.Time
	data  []byte
	fin   bool
	reset bool
}

type deadline struct {
	at    time.Time
	timer *time.Timer
}

// failWrite ends the sending side.
func (p *pipe) failWrite(err error) {
	if p.writeErr == nil {
		p.writeErr = err
	}
	p.cond.Broadcast()
}

// failRead ends the receiving side, which forgets what it has not read.
func (p *pipe) failRead(err error) {
	if p.readErr == nil {
		p.readErr = err
	}
	p.ready, p.unread = nil, 0
	p.cond.Broadcast()
	p.retire()
}

// send puts a segment on its way.
func (p *pipe) send(s segment) {
	p.sent++
	s.at = time.Now().Add(p.n.delay(p.link, p.id, p.sent))
	if !s.at.After(p.last) {
		s.at = p.last.Add(1)
	}
	p.last = s.at
	p.flight = append(p.flight, s)
	p.arm()
}

func (p *pipe) arm() {
	if !p.armed && len(p.flight) > 0 && p.n.state(p.link).cuts == 0 {
		p.armed = true
		time.AfterFunc(time.Until(p.flight[0].at), p.deliver)
	}
}

// resend gives what a cut held back new times.
func (p *pipe) resend() {
	if p.n.state(p.link).cuts > 0 || p.armed {
		return
	}
	at := time.Now()
	for i := range p.flight {
		if d := at.Add(p.n.delay(p.link, p.id, p.sent+uint64(i))); p.flight[i].at.Before(d) {
			p.flight[i].at = d
		}
		if i > 0 && !p.flight[i].at.After(p.flight[i-1].at) {
			p.flight[i].at = p.flight[i-1].at.Add(1)
		}
		p.last = p.flight[i].at
	}
	p.arm()
}

// deliver is the arrival of what is due.
func (p *pipe) deliver() {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	p.armed = false
	if p.n.state(p.link).cuts > 0 || p.void {
		return
	}
	now := time.Now()
	for len(p.flight) > 0 && !p.flight[0].at.After(now) {
		s := p.flight[0]
		p.flight = p.flight[1:]
		switch {
		case s.reset:
			p.n.record(p, nil, 2)
			p.failRead(syscall.ECONNRESET)
			p.peer.failWrite(syscall.ECONNRESET)
		case s.fin:
			p.n.record(p, nil, 1)
			p.eof = true
			p.peer.failWrite(syscall.EPIPE) // the peer closed both of its sides
		case p.readErr == nil:
			p.n.record(p, s.data, 0)
			p.ready = append(p.ready, s.data...)
		}
	}
	p.cond.Broadcast()
	p.arm()
	p.retire()
}

// retire forgets a connection that is over.
func (p *pipe) retire() {
	over := func(p *pipe) bool { return p.readErr != nil && p.writeErr != nil && len(p.flight) == 0 && !p.void }
	if over(p) && over(p.peer) {
		p.n.pipes = slices.DeleteFunc(p.n.pipes, func(q *pipe) bool { return q == p || q == p.peer })
	}
}

// conn is one end.
type conn struct {
	in, out       *pipe
	local, remote net.Addr
}

func (c *conn) Read(b []byte) (int, error) {
	p := c.in
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	for {
		switch {
		case p.readErr != nil:
			return 0, p.readErr
		case p.readBy.over():
			return 0, os.ErrDeadlineExceeded
		case len(b) == 0:
			return 0, nil
		case len(p.ready) > 0:
			m := copy(b, p.ready)
			p.ready = p.ready[m:]
			if p.unread -= m; p.unread < window {
				p.cond.Broadcast()
			}
			return m, nil
		case p.eof:
			return 0, io.EOF
		}
		p.wait(&p.readBy)
	}
}

func (c *conn) Write(b []byte) (int, error) {
	p := c.out
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	done := 0
	for {
		switch {
		case p.writeErr != nil:
			return done, p.writeErr
		case p.writeBy.over():
			return done, os.ErrDeadlineExceeded
		case done == len(b):
			return done, nil
		case p.unread < window:
			piece := b[done:min(len(b), done+window-p.unread)]
			p.unread += len(piece)
			p.send(segment{data: slices.Clone(piece)})
			done += len(piece)
			continue
		}
		p.wait(&p.writeBy)
	}
}

func (d *deadline) over() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

// wait waits for a change, or the deadline.
func (p *pipe) wait(d *deadline) {
	if !d.at.IsZero() && d.timer == nil {
		d.timer = time.AfterFunc(time.Until(d.at), p.wakeUp)
	}
	p.cond.Wait()
}

func (p *pipe) wakeUp() {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	p.cond.Broadcast()
}

func (d *deadline) set(p *pipe, t time.Time) error {
	p.n.mu.Lock()
	defer p.n.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.at = t
	p.cond.Broadcast()
	return nil
}

// Close ends both directions.
func (c *conn) Close() error {
	n := c.in.n
	n.mu.Lock()
	defer n.mu.Unlock()
	if c.out.writeErr == nil {
		c.out.send(segment{fin: true})
	}
	c.out.writeErr, c.in.readErr = net.ErrClosed, net.ErrClosed
	c.out.failWrite(net.ErrClosed)
	c.in.failRead(net.ErrClosed)
	return nil
}

func (c *conn) LocalAddr() net.Addr                { return c.local }
func (c *conn) RemoteAddr() net.Addr               { return c.remote }
func (c *conn) SetReadDeadline(t time.Time) error  { return c.in.readBy.set(c.in, t) }
func (c *conn) SetWriteDeadline(t time.Time) error { return c.out.writeBy.set(c.out, t) }

func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}
