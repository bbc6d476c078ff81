package handlebars

import (
	"encoding/json"
	"strconv"
	"strings"
)

// expr is a literal, a path or a call of a helper.
type expr struct {
	literal any
	isPath  bool
	up      int      // number of leading ../
	path    []string // empty: this
	helper  string
	args    []*expr
}

// helpers lists the inline helpers and their number of arguments; -1 is any.
func helperArity(name string) (int, bool) {
	switch name {
	case "eq", "ne", "gt", "gte", "lt", "lte", "lookup":
		return 2, true
	case "not", "len":
		return 1, true
	case "and", "or":
		return -1, true
	}
	return 0, false
}

// expression parses the inside of a tag.
func (p *parser) expression(t *tag, source string) (*expr, error) {
	tokens, ok := tokenize(source)
	if !ok {
		return nil, p.fault(t.pos, "quoted text is not closed")
	}
	if len(tokens) == 0 {
		return nil, p.fault(t.pos, "missing parameter")
	}
	ep := &exprParser{p: p, t: t, tokens: tokens}
	e, err := ep.call(0)
	if err != nil {
		return nil, err
	}
	if len(ep.tokens) > 0 {
		return nil, p.fault(t.pos, "unexpected "+ep.tokens[0])
	}
	return e, nil
}

type exprParser struct {
	p      *parser
	t      *tag
	tokens []string
}

func (ep *exprParser) fault(reason string) error { return ep.p.fault(ep.t.pos, reason) }

// call parses a helper with its arguments, or one value, up to the end or a
// closing parenthesis.
func (ep *exprParser) call(depth int) (*expr, error) {
	if depth > maxDepth {
		return nil, ep.fault("expression nested too deep")
	}
	if len(ep.tokens) == 0 {
		return nil, ep.fault("missing parameter")
	}
	name := ep.tokens[0]
	alone := name == "(" || len(ep.tokens) == 1 || ep.tokens[1] == ")"
	if alone {
		return ep.value(depth)
	}
	arity, known := helperArity(name)
	if !known {
		return nil, ep.fault("unknown helper " + name)
	}
	ep.tokens = ep.tokens[1:]
	e := &expr{helper: name}
	for len(ep.tokens) > 0 && ep.tokens[0] != ")" {
		arg, err := ep.value(depth)
		if err != nil {
			return nil, err
		}
		e.args = append(e.args, arg)
	}
	if arity >= 0 && len(e.args) != arity {
		return nil, ep.fault(name + " takes " + strconv.Itoa(arity) + " parameters")
	}
	return e, nil
}

func (ep *exprParser) value(depth int) (*expr, error) {
	token := ep.tokens[0]
	ep.tokens = ep.tokens[1:]
	switch {
	case token == "(":
		e, err := ep.call(depth + 1)
		if err != nil {
			return nil, err
		}
		if len(ep.tokens) == 0 || ep.tokens[0] != ")" {
			return nil, ep.fault("missing )")
		}
		ep.tokens = ep.tokens[1:]
		return e, nil
	case token == ")":
		return nil, ep.fault("unexpected )")
	case token[0] == '"' || token[0] == '\'':
		return &expr{literal: token[1 : len(token)-1]}, nil
	case token == "true" || token == "false":
		return &expr{literal: token == "true"}, nil
	case token == "null" || token == "undefined":
		return &expr{}, nil
	}
	if n, err := strconv.ParseInt(token, 10, 64); err == nil {
		return &expr{literal: n}, nil
	}
	if c := token[0]; c == '-' || c >= '0' && c <= '9' {
		n, err := strconv.ParseFloat(token, 64)
		if err != nil || !json.Valid([]byte(token)) {
			return nil, ep.fault("bad number " + token)
		}
		return &expr{literal: n}, nil
	}
	return ep.path(token)
}

func (ep *exprParser) path(token string) (*expr, error) {
	e := &expr{isPath: true}
	rest := token
	for {
		if tail, ok := strings.CutPrefix(rest, "../"); ok {
			e.up++
			rest = tail
			continue
		}
		break
	}
	rest = strings.TrimPrefix(rest, "./")
	switch rest {
	case "..":
		e.up++
		return e, nil
	case "", ".", "this":
		return e, nil
	}
	rest = strings.TrimPrefix(strings.TrimPrefix(rest, "this."), "this/")
	for segment := range strings.FieldsFuncSeq(rest, func(r rune) bool { return r == '.' || r == '/' }) {
		segment = strings.TrimSuffix(strings.TrimPrefix(segment, "["), "]")
		if strings.ContainsAny(segment, "{}()#!&^=|<>~") || segment == "" {
			return nil, ep.fault("bad path " + token)
		}
		e.path = append(e.path, segment)
	}
	if len(e.path) == 0 {
		return nil, ep.fault("bad path " + token)
	}
	return e, nil
}

// tokenize splits at blanks and parentheses; quoted text is one token, quotes
// included.
func tokenize(s string) (tokens []string, ok bool) {
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		if s == "" {
			return tokens, true
		}
		n := 1
		switch s[0] {
		case '(', ')':
		case '"', '\'':
			end := strings.IndexByte(s[1:], s[0])
			if end < 0 {
				return nil, false
			}
			n = end + 2
		default:
			if n = strings.IndexAny(s, " \t\r\n()"); n < 0 {
				n = len(s)
			}
		}
		tokens = append(tokens, s[:n])
		s = s[n:]
	}
}
