package output

import (
	"cmp"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Variant is implemented by values that are one of several named
// alternatives, each with its own payload: {"tag": payload} in JSON and TOML,
// !tag payload in YAML.
type Variant interface {
	Variant() (tag string, payload any)
}

type kind int

const (
	null kind = iota
	text
	number // also booleans: text that is never quoted
	sequence
	mapping
	tagged
)

// node is one value of the document in between: ordered, and free of Go types.
type node struct {
	kind  kind
	text  string // of text and number; the tag of tagged
	value any    // of text and number, for TOML
	keys  []string
	items []*node // of sequence and mapping; the payload of tagged
}

func (n *node) add(key string, child *node) {
	n.keys = append(n.keys, key)
	n.items = append(n.items, child)
}

// plain returns n in the types of the TOML library, without nulls.
func (n *node) plain() any {
	switch n.kind {
	case sequence:
		out := make([]any, 0, len(n.items))
		for _, item := range n.items {
			if item.kind != null {
				out = append(out, item.plain())
			}
		}
		return out
	case mapping:
		out := make(map[string]any, len(n.items))
		for i, item := range n.items {
			if item.kind != null {
				out[n.keys[i]] = item.plain()
			}
		}
		return out
	case tagged:
		return map[string]any{n.text: n.items[0].plain()}
	}
	return n.value
}

func build(v any) (*node, error) { return buildValue(reflect.ValueOf(v)) }

func buildValue(v reflect.Value) (*node, error) {
	for v.IsValid() {
		if v.Kind() == reflect.Pointer && v.IsNil() || v.Kind() == reflect.Interface && v.IsNil() {
			return &node{kind: null}, nil
		}
		if n, err := special(v); n != nil || err != nil {
			return n, err
		}
		if v.Kind() != reflect.Pointer && v.Kind() != reflect.Interface {
			break
		}
		v = v.Elem()
	}
	if !v.IsValid() {
		return &node{kind: null}, nil
	}
	switch v.Kind() {
	case reflect.String:
		return &node{kind: text, text: v.String(), value: v.String()}, nil
	case reflect.Bool:
		return &node{kind: number, text: strconv.FormatBool(v.Bool()), value: v.Bool()}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return &node{kind: number, text: strconv.FormatInt(v.Int(), 10), value: v.Int()}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return &node{kind: number, text: strconv.FormatUint(v.Uint(), 10), value: v.Uint()}, nil
	case reflect.Float32, reflect.Float64:
		return floatNode(v.Float()), nil
	case reflect.Slice, reflect.Array:
		return buildSequence(v)
	case reflect.Map:
		return buildMap(v)
	case reflect.Struct:
		n := &node{kind: mapping}
		return n, buildFields(n, v)
	}
	return nil, fmt.Errorf("output: cannot write a %s", v.Type())
}

// special handles the interfaces that replace a value's own structure.
func special(v reflect.Value) (*node, error) {
	if !v.CanInterface() {
		return nil, nil
	}
	switch x := v.Interface().(type) {
	case Variant:
		tag, payload := x.Variant()
		child, err := build(payload)
		if err != nil {
			return nil, err
		}
		return &node{kind: tagged, text: tag, items: []*node{child}}, nil
	case json.Number:
		return numberNode(x), nil
	case Object:
		return x.node()
	case encoding.TextMarshaler:
		b, err := x.MarshalText()
		if err != nil {
			return nil, err
		}
		return &node{kind: text, text: string(b), value: string(b)}, nil
	case []byte:
		s := base64.StdEncoding.EncodeToString(x)
		return &node{kind: text, text: s, value: s}, nil
	}
	return nil, nil
}

func buildSequence(v reflect.Value) (*node, error) {
	n := &node{kind: sequence}
	for i := range v.Len() {
		child, err := buildValue(v.Index(i))
		if err != nil {
			return nil, err
		}
		n.items = append(n.items, child)
	}
	return n, nil
}

// buildMap sorts keys: as numbers when they are numbers, else as text.
func buildMap(v reflect.Value) (*node, error) {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		switch {
		case a.CanInt():
			return cmp.Compare(a.Int(), b.Int())
		case a.CanUint():
			return cmp.Compare(a.Uint(), b.Uint())
		}
		return strings.Compare(a.String(), b.String())
	})
	n := &node{kind: mapping}
	for _, key := range keys {
		child, err := buildValue(v.MapIndex(key))
		if err != nil {
			return nil, err
		}
		n.add(fmt.Sprint(key.Interface()), child)
	}
	return n, nil
}

func buildFields(n *node, v reflect.Value) error {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			if err := buildFields(n, v.Field(i)); err != nil {
				return err
			}
			continue
		case !f.IsExported() || name == "-":
			continue
		case name == "":
			name = f.Name
		}
		if strings.Contains(options, "omitempty") && empty(v.Field(i)) ||
			strings.Contains(options, "omitzero") && v.Field(i).IsZero() {
			continue
		}
		child, err := buildValue(v.Field(i))
		if err != nil {
			return err
		}
		n.add(name, child)
	}
	return nil
}

func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.Array, reflect.String:
		return v.Len() == 0
	}
	return v.Kind() != reflect.Struct && v.IsZero()
}
