package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// BenchmarkStartup is the time from exec to exit of the built binary for a
// command that needs no cluster.
func BenchmarkStartup(b *testing.B) {
	exe := filepath.Join(b.TempDir(), "fluvio")
	build := exec.Command("go", "build", "-o", exe, "github.com/fluvio-go/fluvio/cmd/fluvio")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	home := b.TempDir()
	for _, args := range [][]string{{"profile"}, {"version", "--json"}, {"--help"}} {
		b.Run(args[0], func(b *testing.B) {
			for b.Loop() {
				cmd := exec.Command(exe, args...)
				cmd.Env = []string{"HOME=" + home}
				if err := cmd.Run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
