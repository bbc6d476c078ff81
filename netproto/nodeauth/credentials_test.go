package nodeauth

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// lines collects log lines.
type lines struct {
	mu  sync.Mutex
	all []string
	new chan struct{}
}

func newLines() *lines { return &lines{new: make(chan struct{}, 100)} }

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, string(p))
	l.new <- struct{}{}
	return len(p), nil
}

// next waits for a line.
func (l *lines) next(t *testing.T) string {
	t.Helper()
	select {
	case <-l.new:
	case <-testContext(t).Done():
		t.Fatal("nothing was logged")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all[len(l.all)-1]
}

// listen serves an echo behind credentials.
func listen(t *testing.T, c Credentials, log *lines) (addr string) {
	t.Helper()
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln, err := c.Listen(raw, "sc", slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer nc.Close()
				_, _ = io.Copy(nc, nc)
			})
		}
	})
	t.Cleanup(func() {
		if err := ln.Close(); err != nil {
			t.Error(err)
		}
		conns.Wait()
	})
	return ln.Addr().String()
}

// echo sends something and reads it back.
func echo(nc net.Conn) error {
	if _, err := io.WriteString(nc, "ping"); err != nil {
		return err
	}
	got := make([]byte, 4)
	_, err := io.ReadFull(nc, got)
	return err
}

// dial connects and uses the connection, since TLS tells a client only then
// that the server did not want it.
func dial(t *testing.T, c Credentials, addr, service string) error {
	t.Helper()
	nc, err := c.Dial(testContext(t), addr, service)
	if err != nil {
		return err
	}
	defer nc.Close()
	return echo(nc)
}

func TestCredentials(t *testing.T) {
	ca, foreign := newCA(t), newCA(t)
	secret, other := WithSecret(testSecret(t, goodText)), WithSecret(testSecret(t, otherText))
	certs := ca.node(t, "127.0.0.1")
	for _, tt := range []struct {
		name           string
		server, client Credentials
		service        string
		err            string // part of the dialler's error
		log            string // part of the server's line
	}{
		{"none", Credentials{}, Credentials{}, "sc", "", ""},
		{"secret", secret, secret, "sc", "", ""},
		{"other secret", secret, other, "sc", "its node secret is another", "has another node secret"},
		{"other service", secret, secret, "spu-1", "it is not spu-1", "meant another node"},
		{"TLS", certs, ca.node(t, "127.0.0.1"), "sc", "", ""},
		{"CA of others", certs, foreign.node(t, "127.0.0.1"), "sc", "unknown authority", "bad certificate"},
		{"name of another host", ca.node(t, "elsewhere"), certs, "sc", "doesn't contain any IP SANs", "bad certificate"},
		{"TLS at a server with secret", secret, certs, "sc", "authenticate with", "it speaks TLS"},
		{"secret at a server with TLS", certs, secret, "sc", "authenticate with", "does not look like a TLS handshake"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log := newLines()
			addr := listen(t, tt.server, log)
			err := dial(t, tt.client, addr, tt.service)
			if tt.err == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("dialler: %v", err)
			}
			if line := log.next(t); !strings.Contains(line, tt.log) || !strings.Contains(line, "peer=127.0.0.1:") {
				t.Errorf("server: %s", line)
			}
		})
	}
}

// Clients of the cluster's CA that are no nodes: without a certificate, and
// with one but speaking something else.
func TestTLSStrangers(t *testing.T) {
	ca := newCA(t)
	certs := ca.node(t, "127.0.0.1")
	for name, change := range map[string]func(*tls.Config){
		"no certificate":  func(c *tls.Config) { c.Certificates = nil },
		"no protocol":     func(c *tls.Config) { c.NextProtos = nil },
		"other protocol":  func(c *tls.Config) { c.NextProtos = []string{"h2"} },
		"earlier version": func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS12 },
	} {
		t.Run(name, func(t *testing.T) {
			log := newLines()
			addr := listen(t, certs, log)
			cfg := certs.client.Clone()
			change(cfg)
			nc, err := tls.Dial("tcp", addr, cfg)
			if err == nil {
				err = echo(nc)
				nc.Close()
			}
			if err == nil {
				t.Error("it was served")
			}
			log.next(t)
		})
	}
}

func TestUnprotected(t *testing.T) {
	raw, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := (Credentials{}).Listen(raw, "sc", nil); !errors.Is(err, ErrUnprotected) {
		t.Errorf("listen on every address: %v", err)
	}
	secret := WithSecret(testSecret(t, goodText))
	for addr, want := range map[string]error{
		"127.0.0.1:1": nil, "[::1]:1": nil, "localhost:1": nil, "127.9.9.9:1": nil,
		"10.0.0.1:1": ErrUnprotected, "sc.example:1": ErrUnprotected, "[::]:1": ErrUnprotected,
		"localhost.example:1": ErrUnprotected,
	} {
		if err := (Credentials{}).CheckDial(addr); !errors.Is(err, want) {
			t.Errorf("dial %s: %v, want %v", addr, err, want)
		}
		if err := secret.CheckDial(addr); err != nil {
			t.Errorf("dial %s with a secret: %v", addr, err)
		}
	}
	if loopback(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1)}) || !loopback(&net.UnixAddr{}) {
		t.Error("loopback is wrong")
	}
}

// A server that never answers costs a dialler no more than its context says.
func TestDialEndsWithItsContext(t *testing.T) {
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	ctx, cancel := context.WithCancel(testContext(t))
	accepted := make(chan net.Conn, 1)
	go func() {
		nc, err := raw.Accept()
		if err == nil {
			accepted <- nc
		}
		cancel()
	}()
	_, err = WithSecret(testSecret(t, goodText)).Dial(ctx, raw.Addr().String(), "sc")
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	(<-accepted).Close()
}
