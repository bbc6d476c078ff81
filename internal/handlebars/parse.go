package handlebars

import (
	"fmt"
	"strings"
	"unicode"
)

// maxDepth bounds the nesting of blocks and expressions.
const maxDepth = 100

// SyntaxError reports a template that cannot be read.
type SyntaxError struct {
	Line   int // 1-based
	Column int // 1-based, in characters
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("Template error: %s at line %d col %d", e.Reason, e.Line, e.Column)
}

// Template is a parsed template, safe for concurrent use.
type Template struct{ body []node }

type node interface{}

type (
	textNode string
	exprNode struct{ expr *expr }
	// blockNode is {{#name args}}body{{else}}other{{/name}}.
	blockNode struct {
		name  string
		arg   *expr
		body  []node
		other []node
	}
)

// Parse reads a template. The error is a *SyntaxError.
func Parse(text string) (*Template, error) {
	p := &parser{text: text}
	body, end, err := p.nodes(0)
	if err != nil {
		return nil, err
	}
	if end != nil {
		return nil, p.fault(end.pos, "unexpected {{"+end.source+"}}")
	}
	return &Template{body: body}, nil
}

type parser struct {
	text string
	pos  int
	trim bool // the tag just read ends in ~
}

// tag is one {{…}}.
type tag struct {
	pos    int
	source string // trimmed, without braces, ~ and comment text
}

func (p *parser) fault(pos int, reason string) error {
	before := p.text[:pos]
	line := strings.Count(before, "\n")
	column := len([]rune(before[strings.LastIndexByte(before, '\n')+1:]))
	return &SyntaxError{Line: line + 1, Column: column + 1, Reason: reason}
}

// nodes reads up to the end of the text or to a tag that closes or continues a
// block, which it returns.
func (p *parser) nodes(depth int) (list []node, end *tag, err error) {
	if depth > maxDepth {
		return nil, nil, p.fault(p.pos, "blocks nested too deep")
	}
	for {
		text, t, err := p.next()
		if text != "" {
			list = append(list, textNode(text))
		}
		if err != nil || t == nil {
			return list, nil, err
		}
		switch {
		case t.source == "" || t.source[0] == '!':
			// a comment
		case t.source[0] == '/' || isElse(t.source):
			return list, t, nil
		case t.source[0] == '#':
			block, err := p.block(t, t.source[1:], depth+1)
			if err != nil {
				return nil, nil, err
			}
			list = append(list, block)
		default:
			e, err := p.expression(t, t.source)
			if err != nil {
				return nil, nil, err
			}
			list = append(list, exprNode{e})
		}
	}
}

func isElse(source string) bool {
	return source == "else" || source == "^" || strings.HasPrefix(source, "else ")
}

// block reads the rest of a block whose opening tag t holds head.
func (p *parser) block(t *tag, head string, depth int) (node, error) {
	b, closing, err := p.blockBody(t, head, depth)
	if err != nil {
		return nil, err
	}
	if closing == nil {
		return nil, p.fault(t.pos, "block "+b.name+" is not closed")
	}
	if name := strings.TrimSpace(closing.source[1:]); name != b.name {
		return nil, p.fault(closing.pos, "block "+b.name+" is closed as "+name)
	}
	return b, nil
}

// blockBody reads a block up to its closing tag, which an "else if" chain
// shares with the block it continues.
func (p *parser) blockBody(t *tag, head string, depth int) (b *blockNode, closing *tag, err error) {
	name, args, _ := strings.Cut(strings.TrimSpace(head), " ")
	switch name {
	case "if", "unless", "each", "with":
	default:
		return nil, nil, p.fault(t.pos, "unknown block helper "+name)
	}
	b = &blockNode{name: name}
	if b.arg, err = p.expression(t, args); err != nil {
		return nil, nil, err
	}
	body, end, err := p.nodes(depth)
	if err != nil {
		return nil, nil, err
	}
	b.body = body
	if end == nil || !isElse(end.source) {
		return b, end, nil
	}
	if chained, ok := strings.CutPrefix(end.source, "else "); ok {
		if depth > maxDepth {
			return nil, nil, p.fault(end.pos, "blocks nested too deep")
		}
		inner, closing, err := p.blockBody(end, chained, depth+1)
		if err != nil {
			return nil, nil, err
		}
		b.other = []node{inner}
		return b, closing, nil
	}
	other, closing, err := p.nodes(depth)
	if err != nil {
		return nil, nil, err
	}
	if closing != nil && isElse(closing.source) {
		return nil, nil, p.fault(closing.pos, "second else")
	}
	b.other = other
	return b, closing, nil
}

// next returns the text before the next tag, and the tag, which is nil at the
// end.
func (p *parser) next() (string, *tag, error) {
	var b strings.Builder
	start := p.pos
	trimLeft := p.trim
	for {
		i := strings.Index(p.text[p.pos:], "{{")
		if i < 0 {
			b.WriteString(p.text[p.pos:])
			p.pos = len(p.text)
			return trimmed(b.String(), trimLeft, false), nil, nil
		}
		open := p.pos + i
		if open > start && p.text[open-1] == '\\' { // \{{ is text
			b.WriteString(p.text[p.pos:open-1] + "{{")
			p.pos = open + 2
			continue
		}
		b.WriteString(p.text[p.pos:open])
		t, trimBefore, err := p.tag(open)
		if err != nil {
			return "", nil, err
		}
		return trimmed(b.String(), trimLeft, trimBefore), t, nil
	}
}

// trimmed applies the ~ of the tags around a text.
func trimmed(s string, left, right bool) string {
	if left {
		s = strings.TrimLeftFunc(s, unicode.IsSpace)
	}
	if right {
		s = strings.TrimRightFunc(s, unicode.IsSpace)
	}
	return s
}

// tag reads the tag that opens at open.
func (p *parser) tag(open int) (t *tag, trimBefore bool, err error) {
	rest := p.text[open+2:]
	rest, trimBefore = strings.CutPrefix(rest, "~")
	body := len(p.text) - len(rest)
	closing := "}}"
	switch {
	case strings.HasPrefix(rest, "!--"):
		closing = "--}}"
		if before, _, _ := strings.Cut(rest, closing); strings.Contains(before, "--~}}") {
			closing = "--~}}"
		}
	case strings.HasPrefix(rest, "{"):
		rest, body, closing = rest[1:], body+1, "}}}"
	}
	end := indexOutsideStrings(rest, closing)
	if end < 0 {
		return nil, false, p.fault(open, "tag is not closed")
	}
	source := rest[:end]
	p.pos = body + end + len(closing)
	p.trim = closing == "--~}}"
	if closing == "}}" {
		source, p.trim = strings.CutSuffix(source, "~")
	}
	if strings.HasPrefix(source, "!") {
		source = "!"
	}
	source = strings.TrimSpace(strings.TrimPrefix(source, "&"))
	if source == "" {
		return nil, false, p.fault(open, "empty tag")
	}
	if source[0] == '#' || source[0] == '/' {
		source = source[:1] + strings.TrimSpace(source[1:])
	}
	return &tag{pos: open, source: source}, trimBefore, nil
}

// indexOutsideStrings is strings.Index that does not look into quoted text,
// except in comments, where quotes mean nothing.
func indexOutsideStrings(s, closing string) int {
	if strings.HasPrefix(s, "!") {
		return strings.Index(s, closing)
	}
	var quote byte
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case strings.HasPrefix(s[i:], closing):
			return i
		}
	}
	return -1
}
