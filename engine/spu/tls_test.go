package spu

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// testCert is a certificate for localhost and the pool that trusts it.
func testCert(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// TestTLS: with encryption there is no sendfile; the bytes must be the same.
func TestTLS(t *testing.T) {
	cert, pool := testCert(t)
	r := newRig(t, func(c *Config) { c.TLS = &tls.Config{Certificates: []tls.Certificate{cert}} })
	r.host(assignment("t", 0))
	c, err := transport.Dial(context.Background(), r.srv.Addr(), transport.Options{
		TLS: &tls.Config{RootCAs: pool, ServerName: "localhost"}, RequestTimeout: testPatience,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var versions api.ApiVersionsResponse
	call(t, c, api.KeyApiVersions, 2, &api.ApiVersionsRequest{ClientVersion: "0.50.2"}, &versions)
	big := strings.Repeat("0123456789", 100_000)
	mustProduce(t, c, "t", "small")
	mustProduce(t, c, "t", big)
	s := consume(t, c, &api.StreamFetchRequest{Topic: "t", MaxBytes: 10 << 20})
	if vals, _ := values(t, s.next()); len(vals) != 2 || vals[0] != "small" || vals[1] != big {
		t.Errorf("%d records, not what was sent", len(vals))
	}
}
