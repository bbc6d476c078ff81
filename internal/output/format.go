package output

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/fluvio-go/fluvio/internal/table"
)

// Format is one way to print objects.
type Format string

// Formats, in the order messages list them.
const (
	Table Format = "table"
	YAML  Format = "yaml"
	JSON  Format = "json"
	TOML  Format = "toml"
)

// Formats returns every format.
func Formats() []string {
	return []string{string(Table), string(YAML), string(JSON), string(TOML)}
}

// ParseFormat accepts a format's name in any case.
func ParseFormat(s string) (Format, bool) {
	for _, f := range Formats() {
		if strings.EqualFold(f, s) {
			return Format(f), true
		}
	}
	return "", false
}

// ErrNotTable reports a value that TOML cannot hold at the top: a list. The
// text is what has always been printed.
var ErrNotTable = errors.New("Fluvio client error") //nolint:staticcheck // upstream's sentence

// Write writes v, which may be any struct, map or list, in a format other than
// Table. YAML and TOML texts end in an empty line, as they always have.
func Write(w io.Writer, f Format, v any) error {
	n, err := build(v)
	if err != nil {
		return err
	}
	var text string
	switch f {
	case JSON:
		text = jsonText(n) + "\n"
	case YAML:
		text = yamlText(n) + "\n"
	case TOML:
		if n.kind != mapping {
			return ErrNotTable
		}
		b, err := toml.Marshal(n.plain())
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNotTable, err)
		}
		text = string(b) + "\n"
	default:
		return fmt.Errorf("output: %s is not a structured format", f)
	}
	_, err = io.WriteString(w, text)
	return err
}

// List writes the items of a list command. As a table, no items are the prose
// none; in the structured formats they are an empty list.
func List[T any](w io.Writer, f Format, items []T, none string, rows func([]T) *table.Table) error {
	if f != Table {
		if items == nil {
			items = []T{}
		}
		return Write(w, f, items)
	}
	if len(items) == 0 {
		_, err := fmt.Fprintln(w, none)
		return err
	}
	return rows(items).Render(w, table.ListIndent)
}
