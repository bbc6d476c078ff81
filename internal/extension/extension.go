package extension

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Prefix begins the file name of every plug-in.
const Prefix = "fluvio-"

// metadataTimeout bounds how long one plug-in may take to describe itself, so
// that a hanging one cannot hang "fluvio --help".
const metadataTimeout = 2 * time.Second

// Metadata is what a plug-in says about itself.
type Metadata struct {
	Title       string `json:"title"`
	Package     string `json:"package,omitempty"`
	Description string `json:"description"`
	Version     string `json:"version"`
}

// UnmarshalJSON also accepts "command", the older name of title.
func (m *Metadata) UnmarshalJSON(b []byte) error {
	type plain Metadata
	var v struct {
		plain
		Command string `json:"command"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	*m = Metadata(v.plain)
	if m.Title == "" {
		m.Title = v.Command
	}
	return nil
}

// Installed is one plug-in of the extensions folder.
type Installed struct {
	Path     string
	Metadata Metadata
}

// Name returns the word that runs the plug-in.
func (i Installed) Name() string {
	return strings.TrimPrefix(filepath.Base(i.Path), Prefix)
}

// Base returns the folder of installed programs and of logs: FLUVIO_DIR, else
// ~/.fluvio.
func Base() (string, error) {
	if dir := os.Getenv("FLUVIO_DIR"); dir != "" {
		return dir, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".fluvio"), nil
}

// Dir returns the extensions folder: FLUVIO_EXTENSIONS_DIR, else extensions
// below Base.
func Dir() (string, error) {
	if dir := os.Getenv("FLUVIO_EXTENSIONS_DIR"); dir != "" {
		return dir, nil
	}
	base, err := Base()
	if err != nil {
		return "", err
	}
	return filepath.Join(base, "extensions"), nil
}

// Find returns the program of the plug-in name. It looks beside the running
// program, then on PATH, then in the extensions folder. A name that is a path
// is never found.
func Find(name string) (string, bool) {
	if name == "" || strings.ContainsAny(name, `/\`) {
		return "", false
	}
	file := Prefix + name
	if exe, err := os.Executable(); err == nil {
		if path, err := exec.LookPath(filepath.Join(filepath.Dir(exe), file)); err == nil {
			return path, true
		}
	}
	if path, err := exec.LookPath(file); err == nil {
		return path, true
	}
	if dir, err := Dir(); err == nil {
		if path, err := exec.LookPath(filepath.Join(dir, file)); err == nil {
			return path, true
		}
	}
	return "", false
}

// List returns the plug-ins of the extensions folder that describe themselves,
// by name. Those that fail to are left out.
func List(ctx context.Context) []Installed {
	dir, err := Dir()
	if err != nil {
		return nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	found := make([]*Installed, len(entries))
	var wg sync.WaitGroup
	for i, entry := range entries {
		if !strings.HasPrefix(entry.Name(), Prefix) {
			continue
		}
		wg.Go(func() { found[i] = describe(ctx, filepath.Join(dir, entry.Name())) })
	}
	wg.Wait()
	var out []Installed
	for _, p := range found {
		if p != nil {
			out = append(out, *p)
		}
	}
	return out
}

func describe(ctx context.Context, path string) *Installed {
	ctx, cancel := context.WithTimeout(ctx, metadataTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "metadata")
	cmd.WaitDelay = metadataTimeout / 4 // a grandchild may hold the pipe
	text, err := cmd.Output()
	if err != nil {
		return nil
	}
	p := &Installed{Path: path}
	if err := json.Unmarshal(text, &p.Metadata); err != nil || p.Metadata.Title == "" {
		return nil
	}
	return p
}
