package output

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
)

// yamlText returns n in the block style of the original: two blanks of indent
// for mappings, none for sequences under a key, scalars plain where YAML
// allows it and it cannot be misread.
func yamlText(n *node) string {
	var b strings.Builder
	writeYAML(&b, n, 0, atStart)
	return b.String()
}

// position is what precedes a value on its line.
type position int

const (
	atStart position = iota // nothing
	afterKey
	afterDash
	afterTag
)

// writeYAML writes n and the newline that ends it. indent is the column of a
// collection's own entries.
func writeYAML(b *strings.Builder, n *node, indent int, at position) {
	switch n.kind {
	case tagged:
		if at == afterKey {
			b.WriteByte(' ')
		}
		b.WriteString("!" + n.text)
		writeYAML(b, n.items[0], indent, afterTag)
	case mapping, sequence:
		if len(n.items) == 0 {
			empty := "{}"
			if n.kind == sequence {
				empty = "[]"
			}
			scalarYAML(b, empty, at)
			return
		}
		if at == afterKey || at == afterTag {
			b.WriteByte('\n')
		}
		if n.kind == mapping {
			writeYAMLMapping(b, n, indent, at)
		} else {
			writeYAMLSequence(b, n, indent, at)
		}
	case null:
		scalarYAML(b, "null", at)
	case number:
		scalarYAML(b, n.text, at)
	case text:
		scalarYAML(b, yamlString(n.text, indent), at)
	}
}

func scalarYAML(b *strings.Builder, s string, at position) {
	if at == afterKey || at == afterTag {
		b.WriteByte(' ')
	}
	b.WriteString(s + "\n")
}

func writeYAMLMapping(b *strings.Builder, n *node, indent int, at position) {
	for i, item := range n.items {
		if i > 0 || at != afterDash { // the first key stands beside the dash
			b.WriteString(strings.Repeat(" ", indent))
		}
		b.WriteString(yamlKey(n.keys[i]) + ":")
		child := indent + 2
		if content := item; content.kind == sequence || content.kind == tagged && content.items[0].kind == sequence {
			child = indent
		}
		writeYAML(b, item, child, afterKey)
	}
}

func writeYAMLSequence(b *strings.Builder, n *node, indent int, at position) {
	for i, item := range n.items {
		if i > 0 || at != afterDash {
			b.WriteString(strings.Repeat(" ", indent))
		}
		b.WriteString("- ")
		writeYAML(b, item, indent+2, afterDash)
	}
}

// yamlKey returns s as the key of a mapping, which must stay on one line.
func yamlKey(s string) string {
	if strings.Contains(s, "\n") {
		return doubleQuoted(s)
	}
	return yamlString(s, 0)
}

// yamlString returns s as a scalar. indent is the column of the enclosing
// collection, which block text must exceed.
func yamlString(s string, indent int) string {
	switch {
	case !printableYAML(s):
		return doubleQuoted(s)
	case strings.Contains(s, "\n"):
		if strings.HasPrefix(s, " ") || strings.HasPrefix(s, "\n") || strings.Contains(s, " \n") || strings.HasSuffix(s, " ") {
			return doubleQuoted(s)
		}
		return literal(s, max(indent, 2))
	case misreadYAML(s) || !plainYAML(s):
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	}
	return s
}

// literal writes text of several lines as a | block.
func literal(s string, indent int) string {
	pad := strings.Repeat(" ", indent)
	chomp := "|-"
	if body, ok := strings.CutSuffix(s, "\n"); ok {
		chomp, s = "|", body
		if strings.HasSuffix(s, "\n") {
			chomp = "|+"
		}
	}
	var b strings.Builder
	b.WriteString(chomp)
	for line := range strings.SplitSeq(s, "\n") {
		b.WriteByte('\n')
		if line != "" {
			b.WriteString(pad + line)
		}
	}
	return b.String()
}

// printableYAML reports whether s can be written without escapes.
func printableYAML(s string) bool {
	for _, r := range s {
		if r != '\n' && (!unicode.IsPrint(r) && r != '\u00a0' || r == unicode.ReplacementChar || r == '\ufeff') {
			return false
		}
	}
	return true
}

// misreadYAML reports whether s, written plainly, would be read as something
// other than text, by YAML 1.2 or 1.1.
func misreadYAML(s string) bool {
	switch strings.ToLower(s) {
	case "", "~", "null", "true", "false", "y", "yes", "n", "no", "on", "off",
		"<<", "=", ".nan", ".inf", "-.inf", "+.inf":
		return true
	}
	if c := s[0]; c != '+' && c != '-' && c != '.' && (c < '0' || c > '9') {
		return false
	}
	number := strings.ReplaceAll(s, "_", "") // which YAML 1.1 allows between digits
	body := strings.TrimLeft(number, "+-")
	for _, prefix := range []string{"0x", "0o", "0b"} {
		if strings.HasPrefix(strings.ToLower(body), prefix) {
			return true
		}
	}
	if _, err := strconv.ParseFloat(number, 64); (err == nil || errors.Is(err, strconv.ErrRange)) && !strings.ContainsAny(number, "xXpPiInN") {
		return true
	}
	// 007 is not a number to YAML 1.2 but is one to older readers.
	return strings.Trim(body, "0123456789") == "" && body != ""
}

// plainYAML reports whether s can stand unquoted in block context.
func plainYAML(s string) bool {
	if strings.HasPrefix(s, "---") || strings.HasPrefix(s, "...") ||
		strings.ContainsRune("#,[]{}&*!|>'\"%@`", rune(s[0])) ||
		s[0] == ' ' || s[len(s)-1] == ' ' || s[len(s)-1] == ':' {
		return false
	}
	if strings.ContainsRune("-?:", rune(s[0])) && (len(s) == 1 || s[1] == ' ') {
		return false
	}
	return !strings.Contains(s, ": ") && !strings.Contains(s, " #")
}

func doubleQuoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == 0:
			b.WriteString(`\0`)
		case r == 0x1b:
			b.WriteString(`\e`)
		case unicode.IsPrint(r) && r != unicode.ReplacementChar:
			b.WriteRune(r)
		default:
			b.WriteString(escapeRune(r))
		}
	}
	b.WriteByte('"')
	return b.String()
}

func escapeRune(r rune) string {
	hex := strings.ToUpper(strconv.FormatInt(int64(r), 16))
	prefix, width := `\x`, 2
	switch {
	case r > 0xffff:
		prefix, width = `\U`, 8
	case r > 0xff:
		prefix, width = `\u`, 4
	}
	return prefix + strings.Repeat("0", width-len(hex)) + hex
}
