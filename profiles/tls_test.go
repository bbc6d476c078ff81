package profiles

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// selfSigned returns PEM certificate and key for the given names; the
// certificate is its own authority.
func selfSigned(t *testing.T, names ...string) (cert, key string) {
	t.Helper()
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: names[0]},
		DNSNames:              names,
		NotBefore:             time.Unix(0, 0),
		NotAfter:              time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &priv.PublicKey, priv)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}))
}

// handshake connects a client with cfg to a server that has cert and key and
// asks for a client certificate.
func handshake(t *testing.T, cfg *tls.Config, cert, key string) (peers int, err error) {
	t.Helper()
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	// A socket, not net.Pipe: a failing handshake has both ends writing, and
	// an unbuffered pipe would hold them there.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	server := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequestClientCert})
	done := make(chan error, 1)
	go func() {
		err := server.Handshake()
		if err != nil {
			conn.Close()
		}
		done <- err
	}()
	err = tls.Client(client, cfg).Handshake()
	client.Close()
	serverErr := <-done
	conn.Close()
	if err := errors.Join(err, serverErr); err != nil {
		return 0, err
	}
	return len(server.ConnectionState().PeerCertificates), nil
}

func TestTLSConfigInUse(t *testing.T) {
	cert, key := selfSigned(t, "my.domain", "main-0.my.domain")
	dir := t.TempDir()
	file := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	inline := TLSPolicy{Mode: TLSVerified, Inline: true, Domain: "my.domain", Key: key, Cert: cert, CACert: cert}
	files := TLSPolicy{Mode: TLSVerified, Domain: "my.domain", Key: file("key", key), Cert: file("cert", cert), CACert: file("ca", cert)}
	otherCert, otherKey := selfSigned(t, "my.domain")
	foreign := TLSPolicy{Mode: TLSVerified, Inline: true, Domain: "my.domain", Key: otherKey, Cert: otherCert, CACert: otherCert}

	for _, tt := range []struct {
		name   string
		policy TLSPolicy
		server string
		ok     bool
		peers  int
	}{
		{"inline", inline, "", true, 1},
		{"files", files, "", true, 1},
		{"name of an SPU", files, "main-0.my.domain", true, 1},
		{"wrong name", files, "main-1.my.domain", false, 0},
		{"another authority", foreign, "", false, 0},
		{"anonymous", TLSPolicy{Mode: TLSAnonymous}, "anything", true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg, err := tt.policy.Config(tt.server)
			if err != nil {
				t.Fatal(err)
			}
			peers, err := handshake(t, cfg, cert, key)
			if (err == nil) != tt.ok || peers != tt.peers {
				t.Errorf("err %v, %d client certificates", err, peers)
			}
		})
	}
	if cfg, err := (TLSPolicy{}).Config("x"); cfg != nil || err != nil {
		t.Errorf("disabled: %v, %v", cfg, err)
	}
}

func TestTLSConfigFaults(t *testing.T) {
	cert, key := selfSigned(t, "d")
	_, otherKey := selfSigned(t, "d")
	good := TLSPolicy{Mode: TLSVerified, Inline: true, Domain: "d", Key: key, Cert: cert, CACert: cert}
	mismatch, empty, missing := good, good, good
	mismatch.Key = otherKey
	empty.CACert = "not a certificate"
	missing.Inline, missing.CACert = false, filepath.Join(t.TempDir(), "nowhere.pem")
	if _, err := mismatch.Config(""); err == nil || strings.Contains(err.Error(), "BEGIN") {
		t.Errorf("mismatch: %v", err)
	}
	if _, err := empty.Config(""); !errors.Is(err, errNoCACert) {
		t.Errorf("empty: %v", err)
	}
	if _, err := missing.Config(""); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "nowhere.pem") {
		t.Errorf("missing: %v", err)
	}
}

func TestInlined(t *testing.T) {
	cert, key := selfSigned(t, "d")
	dir := t.TempDir()
	p := TLSPolicy{Mode: TLSVerified, Domain: "d", Key: filepath.Join(dir, "k"), Cert: filepath.Join(dir, "c"), CACert: filepath.Join(dir, "c")}
	if _, err := p.Inlined(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing files: %v", err)
	}
	if err := errors.Join(os.WriteFile(p.Key, []byte(key), 0o600), os.WriteFile(p.Cert, []byte(cert), 0o600)); err != nil {
		t.Fatal(err)
	}
	got, err := p.Inlined()
	if err != nil || !got.Inline || got.Key != key || got.Cert != cert || got.CACert != cert {
		t.Errorf("%+v, %v", got, err)
	}
}
