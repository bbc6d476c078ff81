package recfmt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fluvio-go/fluvio/internal/output"
	"github.com/mattn/go-runewidth"
)

func (p *Printer) json(dst, value []byte) ([]byte, bool, string) {
	v, err := decode(value)
	if err != nil {
		if p.opts.SuppressUnknown {
			return dst, false, ""
		}
		v = map[string]any{"error": err.Error()}
	}
	text, err := output.Pretty(v)
	if err != nil {
		return dst, false, ""
	}
	return p.data(dst, []byte(text)), true, ""
}

// decode reads one JSON value. Its errors say where, by line and column.
func decode(b []byte) (any, error) {
	if !utf8.Valid(b) {
		n := len(validPrefix(b))
		return nil, position(b, n, "invalid unicode code point")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return nil, position(b, int(syntax.Offset), syntax.Error())
	case err == io.EOF || err == io.ErrUnexpectedEOF:
		return nil, position(b, len(b), "EOF while parsing a value")
	case err != nil:
		return nil, err
	}
	if rest := bytes.TrimLeft(b[dec.InputOffset():], " \t\r\n"); len(rest) > 0 {
		return nil, position(b, len(b)-len(rest)+1, "trailing characters")
	}
	return v, nil
}

// validPrefix returns the part of b before its first broken sequence.
func validPrefix(b []byte) []byte {
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 {
			return b[:i]
		}
		i += size
	}
	return b
}

func position(b []byte, n int, reason string) error {
	before := b[:min(n, len(b))]
	line := bytes.Count(before, []byte{'\n'}) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n') - 1
	return fmt.Errorf("%s at line %d column %d", reason, line, column)
}

// table draws the top-level keys of an object over their values. The drawing
// is whole for the first record and lacks its top border for the others.
func (p *Printer) table(dst, value []byte) ([]byte, bool, string) {
	v, err := decode(value)
	if err != nil {
		return dst, false, "error parsing record as json: " + err.Error()
	}
	object, ok := v.(map[string]any)
	if !ok {
		return dst, false, "error: Unable to parse json as object map"
	}
	keys := slices.Sorted(maps.Keys(object))
	header, row := make([][]string, len(keys)), make([][]string, len(keys))
	widths := make([]int, len(keys))
	for i, key := range keys {
		header[i] = p.lines(key)
		row[i] = p.lines(cellText(object[key]))
		for _, line := range slices.Concat(header[i], row[i]) {
			widths[i] = max(widths[i], runewidth.StringWidth(line))
		}
	}
	var b strings.Builder
	if !p.headed {
		border(&b, widths, '-', '+')
		b.WriteByte('\n')
	}
	p.headed = true
	drawRow(&b, header, widths)
	border(&b, widths, '=', '=')
	b.WriteByte('\n')
	drawRow(&b, row, widths)
	border(&b, widths, '-', '+')
	return append(dst, b.String()...), true, ""
}

func (p *Printer) lines(s string) []string {
	return strings.Split(string(p.data(nil, []byte(s))), "\n")
}

func cellText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, err := output.Compact(v)
	if err != nil {
		return ""
	}
	return text
}

func border(b *strings.Builder, widths []int, line, cross byte) {
	b.WriteByte('+')
	for i, w := range widths {
		if i > 0 {
			b.WriteByte(cross)
		}
		b.WriteString(strings.Repeat(string(line), w+2))
	}
	b.WriteByte('+')
}

func drawRow(b *strings.Builder, cells [][]string, widths []int) {
	height := 1
	for _, lines := range cells {
		height = max(height, len(lines))
	}
	for y := range height {
		b.WriteByte('|')
		for i, lines := range cells {
			text := ""
			if y < len(lines) {
				text = lines[y]
			}
			b.WriteString(" " + text + strings.Repeat(" ", widths[i]-runewidth.StringWidth(text)) + " |")
		}
		b.WriteByte('\n')
	}
}
