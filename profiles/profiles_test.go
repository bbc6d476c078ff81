package profiles

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
)

// writerEnv turns the test binary into one of several competing writers.
const writerEnv = "PROFILES_TEST_WRITER"

func TestMain(m *testing.M) {
	if name := os.Getenv(writerEnv); name != "" {
		for i := range 20 {
			err := Update(os.Getenv(PathEnv), func(c *Config) error {
				c.Put(fmt.Sprintf("%s-%d", name, i), "127.0.0.1:9003", TLSPolicy{})
				return nil
			})
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const full = `version = "2.0"
current_profile = "local"
client_id = "me"
theme = "dark"
since = 2025-01-02T03:04:05Z

[profile.local]
cluster = "local"
topic = "t"
partition = 3
color = "red"

[profile.prod]
cluster = "prod"

[profile.dangling]
cluster = "gone"

[cluster.local]
endpoint = "127.0.0.1:9003"
[cluster.local.metadata]
installation = "local"

[cluster.old]
addr = "old:9003"
[cluster.old.tls]
tls_policy = "disable"

[cluster.prod]
endpoint = "prod:9003"
use_spu_local_address = true
retries = 4
[cluster.prod.tls]
tls_policy = "verify"
tls_source = "file"
pinned = true
[cluster.prod.tls.certs]
domain = "my.domain"
key = "/k"
cert = "/c"
ca_cert = "/a"
serial = 7
[cluster.prod.metadata.ui]
guard = "readonly"
group = ["prod", "eu"]

[window]
width = 80
[[window.panes]]
name = "a"
`

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Load(write(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestLoadUnderstandsEveryKeyAndAlias(t *testing.T) {
	c := load(t, full)
	name, cluster, err := c.Current()
	if err != nil || name != "local" || cluster.Endpoint != "127.0.0.1:9003" {
		t.Fatalf("current = %q %+v %v", name, cluster, err)
	}
	if c.Clusters["old"].Endpoint != "old:9003" || c.Clusters["old"].TLS.Mode != TLSDisabled {
		t.Errorf("aliases addr and disable: %+v", c.Clusters["old"])
	}
	p := c.Clusters["prod"].TLS
	if p.Mode != TLSVerified || p.Inline || p.Domain != "my.domain" || p.Key != "/k" || p.Cert != "/c" || p.CACert != "/a" {
		t.Errorf("aliases verify and file: %+v", p)
	}
	if !c.Clusters["prod"].UseSPULocalAddress {
		t.Error("use_spu_local_address lost")
	}
	if *c.Profiles["local"].Topic != "t" || *c.Profiles["local"].Partition != 3 {
		t.Errorf("legacy defaults: %+v", c.Profiles["local"])
	}
}

func TestUnknownKeysSurviveAtEveryLevel(t *testing.T) {
	path := write(t, full)
	before := load(t, full)
	if err := Update(path, func(*Config) error { return nil }); err != nil {
		t.Fatal(err)
	}
	after, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(before, after) {
		t.Errorf("before %+v\nafter  %+v", before, after)
	}
	text, _ := os.ReadFile(path)
	for _, key := range []string{"theme", "since", "color", "retries", "pinned", "serial", "guard", "panes"} {
		if !strings.Contains(string(text), key) {
			t.Errorf("key %s is lost:\n%s", key, text)
		}
	}
	if !strings.HasPrefix(string(text), `version = "2.0"`) {
		t.Errorf("version is not the first line:\n%s", text)
	}
}

func TestEmptyConfigHasBothTables(t *testing.T) {
	data, err := New().Encode()
	if err != nil {
		t.Fatal(err)
	}
	const want = "version = \"2.0\"\n\n[profile]\n\n[cluster]\n"
	if got := string(data); strings.ReplaceAll(got, "\n", "") != strings.ReplaceAll(want, "\n", "") {
		t.Errorf("got %q", got)
	}
	if _, err := parse("x", data); err != nil {
		t.Errorf("own output does not load: %v", err)
	}
}

func TestLoadFaults(t *testing.T) {
	const tables = "\n[profile]\n[cluster]\n"
	for _, tt := range []struct {
		name, text, detail string
	}{
		{"syntax", "version = \"2.0\"\ncurrent_profile = \n", ":2: "},
		{"no version", "[profile]\n[cluster]\n", "version: missing"},
		{"no profile table", "version = \"2\"\n[cluster]\n", "profile: missing"},
		{"no cluster table", "version = \"2\"\n[profile]\n", "cluster: missing"},
		{"version type", "version = 2" + tables, "version: want a string, have an integer"},
		{"profile not a table", "version=\"2\"\nprofile = 1\n[cluster]\n", "profile: want a table, have an integer"},
		{"profile entry", "version=\"2\"\n[profile]\nx = 1.5\n[cluster]\n", "profile.x: want a table, have a float"},
		{"profile without cluster", "version=\"2\"\n[profile.x]\n[cluster]\n", "profile.x.cluster: missing"},
		{"endpoint", "version=\"2\"\n[profile]\n[cluster.x]\n", "cluster.x.endpoint: missing"},
		{"bool", "version=\"2\"\n[profile]\n[cluster.x]\nendpoint=\"e\"\nuse_spu_local_address = [1]\n", "use_spu_local_address: want a boolean, have an array"},
		{"policy", "version=\"2\"\n[profile]\n[cluster.x]\nendpoint=\"e\"\n[cluster.x.tls]\ntls_policy=\"maybe\"\n", `unknown policy "maybe"`},
		{"source", "version=\"2\"\n[profile]\n[cluster.x]\nendpoint=\"e\"\n[cluster.x.tls]\ntls_policy=\"verified\"\ntls_source=\"vault\"\n[cluster.x.tls.certs]\n", `unknown source "vault"`},
		{"certs", "version=\"2\"\n[profile]\n[cluster.x]\nendpoint=\"e\"\n[cluster.x.tls]\ntls_policy=\"verified\"\ntls_source=\"inline\"\n", "cluster.x.tls.certs: missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := write(t, tt.text)
			_, err := Load(path)
			var pe *ParseError
			if !errors.As(err, &pe) {
				t.Fatalf("err = %v", err)
			}
			if want := "Config error: Failed to deserialize Fluvio config " + path; err.Error() != want {
				t.Errorf("first line %q, want %q", err, want)
			}
			if d := pe.Detail(); !strings.HasPrefix(d, path) || !strings.Contains(d, tt.detail) {
				t.Errorf("detail %q, want file and %q", d, tt.detail)
			}
		})
	}
}

func TestMissingFileIsToldApart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "config")
	_, err := Load(path)
	if !IsNotExist(err) || err.Error() != `Config error: config file "`+path+`"` {
		t.Errorf("Load: %v", err)
	}
	if err := Update(path, func(*Config) error { return nil }); !IsNotExist(err) {
		t.Errorf("Update: %v", err)
	}
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("Update of a missing file left a folder behind")
	}
}

func TestEdits(t *testing.T) {
	c := load(t, full)
	if c.Switch("nope") || c.CurrentProfile != "local" {
		t.Error("switched to an unknown profile")
	}
	if !c.Rename("local", "here") || c.CurrentProfile != "here" || c.Profiles["local"] != nil {
		t.Error("rename does not carry the active profile")
	}
	if c.Rename("nope", "x") {
		t.Error("renamed an unknown profile")
	}
	if got := c.ReferencedBy("local"); !reflect.DeepEqual(got, []string{"here"}) {
		t.Errorf("ReferencedBy = %v", got)
	}
	if !c.Delete("prod") || c.CurrentProfile != "here" || !c.Delete("here") || c.CurrentProfile != "" || c.Delete("here") {
		t.Error("delete")
	}
	if _, _, err := c.Current(); !errors.Is(err, ErrNoActiveProfile) {
		t.Errorf("no active profile: %v", err)
	}
	if _, ok := c.Cluster("prod"); !ok {
		t.Error("deleting a profile took its cluster along")
	}
	if !c.DeleteCluster("prod") || c.DeleteCluster("prod") {
		t.Error("delete-cluster")
	}
	got := c.Put("old", "new:1", TLSPolicy{Mode: TLSAnonymous})
	if got != c.Clusters["old"] || got.Endpoint != "new:1" || c.CurrentProfile != "old" || c.Profiles["old"].Cluster != "old" {
		t.Errorf("put: %+v", got)
	}
}

func TestCurrentWithoutItsCluster(t *testing.T) {
	c := load(t, full)
	c.CurrentProfile = "dangling"
	_, _, err := c.Current()
	var missing *ClusterMissingError
	if !errors.As(err, &missing) || err.Error() != "Config error: No cluster config for profile gone" {
		t.Errorf("err = %v", err)
	}
}

func TestExport(t *testing.T) {
	c := load(t, full)
	out, ok := c.Export("prod")
	if !ok || out.CurrentProfile != "prod" || len(out.Clusters) != 1 || len(out.Profiles) != 1 {
		t.Fatalf("export: %+v", out)
	}
	if _, ok := c.Export("nope"); ok {
		t.Error("exported an unknown cluster")
	}
}

func TestInstallation(t *testing.T) {
	for word, want := range map[string]Installation{
		"K8": K8, "local": Local, "Local-K8": LocalK8, "localk8": LocalK8,
		"read_only": ReadOnly, "readonly": ReadOnly, "docker": Docker, "CLOUD": Cloud,
	} {
		if got, err := ParseInstallation(word); err != nil || got != want {
			t.Errorf("%s = %v, %v", word, got, err)
		}
	}
	if _, err := ParseInstallation("vm"); err == nil || err.Error() != "unsupported installation type 'vm'" {
		t.Errorf("vm: %v", err)
	}
	for _, tt := range []struct {
		meta map[string]any
		want Installation
	}{
		{nil, K8},
		{map[string]any{"installation": "read_only"}, ReadOnly},
		{map[string]any{"installation": "balloon"}, K8},
		{map[string]any{"infinyon_cloud_cli": map[string]any{}}, Cloud},
		{map[string]any{"installation": 3, "infinyon_cloud_cli": true}, Cloud},
	} {
		if got := (&Cluster{Metadata: tt.meta}).Installation(); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.meta, got, tt.want)
		}
	}
}

func TestResolve(t *testing.T) {
	path := write(t, full)
	for _, tt := range []struct {
		name    string
		o       Overrides
		env     string
		profile string
		addr    string
		err     string
	}{
		{name: "active", profile: "local", addr: "127.0.0.1:9003"},
		{name: "flag", o: Overrides{Profile: "prod"}, profile: "prod", addr: "prod:9003"},
		{name: "environment", env: "prod", profile: "prod", addr: "prod:9003"},
		{name: "flag over environment", o: Overrides{Profile: "local"}, env: "prod", profile: "local", addr: "127.0.0.1:9003"},
		{name: "ad hoc", o: Overrides{Cluster: "h:1"}, env: "prod", addr: "h:1"},
		{name: "unknown", o: Overrides{Profile: "nope"}, err: "Cluster not found for profile"},
		{name: "dangling", o: Overrides{Profile: "dangling"}, err: "Cluster not found for profile"},
		{name: "both", o: Overrides{Profile: "local", Cluster: "h:1"}, err: "Invalid argument: cluster addr is not valid when profile is used"},
		{name: "profile with tls", o: Overrides{Profile: "local", TLS: TLSFlags{Enabled: true}}, err: "Invalid argument: tls is not valid when profile is is used"},
		{name: "tls alone", o: Overrides{TLS: TLSFlags{Enabled: true}}, err: "Invalid argument: tls is only valid if cluster addr is used"},
		{name: "half a client certificate", o: Overrides{Cluster: "h:1", TLS: TLSFlags{Enabled: true, ClientCert: true, Domain: "d"}},
			err: "Unknown error: Missing required args after --tls:--domain, --ca-cert, --client-cert, --client-key"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv(PathEnv, path)
			t.Setenv(ProfileEnv, tt.env)
			t.Setenv(ClientIDEnv, "")
			got, err := Resolve(tt.o)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Fatalf("err = %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Profile != tt.profile || got.Cluster.Endpoint != tt.addr || got.ClientID != "FLUVIO_CLI" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestPathAndModeAndLink(t *testing.T) {
	dir := t.TempDir()
	real := filepath.Join(dir, "real")
	link := filepath.Join(dir, "link")
	if err := os.Symlink("real", link); err != nil {
		t.Skip(err)
	}
	put := func(c *Config) error { c.Put("a", "h:1", TLSPolicy{}); return nil }
	if err := UpdateOrCreate(link, put); err != nil { // a dangling link
		t.Fatal(err)
	}
	if info, err := os.Stat(real); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("new file: %v %v", info, err)
	}
	if err := os.Chmod(real, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := Update(link, put); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(real); info.Mode().Perm() != 0o640 {
		t.Errorf("mode = %v", info.Mode())
	}
	if info, _ := os.Lstat(link); info.Mode()&fs.ModeSymlink == 0 {
		t.Error("the link was replaced by a file")
	}

	t.Setenv(PathEnv, link)
	if p, err := Path(); err != nil || p != link {
		t.Errorf("Path = %s, %v", p, err)
	}
	t.Setenv(PathEnv, "")
	t.Setenv("HOME", dir)
	if p, _ := Path(); p != filepath.Join(dir, ".fluvio", "config") {
		t.Errorf("Path = %s", p)
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink("loop", loop); err != nil {
		t.Fatal(err)
	}
	if err := UpdateOrCreate(loop, put); err == nil {
		t.Error("a loop of links was accepted")
	}
}

func TestCrashBetweenTempAndRename(t *testing.T) {
	path := write(t, full)
	if err := os.WriteFile(path+".tmp", []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	// The process dies here; the next one finds the old file whole.
	if c := mustLoad(t, path); c.CurrentProfile != "local" {
		t.Errorf("after the crash: %+v", c)
	}
	if err := Update(path, func(c *Config) error { c.Switch("prod"); return nil }); err != nil {
		t.Fatal(err)
	}
	if c := mustLoad(t, path); c.CurrentProfile != "prod" {
		t.Errorf("after the next update: %+v", c)
	}
	if _, err := os.Stat(path + ".tmp"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the temporary file is still there")
	}
}

func TestFailedEditWritesNothing(t *testing.T) {
	path := write(t, full)
	boom := errors.New("boom")
	err := Update(path, func(c *Config) error { c.Delete("local"); return boom })
	if err != boom {
		t.Errorf("err = %v", err)
	}
	if text, _ := os.ReadFile(path); string(text) != full {
		t.Error("the file changed")
	}
	bad := write(t, "version = ")
	if err := UpdateOrCreate(bad, func(*Config) error { return nil }); err == nil {
		t.Error("a file that cannot be read was overwritten")
	}
}

func TestConcurrentWritersLoseNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	if err := SetLocal(path, "127.0.0.1:9003", TLSPolicy{}, Local); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, name := range []string{"a", "b"} {
		wg.Go(func() {
			cmd := exec.Command(exe)
			cmd.Env = append(os.Environ(), writerEnv+"="+name, PathEnv+"="+path)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("writer %s: %v\n%s", name, err, out)
			}
		})
		wg.Go(func() {
			for i := range 20 {
				err := Update(path, func(c *Config) error {
					c.Put(fmt.Sprintf("in-%s-%d", name, i), "h:1", TLSPolicy{})
					return nil
				})
				if err != nil {
					t.Error(err)
				}
				if _, err := Load(path); err != nil { // readers take no lock
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	c := mustLoad(t, path)
	if len(c.Profiles) != 81 || len(c.Clusters) != 81 {
		t.Errorf("%d profiles, %d clusters, want 81", len(c.Profiles), len(c.Clusters))
	}
	if c.Clusters[LocalProfile].Installation() != Local {
		t.Error("local lost its installation type")
	}
}

func mustLoad(t *testing.T, path string) *Config {
	t.Helper()
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// FuzzParse: no input panics, and what loads saves to something that loads to
// the same.
func FuzzParse(f *testing.F) {
	f.Add(full)
	f.Add("version = \"2.0\"\n[profile]\n[cluster]\n")
	f.Add("version = ''\nx = [[1], {a = 1}]\n[profile.\"a.b\"]\ncluster = \"\"\n[cluster.\"\"]\naddr='a'\nendpoint='b'\n")
	f.Add("version = ''\nx = [{}, {y = {}}]\n[profile]\n[cluster]\n[z]\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parse("x", []byte(text))
		if err != nil {
			return
		}
		data, err := c.Encode()
		if err != nil {
			t.Skip() // values that TOML can read and the library cannot write
		}
		again, err := parse("x", data)
		if err != nil {
			t.Fatalf("own output does not load: %v\n%s", err, data)
		}
		second, err := again.Encode()
		if err != nil || string(second) != string(data) {
			t.Fatalf("second save differs: %v\n%s\n%s", err, data, second)
		}
	})
}
