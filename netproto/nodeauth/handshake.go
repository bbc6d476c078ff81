package nodeauth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"syscall"
)

// The handshake, before the first frame. All parts have fixed lengths, so
// nothing is allocated on a peer's word. This is a format and must not move.
//
//	dialler → server   magic 8 │ role 'C' │ nonce 32
//	server → dialler   magic 8 │ role 'S' │ nonce 32
//	dialler → server   proof 'C' 32
//	server → dialler   proof 'S' 32
//
//	proof r = HMAC-SHA-256(key, magic │ r │ len(service) 1 │ service │ nonce C │ nonce S)
//	key     = SHA-256(magic │ secret)
//
// The role keeps a proof from being sent back to where it came from; both
// nonces keep it from being used again; the service, which is never sent, keeps
// a connection to one node from being led to another. The dialler proves
// itself first: it chose whom to talk to, while anybody may reach a server, and
// a proof is what an attacker needs to try secrets at home.
const (
	magic     = "FLVNODE\x01"
	nonceSize = 32
	helloSize = len(magic) + 1 + nonceSize

	roleDialler = 'C'
	roleServer  = 'S'

	// maxService is the longest name of a service in bytes.
	maxService = 255
)

var (
	// ErrProof means that the peer does not have our secret, or took us for
	// another node.
	ErrProof = errors.New("the peer has another node secret, or meant another node")
	// ErrRefused means that the peer closed the connection during the
	// handshake.
	ErrRefused = errors.New("refused by the peer")
	// ErrNoHello means that the peer does not speak this handshake.
	ErrNoHello = errors.New("the peer does not use a node secret")
)

type (
	nonce [nonceSize]byte
	proof [sha256.Size]byte
)

// accept is the server's side. It reads and writes exactly the handshake.
func (s Secret) accept(rw io.ReadWriter, service string) error {
	theirs, err := readHello(rw, roleDialler)
	if err != nil {
		return err
	}
	ours := newNonce()
	if err := writeHello(rw, roleServer, ours); err != nil {
		return err
	}
	if err := s.verify(rw, roleDialler, service, theirs, ours); err != nil {
		return err
	}
	return s.prove(rw, roleServer, service, theirs, ours)
}

// dial is the dialler's side. service is whom it wants to talk to.
func (s Secret) dial(rw io.ReadWriter, service string) error {
	ours := newNonce()
	if err := writeHello(rw, roleDialler, ours); err != nil {
		return err
	}
	theirs, err := readHello(rw, roleServer)
	if err != nil {
		return err
	}
	if err := s.prove(rw, roleDialler, service, ours, theirs); err != nil {
		return err
	}
	return s.verify(rw, roleServer, service, ours, theirs)
}

func (s Secret) prove(w io.Writer, role byte, service string, dialler, server nonce) error {
	p := s.proof(role, service, dialler, server)
	_, err := w.Write(p[:])
	return err
}

// verify reads the peer's proof.
func (s Secret) verify(r io.Reader, role byte, service string, dialler, server nonce) error {
	var got proof
	if _, err := io.ReadFull(r, got[:]); err != nil {
		if hungUp(err) {
			return fmt.Errorf("%w: its node secret is another, or it is not %s", ErrRefused, service)
		}
		return err
	}
	want := s.proof(role, service, dialler, server)
	if !hmac.Equal(got[:], want[:]) {
		return ErrProof
	}
	return nil
}

// proof computes what role has to show.
func (s Secret) proof(role byte, service string, dialler, server nonce) proof {
	if len(service) > maxService {
		panic("nodeauth: name of service is too long") // our own constants
	}
	msg := make([]byte, 0, len(magic)+2+maxService+2*nonceSize)
	msg = append(msg, magic...)
	msg = append(msg, role, byte(len(service)))
	msg = append(msg, service...)
	msg = append(msg, dialler[:]...)
	msg = append(msg, server[:]...)
	return s.mac(msg)
}

func newNonce() (n nonce) {
	_, _ = rand.Read(n[:]) // never fails
	return n
}

func writeHello(w io.Writer, role byte, n nonce) error {
	b := make([]byte, 0, helloSize)
	b = append(b, magic...)
	b = append(b, role)
	b = append(b, n[:]...)
	_, err := w.Write(b)
	return err
}

// readHello reads the hello of a peer in that role and says what else it
// might be that came.
func readHello(r io.Reader, role byte) (n nonce, err error) {
	var b [helloSize]byte
	// The first bytes alone tell who does not speak this at all; such a peer
	// may never send as many as we want.
	if _, err := io.ReadFull(r, b[:4]); err != nil {
		if hungUp(err) {
			return n, fmt.Errorf("%w at once; does it use a node secret?", ErrRefused)
		}
		return n, err
	}
	if string(b[:4]) != magic[:4] {
		if (b[0] == 0x16 || b[0] == 0x15) && b[1] == 3 {
			return n, fmt.Errorf("%w, it speaks TLS", ErrNoHello)
		}
		return n, ErrNoHello
	}
	if _, err := io.ReadFull(r, b[4:]); err != nil {
		if hungUp(err) {
			return n, fmt.Errorf("%w in the middle of its hello", ErrRefused)
		}
		return n, err
	}
	switch {
	case string(b[:len(magic)]) != magic:
		return n, fmt.Errorf("%w that we know: version %d of the handshake", ErrNoHello, b[len(magic)-1])
	case b[len(magic)] != role:
		return n, fmt.Errorf("%w: it answered in our own role", ErrProof)
	}
	copy(n[:], b[len(magic)+1:])
	return n, nil
}

// hungUp reports whether the peer ended the connection.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}
