package handlebars

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
)

// scope is one level of the data: the value that "this" means, and the
// variables of the block that opened it.
type scope struct {
	parent *scope
	this   any
	vars   map[string]any // @index, @key, @first, @last
}

// Append renders t with data and appends the text to dst. Values are nil,
// bool, string, integers, float64, []any and map[string]any. Paths that lead
// nowhere are empty. The error reports values that cannot be compared.
func (t *Template) Append(dst []byte, data any) ([]byte, error) {
	return appendNodes(dst, t.body, &scope{this: data})
}

func appendNodes(dst []byte, nodes []node, s *scope) ([]byte, error) {
	var err error
	for _, n := range nodes {
		switch n := n.(type) {
		case textNode:
			dst = append(dst, n...)
		case exprNode:
			v, err := n.expr.eval(s)
			if err != nil {
				return dst, err
			}
			dst = appendValue(dst, v)
		case *blockNode:
			if dst, err = n.append(dst, s); err != nil {
				return dst, err
			}
		}
	}
	return dst, nil
}

func (b *blockNode) append(dst []byte, s *scope) ([]byte, error) {
	v, err := b.arg.eval(s)
	if err != nil {
		return dst, err
	}
	switch b.name {
	case "each":
		return b.appendEach(dst, v, s)
	case "with":
		if truthy(v) {
			return appendNodes(dst, b.body, &scope{parent: s, this: v})
		}
		return appendNodes(dst, b.other, s)
	}
	if truthy(v) == (b.name == "if") {
		return appendNodes(dst, b.body, s)
	}
	return appendNodes(dst, b.other, s)
}

func (b *blockNode) appendEach(dst []byte, v any, s *scope) ([]byte, error) {
	var keys []any
	var items []any
	switch v := v.(type) {
	case []any:
		items = v
		for i := range v {
			keys = append(keys, int64(i))
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			keys, items = append(keys, key), append(items, v[key])
		}
	}
	if len(items) == 0 {
		return appendNodes(dst, b.other, s)
	}
	var err error
	for i, item := range items {
		inner := &scope{parent: s, this: item, vars: map[string]any{
			"@index": int64(i), "@key": keys[i], "@first": i == 0, "@last": i == len(items)-1,
		}}
		if dst, err = appendNodes(dst, b.body, inner); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (e *expr) eval(s *scope) (any, error) {
	switch {
	case e.helper != "":
		args := make([]any, len(e.args))
		for i, arg := range e.args {
			v, err := arg.eval(s)
			if err != nil {
				return nil, err
			}
			args[i] = v
		}
		return call(e.helper, args)
	case e.isPath:
		return e.resolve(s), nil
	}
	return e.literal, nil
}

func (e *expr) resolve(s *scope) any {
	for range e.up {
		if s.parent == nil {
			return nil
		}
		s = s.parent
	}
	if len(e.path) > 0 && e.path[0][0] == '@' {
		for ; s != nil; s = s.parent {
			if v, ok := s.vars[e.path[0]]; ok {
				return v
			}
		}
		return nil
	}
	v := s.this
	for _, name := range e.path {
		v = lookup(v, name)
	}
	return v
}

func lookup(v any, name string) any {
	switch v := v.(type) {
	case map[string]any:
		return v[name]
	case []any:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(v) {
			return v[i]
		}
	}
	return nil
}

func call(helper string, args []any) (any, error) {
	switch helper {
	case "not":
		return !truthy(args[0]), nil
	case "and":
		return !slices.ContainsFunc(args, func(v any) bool { return !truthy(v) }), nil
	case "or":
		return slices.ContainsFunc(args, truthy), nil
	case "len":
		return length(args[0]), nil
	case "lookup":
		return lookup(args[0], string(appendValue(nil, args[1]))), nil
	case "eq", "ne":
		return equal(args[0], args[1]) == (helper == "eq"), nil
	}
	order, err := compare(args[0], args[1])
	if err != nil {
		return nil, err
	}
	switch helper {
	case "gt":
		return order > 0, nil
	case "gte":
		return order >= 0, nil
	case "lt":
		return order < 0, nil
	}
	return order <= 0, nil
}

func length(v any) int64 {
	switch v := v.(type) {
	case string:
		return int64(len(v))
	case []any:
		return int64(len(v))
	case map[string]any:
		return int64(len(v))
	}
	return 0
}

func equal(a, b any) bool {
	if x, ok := asFloat(a); ok {
		y, ok := asFloat(b)
		return ok && x == y
	}
	return reflect.DeepEqual(a, b)
}

func compare(a, b any) (int, error) {
	x, okX := asFloat(a)
	y, okY := asFloat(b)
	if okX && okY {
		switch {
		case x < y:
			return -1, nil
		case x > y:
			return 1, nil
		}
		return 0, nil
	}
	s, okS := a.(string)
	t, okT := b.(string)
	if !okS || !okT {
		return 0, fmt.Errorf("cannot compare %T with %T", a, b)
	}
	switch {
	case s < t:
		return -1, nil
	case s > t:
		return 1, nil
	}
	return 0, nil
}

func asFloat(v any) (float64, bool) {
	switch n := v.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

// truthy is false for nil, false, zero and whatever is empty.
func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	n, ok := asFloat(v)
	return !ok || n != 0
}

func appendValue(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return dst
	case string:
		return append(dst, v...)
	case bool:
		return strconv.AppendBool(dst, v)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case float64:
		return strconv.AppendFloat(dst, v, 'g', -1, 64)
	case []any:
		dst = append(dst, '[')
		for i, item := range v {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendValue(dst, item)
		}
		return append(dst, ']')
	case map[string]any:
		return append(dst, "[object]"...)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return dst
	}
	return append(dst, b...)
}
