package transport

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
)

var (
	// ErrTimeout means that a request got no answer in time. The connection
	// stays usable; a late answer is dropped.
	ErrTimeout = errors.New("no answer in time")
	// ErrStreamOverflow means that a stream's receiver fell so far behind
	// that frames had to be dropped. Only that stream ends.
	ErrStreamOverflow = errors.New("stream receiver is too slow")
	// ErrStreamClosed is returned by a stream after its Close.
	ErrStreamClosed = errors.New("stream is closed")
	// ErrFileTruncated means that a file became shorter than the section of
	// it that a frame was to carry.
	ErrFileTruncated = errors.New("file is shorter than the section to send")
	// ErrTooManyConns is logged by a Listener that turns a connection away.
	ErrTooManyConns = errors.New("connection limit reached")
)

// ConnError is what every waiting call and stream gets when a connection
// ends. It wraps the cause: net.ErrClosed after a local Close, io.EOF when
// the peer closed, a *FirstReadError, *FrameSizeError or a network error.
type ConnError struct {
	Addr string
	Err  error
}

func (e *ConnError) Error() string {
	if errors.Is(e.Err, net.ErrClosed) {
		return fmt.Sprintf("connection to %s is closed", e.Addr)
	}
	if e.Err == io.EOF {
		return fmt.Sprintf("connection to %s: closed by peer", e.Addr)
	}
	return fmt.Sprintf("connection to %s: %v", e.Addr, e.Err)
}

func (e *ConnError) Unwrap() error { return e.Err }

// Mismatch is the likely reason why the first bytes on a connection, or their
// absence, made no sense.
type Mismatch uint8

const (
	// PeerSpeaksTLS: we speak plain, TLS bytes came.
	PeerSpeaksTLS Mismatch = iota + 1
	// PeerSpeaksPlain: we speak TLS, what came is not TLS.
	PeerSpeaksPlain
	// ClosedAtOnce: the peer closed without a word. Either side of the
	// connection may use TLS alone, or the port belongs to another program.
	ClosedAtOnce
)

// FirstReadError says that a connection ended before the first message came
// through, and guesses why.
type FirstReadError struct {
	Guess Mismatch
	TLS   bool // whether we spoke TLS
	Err   error
}

func (e *FirstReadError) Error() string {
	switch {
	case e.Guess == PeerSpeaksTLS:
		return "peer speaks TLS, this side does not"
	case e.Guess == PeerSpeaksPlain:
		return "peer does not speak TLS, this side does"
	case e.TLS:
		return "closed by peer before its first answer; does the port expect plain connections, or other certificates?"
	}
	return "closed by peer before its first answer; does the port expect TLS, or belong to another program?"
}

func (e *FirstReadError) Unwrap() error { return e.Err }

// explainFirst turns the error of a connection's first read into a
// *FirstReadError where the evidence allows it.
func explainFirst(err error, overTLS bool) error {
	var size *FrameSizeError
	var rec tls.RecordHeaderError
	switch {
	case errors.As(err, &rec):
		return &FirstReadError{Guess: PeerSpeaksPlain, TLS: true, Err: err}
	case errors.As(err, &size):
		if looksLikeTLS(uint32(size.Size)) {
			return &FirstReadError{Guess: PeerSpeaksTLS, TLS: overTLS, Err: err}
		}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return &FirstReadError{Guess: ClosedAtOnce, TLS: overTLS, Err: err}
	}
	return err
}

// looksLikeTLS recognises the header of a TLS handshake or alert record in
// what should have been a frame length: type 0x16 or 0x15, version 3.x.
func looksLikeTLS(length uint32) bool {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], length)
	return (b[0] == 0x16 || b[0] == 0x15) && b[1] == 3
}
