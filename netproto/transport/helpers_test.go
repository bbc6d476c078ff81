package transport_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// text is a message of one string.
type text string

func (m *text) Code(c *codec.Coder) { c.String((*string)(m)) }

// blob is a message of raw bytes with a length.
type blob []byte

func (m *blob) Code(c *codec.Coder) { c.ByteSlice((*[]byte)(m)) }

// head announces a blob whose bytes follow by other means.
type head uint32

func (m *head) Code(c *codec.Coder) { c.U32((*uint32)(m)) }

func msg(s string) *text { return (*text)(&s) }

// API keys of the test server.
const (
	keyEcho   = 1 // answers with its body
	keySilent = 2 // is never answered
	keyMany   = 3 // streams ten answers
	keyFile   = 4 // answers with the test file
	keyHangup = 5 // closes the connection
)

// section is a range of a file, or of the same bytes without a file.
type section struct {
	f         *os.File
	off, size int64
	noFile    bool
}

func (s section) Size() int64                   { return s.size }
func (s section) File() (*os.File, int64, bool) { return s.f, s.off, !s.noFile }
func (s section) WriteTo(w io.Writer) (int64, error) {
	return io.Copy(w, io.NewSectionReader(s.f, s.off, s.size))
}

// server answers the test keys; file serves keyFile.
type server struct{ file section }

func (s *server) handle(ctx context.Context, c *transport.ServerConn) {
	for {
		r, err := c.ReadRequest()
		if err != nil {
			return
		}
		switch r.Key {
		case keyEcho:
			var t text
			if r.Decode(&t) != nil {
				return
			}
			c.WriteResponse(r.CorrelationID, r.Version, &t)
		case keyMany:
			id, version := r.CorrelationID, r.Version
			c.Go(func(context.Context) {
				for i := range 10 {
					c.WriteResponse(id, version, msg(string(rune('0'+i))))
				}
			})
		case keyFile:
			h := head(s.file.size)
			c.WriteResponseWithFile(r.CorrelationID, r.Version, &h, s.file)
		case keyHangup:
			return
		}
		r.Release()
	}
}

// serve runs a listener until the test ends.
func serve(t testing.TB, ln net.Listener, opts transport.ListenerOptions, h transport.Handler) *transport.Listener {
	t.Helper()
	l := transport.NewListener(ln, opts)
	done := make(chan error, 1)
	go func() { done <- l.Serve(t.Context(), h) }()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l
}

func listenTCP(t testing.TB) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

func dial(t testing.TB, addr string, opts transport.Options) *transport.Conn {
	t.Helper()
	c, err := transport.Dial(t.Context(), addr, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// kinds are the ways to connect to a server; TLS and memory are the paths
// without sendfile.
func kinds(t testing.TB) map[string]func(h transport.Handler) *transport.Conn {
	return map[string]func(h transport.Handler) *transport.Conn{
		"tcp": func(h transport.Handler) *transport.Conn {
			l := serve(t, listenTCP(t), transport.ListenerOptions{}, h)
			return dial(t, l.Addr().String(), transport.Options{})
		},
		"timeouts": func(h transport.Handler) *transport.Conn {
			l := serve(t, listenTCP(t), transport.ListenerOptions{ServerOptions: transport.ServerOptions{WriteTimeout: time.Minute}}, h)
			return dial(t, l.Addr().String(), transport.Options{WriteTimeout: time.Minute})
		},
		"tls": func(h transport.Handler) *transport.Conn {
			srv, cli := tlsConfigs(t)
			l := serve(t, listenTCP(t), transport.ListenerOptions{TLS: srv}, h)
			return dial(t, l.Addr().String(), transport.Options{TLS: cli})
		},
		"mem": func(h transport.Handler) *transport.Conn {
			ln := transport.NewMemListener("spu")
			l := serve(t, ln, transport.ListenerOptions{}, h)
			return dial(t, l.Addr().String(), transport.Options{Dialer: ln.DialContext})
		},
	}
}

// tlsConfigs makes a self-signed certificate for 127.0.0.1.
func tlsConfigs(t testing.TB) (srv, cli *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "test"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, &tls.Config{RootCAs: pool}
}

// tempFile holds size bytes that differ by position.
func tempFile(t testing.TB, size int) (*os.File, []byte) {
	t.Helper()
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i*31 + i>>8)
	}
	f, err := os.Create(t.TempDir() + "/segment")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
	return f, b
}

// allocated is how many bytes f allocates, with whatever runs beside it.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
