package archtest

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/fluvio-go/fluvio"

// pkg is what go list tells about one package.
type pkg struct {
	ImportPath string
	Dir        string
	Imports    []string // direct
	Deps       []string // all
	GoFiles    []string
}

func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,Deps,GoFiles", module+"/...")
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var pkgs []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := dec.Decode(&p); err == io.EOF {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

// rule forbids packages below from to depend on packages below any of banned.
// Paths are relative to the module unless they name another one.
type rule struct {
	from   []string
	except []string
	banned []string
	direct bool // only direct imports count
	reason string
}

var rules = []rule{
	{
		from:   []string{"internal"},
		banned: []string{"cmd", "client", "engine", "installer", "localcluster", "netproto", "profiles", "tui", "tests"},
		reason: "internal packages are the bottom: everything may use them, so they may use nothing of the product",
	},
	{
		from:   []string{"netproto"},
		banned: []string{"cmd", "client", "engine", "installer", "localcluster", "profiles", "tui", "tests"},
		reason: "the protocol knows neither who speaks it nor where the cluster is",
	},
	{
		from:   []string{"profiles"},
		banned: []string{"cmd", "client", "engine", "installer", "localcluster", "netproto", "tui", "tests", "net/http"},
		reason: "the profile file is read without a network",
	},
	{
		from:   []string{"engine/log"},
		banned: []string{"cmd", "client", "engine/sc", "engine/spu", "installer", "localcluster", "netproto/api", "netproto/transport", "profiles", "tui", "tests"},
		reason: "the log knows records, offsets and files; no topics, sockets or profiles",
	},
	{
		from:   []string{"client"},
		banned: []string{"cmd", "engine", "installer", "localcluster", "tui", "tests"},
		reason: "outside programs import the client; it must not bring the servers along",
	},
	{
		from:   []string{"engine"},
		banned: []string{"cmd", "client", "installer", "localcluster", "profiles", "tui", "tests"},
		reason: "the engine knows no screen, no profile and no client; roles talk through netproto",
	},
	{
		from:   []string{"tui", "localcluster", "installer"},
		banned: []string{"cmd", "tests"},
		reason: "features are called by commands, never the other way round",
	},
	{
		from:   []string{"localcluster/node"},
		banned: []string{"client", "profiles"},
		reason: "a node of a cluster on many hosts has neither a client nor a profile",
	},
	{
		from:   []string{"cmd"},
		banned: []string{"tests"},
		reason: "nothing imports tests",
	},
	{
		from:   []string{""},
		except: []string{"cmd", "tests"},
		banned: []string{"github.com/spf13/cobra", "github.com/spf13/pflag"},
		direct: true,
		reason: "only commands know the flag library",
	},
	{
		from:   []string{""},
		except: []string{"installer", "tests"},
		banned: []string{"k8s.io", "sigs.k8s.io/controller-runtime", "sigs.k8s.io/kind", "helm.sh"},
		direct: true,
		reason: "Kubernetes libraries stay under installer, so that the rest starts fast and builds without them",
	},
	{
		from:   []string{""},
		except: []string{"tui", "cmd/tui", "tests"},
		banned: []string{"github.com/charmbracelet"},
		direct: true,
		reason: "the screen library stays under tui",
	},
	{
		from:   []string{""},
		except: []string{"internal/iostreams", "internal/table", "internal/recfmt", "tui"},
		banned: []string{"golang.org/x/term"},
		direct: true,
		reason: "ask internal/iostreams about the terminal",
	},
}

// below reports whether path is the package or folder prefix, or inside it.
func below(path, prefix string) bool {
	path = strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
	return prefix == "" || path == prefix || strings.HasPrefix(path, prefix+"/")
}

func belowAny(path string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if below(path, prefix) {
			return true
		}
	}
	return false
}

func TestLayers(t *testing.T) {
	for _, p := range list(t) {
		for _, broken := range violations(p) {
			t.Error(broken)
		}
	}
}

func violations(p pkg) []string {
	var out []string
	for _, r := range rules {
		if !belowAny(p.ImportPath, r.from) || belowAny(p.ImportPath, r.except) {
			continue
		}
		deps := p.Deps
		if r.direct {
			deps = p.Imports
		}
		for _, dep := range deps {
			if belowAny(dep, r.banned) {
				out = append(out, p.ImportPath+" depends on "+dep+": "+r.reason)
			}
		}
	}
	return out
}

// TestRulesBite makes sure that the rules find what they are there for.
func TestRulesBite(t *testing.T) {
	for _, p := range []pkg{
		{ImportPath: module + "/internal/table", Deps: []string{"fmt", module + "/profiles"}},
		{ImportPath: module + "/engine/log", Deps: []string{module + "/netproto/transport"}},
		{ImportPath: module + "/client", Deps: []string{module + "/engine/spu"}},
		{ImportPath: module + "/profiles", Imports: []string{"github.com/spf13/cobra"}},
		{ImportPath: module + "/cmd/topic", Imports: []string{"k8s.io/client-go/kubernetes"}},
		{ImportPath: module + "/cmd/topic", Deps: []string{module + "/tests/harness"}},
	} {
		if len(violations(p)) != 1 {
			t.Errorf("%s: %q", p.ImportPath, violations(p))
		}
	}
	fine := pkg{
		ImportPath: module + "/installer/kube",
		Imports:    []string{"k8s.io/api/core/v1"},
		Deps:       []string{module + "/engine/sc", module + "/internal/uerr"},
	}
	if v := violations(fine); len(v) > 0 {
		t.Errorf("%q", v)
	}
}
