package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

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
		"drip": drip,
		"into": func() { // into FILE ARG...: runs fluvio with its output appended to FILE
			f, err := os.OpenFile(os.Args[1], os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				panic(err)
			}
			os.Stdout = f
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

// drip is `drip STOP ARG...`: runs fluvio with numbered lines coming in, a few
// hundred in a second, until the file STOP exists. It prints how many there
// were.
func drip() {
	r, w, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	os.Stdin = r
	lines := make(chan int, 1)
	go func() {
		defer w.Close()
		for n := 0; ; n++ {
			if _, err := os.Stat(os.Args[1]); err == nil {
				lines <- n
				return
			}
			if _, err := fmt.Fprintln(w, n); err != nil {
				lines <- n
				return
			}
			time.Sleep(2 * time.Millisecond)
		}
	}()
	code := root.Main(os.Args[2:])
	fmt.Println("lines", <-lines)
	os.Exit(code)
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
