package output

import (
	"strconv"
	"strings"
)

// Pretty returns v as JSON indented by two blanks, without a final newline.
func Pretty(v any) (string, error) {
	n, err := build(v)
	if err != nil {
		return "", err
	}
	return jsonText(n), nil
}

// Compact returns v as JSON without blanks.
func Compact(v any) (string, error) {
	n, err := build(v)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	writeJSON(&b, n, "", "")
	return b.String(), nil
}

// jsonText returns n as JSON indented by two blanks. Only what JSON demands is
// escaped.
func jsonText(n *node) string {
	var b strings.Builder
	writeJSON(&b, n, "\n", "  ")
	return b.String()
}

// writeJSON starts each line of a collection with newline, and its entries
// with indent more. Both empty is the compact form.
func writeJSON(b *strings.Builder, n *node, newline, indent string) {
	inner := newline + indent
	colon := ":"
	if indent != "" {
		colon = ": "
	}
	switch n.kind {
	case null:
		b.WriteString("null")
	case number:
		b.WriteString(n.text)
	case text:
		writeJSONString(b, n.text)
	case tagged:
		b.WriteString("{" + inner)
		writeJSONString(b, n.text)
		b.WriteString(colon)
		writeJSON(b, n.items[0], inner, indent)
		b.WriteString(newline + "}")
	case sequence, mapping:
		open, end := "[", "]"
		if n.kind == mapping {
			open, end = "{", "}"
		}
		b.WriteString(open)
		for i, item := range n.items {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(inner)
			if n.kind == mapping {
				writeJSONString(b, n.keys[i])
				b.WriteString(colon)
			}
			writeJSON(b, item, inner, indent)
		}
		if len(n.items) > 0 {
			b.WriteString(newline)
		}
		b.WriteString(end)
	}
}

func writeJSONString(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, r := range s { // a broken sequence comes out as U+FFFD
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r < 0x20:
			b.WriteString(`\u00`)
			if r < 0x10 {
				b.WriteByte('0')
			}
			b.WriteString(strconv.FormatInt(int64(r), 16))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
}
