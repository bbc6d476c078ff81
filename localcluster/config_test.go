package localcluster

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestConfigRoundTrip(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	want, err := DefaultConfig()
	if err != nil {
		t.Fatal(err)
	}
	want.SPUs, want.SCAddr = 3, "127.0.0.1:19003"
	want.ServerTLS = TLS{Policy: "verified", Source: "files", Certs: TLSCerts{"d", "k", "c", "ca"}}
	path := filepath.Join(t.TempDir(), "below", "local-config")
	if Exists(path) {
		t.Fatal("a file that was never written exists")
	}
	if err := want.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := LoadConfig(path)
	if err != nil || got != want || !Exists(path) {
		t.Fatalf("loaded %+v (%v), want %+v", got, err, want)
	}
}

// A file of the official command line lacks our keys and has some of its own.
func TestConfigOfTheOfficialCommandLine(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	path := filepath.Join(t.TempDir(), "local-config")
	text := `platform_version = "0.18.1"
log_dir = "/l"
data_dir = "/d"
launcher = "/bin/fluvio"
rust_log = "warn"
spu_replicas = 2
sc_pub_addr = "127.0.0.1:9003"
skip_checks = false
hide_spinner = false
installation_type = "local"
save_profile = true
[server_tls_policy]
tls_policy = "disabled"
[client_tls_policy]
tls_policy = "disabled"
`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := LoadConfig(path)
	if err != nil || c.SPUs != 2 || c.DataDir != "/d" || c.SPUBasePort != DefaultSPUBasePort || c.ServerTLS.Enabled() {
		t.Fatalf("loaded %+v, %v", c, err)
	}
}

func TestConfigFaults(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	path := filepath.Join(t.TempDir(), "local-config")
	if _, err := LoadConfig(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	for text, want := range map[string]string{
		"spu_replicas = 1\nrust_log = ":           "line 2",
		"spu_replicas = 5000":                     "allowed are 0 to 1000",
		"sc_pub_addr = 'here'":                    "not host:port",
		"sc_pub_addr = 'h:70000'":                 "not a number from 0 to 65535",
		"spu_replicas = 9\nspu_base_port = 65500": "allowed are 1 to 65535",
		"data_dir = ''\nlog_dir = ''":             "data_dir is empty",
		"spu_replicas = -1\nsc_pub_addr = ''":     "spu_replicas is -1",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadConfig(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: error is %v, want the file's name and %q", text, err, want)
		}
	}
}

func TestLogFileStartsOver(t *testing.T) {
	logs, err := openLogs(t.TempDir(), "debug")
	if err != nil {
		t.Fatal(err)
	}
	l, err := logs.logger("spu-5001")
	if err != nil {
		t.Fatal(err)
	}
	l.Debug("first")
	logs.files[0].size = maxLog
	l.Debug("second")
	if err := logs.close(); err != nil {
		t.Fatal(err)
	}
	l.Debug("dropped") // must not panic
	path := logPath(logs.dir, "spu-5001")
	for name, want := range map[string]string{path: "second", path + ".1": "first"} {
		data, err := os.ReadFile(name)
		if err != nil || !strings.Contains(string(data), want) || strings.Count(string(data), "\n") != 1 {
			t.Errorf("%s holds %q (%v), want one line with %q", name, data, err, want)
		}
	}
}
