package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// edit replaces a text that occurs once in a file below GOROOT/src.
type edit struct{ file, old, new string }

var edits = []edit{
	{"runtime/proc.go", "const forcePreemptNS = 10 * 1000 * 1000", "const forcePreemptNS = 1 << 60"},
	{"runtime/select.go", "j := cheaprandn(uint32(norder + 1))", "j := uint32(bubbleRand(uint64(norder)) % uint64(norder+1))"},
	{"runtime/time.go", "			t.rand = cheaprand()\n", "			t.rand = uint32(bubbleRand(uint64(t.when)))\n"},
	{"runtime/alg.go", "hashkey[i] = uintptr(bootstrapRand())", "hashkey[i] = uintptr(2*i + 1)"},
	{"runtime/alg.go", "key[i] = bootstrapRand()\n", "key[i] = 0x9e3779b97f4a7c15 * uint64(i+1)\n"},
	// The children of a context are a map by address, walked when it ends.
	{"context/context.go", "children map[canceler]struct{} //", "children map[canceler]uint64 //"},
	{"context/context.go", "p.children = make(map[canceler]struct{})", "p.children = make(map[canceler]uint64)"},
	{"context/context.go", "p.children[child] = struct{}{}", "p.children[child] = born.Add(1)"},
	{"context/context.go", "	for child := range c.children {\n", "	for _, child := range inOrder(c.children) {\n"},
	{"context/context.go", "// cancel closes c.done, cancels each of c's children, and, if\n", `var born atomic.Uint64

// inOrder is the keys by their values.
func inOrder(children map[canceler]uint64) []canceler {
	var out []canceler
	for c := range children {
		i := len(out)
		out = append(out, c)
		for ; i > 0 && children[out[i-1]] > children[c]; i-- {
			out[i] = out[i-1]
		}
		out[i] = c
	}
	return out
}

// cancel closes c.done, cancels each of c's children, and, if
`},
	{"runtime/rand.go", "func maps_rand() uint64 {\n\treturn rand()\n}\n", `func maps_rand() uint64 {
	return bubbleRand(0)
}

// bubbleRand is rand outside of bubbles. Inside it depends on nothing but the
// time there and on what it is for: not on who asked before.
func bubbleRand(what uint64) uint64 {
	b := getg().bubble
	if b == nil {
		return rand()
	}
	h := uint64(b.now) + what*0x9e3779b97f4a7c15
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
`},
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: exact DIR")
		os.Exit(2)
	}
	list, err := write(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "exact:", err)
		os.Exit(1)
	}
	fmt.Println(list)
}

// write puts the edited files into dir and returns the list of them.
func write(dir string) (list string, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOROOT: %w", err)
	}
	src := filepath.Join(strings.TrimSpace(string(out)), "src")
	texts := make(map[string]string)
	for _, e := range edits {
		text, ok := texts[e.file]
		if !ok {
			b, err := os.ReadFile(filepath.Join(src, e.file))
			if err != nil {
				return "", err
			}
			text = string(b)
		}
		if n := strings.Count(text, e.old); n != 1 {
			return "", fmt.Errorf("%s of %s has %d places with %q, want one: it is not known how to make this runtime repeat itself",
				e.file, runtime.Version(), n, e.old)
		}
		texts[e.file] = strings.Replace(text, e.old, e.new, 1)
	}
	replace := make(map[string]string)
	for file, text := range texts {
		to := filepath.Join(dir, strings.ReplaceAll(file, "/", "-"))
		if err := writeIfNew(to, text); err != nil {
			return "", err
		}
		replace[filepath.Join(src, file)] = to
	}
	b, err := json.MarshalIndent(map[string]any{"Replace": replace}, "", "\t")
	if err != nil {
		return "", err
	}
	list = filepath.Join(dir, "overlay.json")
	return list, writeIfNew(list, string(b)+"\n")
}

// writeIfNew leaves a file alone that has the content, so that the compiler
// need not look at it again.
func writeIfNew(path, content string) error {
	if b, err := os.ReadFile(path); err == nil && string(b) == content {
		return nil
	}
	return os.WriteFile(path, []byte(content), 0o644)
}
