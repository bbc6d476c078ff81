package cli

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/fluvio-go/fluvio/cmd/root"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"fluvio": func() { os.Exit(root.Main(os.Args[1:])) },
		"logged": func() { // logged FILE ARG...: runs fluvio with its error output appended to FILE
			f, err := os.OpenFile(os.Args[1], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				panic(err)
			}
			os.Stderr = f
			os.Exit(root.Main(os.Args[2:]))
		},
		"exitwith": func() { // exitwith CODE ARG...: runs fluvio and checks its exit code
			want, err := strconv.Atoi(os.Args[1])
			if err != nil {
				panic(err)
			}
			if got := root.Main(os.Args[2:]); got != want {
				os.Stderr.WriteString("exit code " + strconv.Itoa(got) + ", want " + strconv.Itoa(want) + "\n")
				os.Exit(1)
			}
		},
	})
}

func TestScripts(t *testing.T) {
	dirs, err := filepath.Glob("testdata/*")
	if err != nil || len(dirs) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			testscript.Run(t, testscript.Params{
				Dir:                 dir,
				RequireExplicitExec: true,
				UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
				Cmds:                commands,
				Setup: func(env *testscript.Env) error {
					home := filepath.Join(env.WorkDir, "home")
					env.Setenv("HOME", home)
					env.Setenv("FLUVIO_HINTS", "")
					// A daemon must not outlive its script, however that ends.
					env.Defer(func() {
						if _, err := kill(home); err != nil {
							t.Error(err)
						}
					})
					return os.Mkdir(home, 0o755)
				},
			})
		})
	}
}
