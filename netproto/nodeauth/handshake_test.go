package nodeauth

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/fluvio-go/fluvio/netproto/transport"
)

func testSecret(t testing.TB, text string) Secret {
	t.Helper()
	s, err := NewSecret([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const (
	goodText  = "correct horse battery"
	otherText = "correct horse batterz"
)

// shake runs both sides over a connection whose ends tamper may replace, as a
// network would: each side closes when it fails.
func shake(t testing.TB, dialler, server Secret, want, is string, tamper func(dial, acc net.Conn) (net.Conn, net.Conn)) (dialErr, acceptErr error) {
	t.Helper()
	addr := &net.UnixAddr{Name: "test"}
	a, b := transport.MemPipe(addr, addr)
	defer a.Close()
	defer b.Close()
	dial, acc := a, b
	if tamper != nil {
		dial, acc = tamper(a, b)
	}
	done := make(chan error, 1)
	go func() {
		err := server.accept(acc, is)
		if err != nil {
			b.Close()
		}
		done <- err
	}()
	dialErr = dialler.dial(dial, want)
	if dialErr != nil {
		a.Close()
	}
	return dialErr, <-done
}

func TestHandshake(t *testing.T) {
	good, other := testSecret(t, goodText), testSecret(t, otherText)
	for _, tt := range []struct {
		name            string
		dialler, server Secret
		want, is        string
		dialErr, accErr error
		dialText        string
	}{
		{"same", good, testSecret(t, goodText), "sc", "sc", nil, nil, ""},
		{"other secret", other, good, "sc", "sc", ErrRefused, ErrProof, "its node secret is another, or it is not sc"},
		{"other node", good, good, "spu-1", "spu-2", ErrRefused, ErrProof, "or it is not spu-1"},
		{"prefix of the name", good, good, "spu-1", "spu-11", ErrRefused, ErrProof, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dialErr, accErr := shake(t, tt.dialler, tt.server, tt.want, tt.is, nil)
			if !errors.Is(dialErr, tt.dialErr) || !errors.Is(accErr, tt.accErr) {
				t.Errorf("dialler: %v; server: %v", dialErr, accErr)
			}
			if dialErr != nil && !strings.Contains(dialErr.Error(), tt.dialText) {
				t.Errorf("dialler: %v", dialErr)
			}
		})
	}
}

// What follows the handshake is left in the connection, even when it came
// together with it.
func TestHandshakeTakesNothingElse(t *testing.T) {
	s := testSecret(t, goodText)
	a, b := transport.MemPipe(&net.UnixAddr{}, &net.UnixAddr{})
	defer a.Close()
	defer b.Close()
	done := make(chan error, 1)
	go func() {
		err := s.accept(b, "sc")
		_, werr := b.Write([]byte("answer"))
		done <- errors.Join(err, werr)
	}()
	if err := s.dial(&appender{Conn: a, after: helloSize + len(proof{}), extra: "request"}, "sc"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]net.Conn{"answer": a, "request": b} {
		got := make([]byte, len(want))
		if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
}

// appender sends extra in one piece with what ends at byte number after.
type appender struct {
	net.Conn
	after int
	extra string
}

func (a *appender) Write(p []byte) (int, error) {
	a.after -= len(p)
	if a.after == 0 {
		_, err := a.Conn.Write(append(bytes.Clone(p), a.extra...))
		return len(p), err
	}
	return a.Conn.Write(p)
}

// editor changes what a side sends: at byte at, counted from 0, edit gets the
// byte; ok false ends the connection there.
type editor struct {
	net.Conn
	at   int
	edit func(byte) (b byte, ok bool)
	sent int
}

func (e *editor) Write(p []byte) (int, error) {
	q := bytes.Clone(p)
	if i := e.at - e.sent; i >= 0 && i < len(q) {
		b, ok := e.edit(q[i])
		if !ok {
			_, err := e.Conn.Write(q[:i])
			return i, errors.Join(err, e.Conn.Close(), io.ErrClosedPipe)
		}
		q[i] = b
	}
	e.sent += len(p)
	return e.Conn.Write(q)
}

// Every byte counts, in both directions: lost or changed, the handshake fails
// on the side that should have had it.
func TestEveryByteCutAndChanged(t *testing.T) {
	s := testSecret(t, goodText)
	const size = helloSize + len(proof{})
	for at := range size {
		for name, edit := range map[string]func(byte) (byte, bool){
			"cut":     func(byte) (byte, bool) { return 0, false },
			"changed": func(b byte) (byte, bool) { return b ^ 1<<(at%8), true },
		} {
			_, accErr := shake(t, s, s, "sc", "sc", func(d, a net.Conn) (net.Conn, net.Conn) {
				return &editor{Conn: d, at: at, edit: edit}, a
			})
			if accErr == nil {
				t.Errorf("dialler's byte %d %s: the server let it in", at, name)
			}
			dialErr, _ := shake(t, s, s, "sc", "sc", func(d, a net.Conn) (net.Conn, net.Conn) {
				return d, &editor{Conn: a, at: at, edit: edit}
			})
			if dialErr == nil {
				t.Errorf("server's byte %d %s: the dialler believed it", at, name)
			}
		}
	}
}

// recorder keeps what a side received and sent.
type recorder struct {
	net.Conn
	in, out bytes.Buffer
}

func (r *recorder) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.in.Write(p[:n])
	return n, err
}

func (r *recorder) Write(p []byte) (int, error) {
	r.out.Write(p)
	return r.Conn.Write(p)
}

// canned is a peer that says what it has to say, whatever it hears.
type canned struct {
	io.Reader
	heard bytes.Buffer
}

func (c *canned) Write(p []byte) (int, error) { return c.heard.Write(p) }

func TestReplay(t *testing.T) {
	s := testSecret(t, goodText)
	var rec *recorder
	dialErr, accErr := shake(t, s, s, "sc", "sc", func(d, a net.Conn) (net.Conn, net.Conn) {
		rec = &recorder{Conn: d}
		return rec, a
	})
	if dialErr != nil || accErr != nil {
		t.Fatal(dialErr, accErr)
	}
	again := &canned{Reader: bytes.NewReader(rec.out.Bytes())}
	if err := s.accept(again, "sc"); !errors.Is(err, ErrProof) {
		t.Errorf("what a dialler sent, sent again: %v", err)
	}
	if again.heard.Len() != helloSize {
		t.Errorf("the server sent %d bytes to it, want its hello of %d only", again.heard.Len(), helloSize)
	}
	if err := s.dial(&canned{Reader: bytes.NewReader(rec.in.Bytes())}, "sc"); !errors.Is(err, ErrProof) {
		t.Errorf("what a server sent, sent again: %v", err)
	}
}

// mirror answers with what it hears, hellos with the role exchanged if lie is
// set.
type mirror struct {
	bytes.Buffer
	lie bool
}

func (m *mirror) Write(p []byte) (int, error) {
	p = bytes.Clone(p)
	if m.lie && len(p) == helloSize {
		p[len(magic)] ^= roleDialler ^ roleServer
	}
	return m.Buffer.Write(p)
}

func TestReflection(t *testing.T) {
	s := testSecret(t, goodText)
	for _, lie := range []bool{false, true} {
		if err := s.dial(&mirror{lie: lie}, "sc"); !errors.Is(err, ErrProof) {
			t.Errorf("dialler against its mirror image (lie %v): %v", lie, err)
		}
	}
}

// A server is no oracle: what it proves cannot be used to dial with.
func TestWrongRole(t *testing.T) {
	s := testSecret(t, goodText)
	var a, b nonce
	if s.proof(roleDialler, "sc", a, b) == s.proof(roleServer, "sc", a, b) {
		t.Error("both roles prove the same")
	}
	hello := new(bytes.Buffer)
	if err := writeHello(hello, roleServer, newNonce()); err != nil {
		t.Fatal(err)
	}
	if err := s.accept(&canned{Reader: hello}, "sc"); !errors.Is(err, ErrProof) {
		t.Errorf("a server that dials: %v", err)
	}
}

func TestStrangers(t *testing.T) {
	s := testSecret(t, goodText)
	for name, tt := range map[string]struct {
		sent string
		want error
		text string
	}{
		"TLS":           {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", ErrNoHello, "speaks TLS"},
		"a frame":       {"\x00\x00\x00\x20\x00\x00", ErrNoHello, ""},
		"HTTP":          {"GET / HTTP/1.1\r\n\r\n", ErrNoHello, ""},
		"nothing":       {"", ErrRefused, "does it use a node secret?"},
		"half a magic":  {"FLVN", ErrRefused, "middle of its hello"},
		"later version": {"FLVNODE\x02C" + strings.Repeat("n", nonceSize), ErrNoHello, "version 2"},
	} {
		if err := s.accept(&canned{Reader: strings.NewReader(tt.sent)}, "sc"); !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzPeer: whatever a peer without the secret says, it is not let in, is not
// heard beyond the end of a handshake, and learns no proof of a server.
func FuzzPeer(f *testing.F) {
	hello := new(bytes.Buffer)
	_ = writeHello(hello, roleDialler, nonce{1})
	f.Add(hello.Bytes())
	f.Add(append(hello.Bytes(), make([]byte, len(proof{}))...))
	hello.Reset()
	_ = writeHello(hello, roleServer, nonce{1})
	f.Add(append(hello.Bytes(), make([]byte, len(proof{})+5)...))
	f.Add([]byte("\x16\x03\x01"))
	s := testSecret(f, goodText)
	f.Fuzz(func(t *testing.T, data []byte) {
		const most = helloSize + len(proof{})
		r := bytes.NewReader(data)
		peer := &canned{Reader: r}
		if err := s.accept(peer, "sc"); err == nil {
			t.Error("let in by the server")
		}
		if read := len(data) - r.Len(); read > most || peer.heard.Len() > helloSize {
			t.Errorf("the server read %d bytes and sent %d", read, peer.heard.Len())
		}
		r.Reset(data)
		peer.heard.Reset()
		if err := s.dial(peer, "sc"); err == nil {
			t.Error("believed by the dialler")
		}
		if read := len(data) - r.Len(); read > most || peer.heard.Len() > most {
			t.Errorf("the dialler read %d bytes and sent %d", read, peer.heard.Len())
		}
	})
}

// FuzzPair: two sides agree exactly when secret and service are the same.
func FuzzPair(f *testing.F) {
	f.Add([]byte(goodText), []byte(goodText), "sc", "sc")
	f.Add([]byte(goodText), []byte(goodText+"\x00"), "sc", "sc")
	f.Add([]byte(goodText), []byte(goodText), "spu-1", "spu-11")
	f.Add(bytes.Repeat([]byte("k"), 65), bytes.Repeat([]byte("k"), 64), "", "x")
	f.Fuzz(func(t *testing.T, a, b []byte, want, is string) {
		dialler, err := NewSecret(a)
		server, err2 := NewSecret(b)
		if err != nil || err2 != nil || len(want) > maxService || len(is) > maxService {
			t.Skip()
		}
		same := bytes.Equal(a, b) && want == is
		dialErr, accErr := shake(t, dialler, server, want, is, nil)
		if (dialErr == nil) != same || (accErr == nil) != same {
			t.Errorf("same: %v, dialler: %v, server: %v", same, dialErr, accErr)
		}
	})
}
