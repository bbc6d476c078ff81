package version

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/fluvio-go/fluvio/internal/output"
)

// product is the label of this program's own lines.
const product = "Fluvio CLI"

type line struct{ label, value string }

// report is what the command prints.
type report struct {
	version string
	arch    string
	sha256  string // empty when the program cannot read itself
	extra   []line
}

func (r *report) add(label, value string) {
	r.extra = append(r.extra, line{label, value})
}

func (r *report) lines() []line {
	lines := []line{{product, r.version}, {product + " Arch", r.arch}}
	if r.sha256 != "" {
		lines = append(lines, line{product + " SHA256", r.sha256})
	}
	return append(lines, r.extra...)
}

func (r *report) writeTable(w io.Writer) error {
	lines := r.lines()
	left, right := 0, 0
	for _, l := range lines {
		left, right = max(left, len(l.label)), max(right, len(l.value))
	}
	var b strings.Builder
	for _, l := range lines {
		fmt.Fprintf(&b, " %-*s : %-*s \n", left, l.label, right, l.value)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *report) writeJSON(w io.Writer) error {
	var object output.Object
	object.Add("name", product)
	object.Add("version", r.version)
	for _, l := range r.extra {
		object.Add(l.label, l.value)
	}
	object.Add(product+" Arch", r.arch)
	if r.sha256 != "" {
		object.Add(product+" SHA256", r.sha256)
	}
	return output.Write(w, output.JSON, object)
}

func fileSHA256(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
