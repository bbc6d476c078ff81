package profiles

import (
	"errors"
	"fmt"
	"maps"

	"github.com/BurntSushi/toml"
)

// parse reads a profile file. path only labels errors.
func parse(path string, data []byte) (*Config, error) {
	doc := map[string]any{}
	if err := toml.Unmarshal(data, &doc); err != nil {
		pe := &ParseError{Path: path, Err: err}
		var te toml.ParseError
		if errors.As(err, &te) {
			pe.Line = te.Position.Line
			if te.Message != "" {
				pe.Err = errors.New(te.Message)
			}
		}
		return nil, pe
	}
	c := &Config{Profiles: map[string]*Profile{}, Clusters: map[string]*Cluster{}}
	d := &decoder{path: path}
	t := d.table("", doc)
	c.Version = t.str("version", true)
	c.CurrentProfile = t.str("current_profile", false)
	c.ClientID = t.str("client_id", false)
	for name, sub := range t.tables("profile") {
		c.Profiles[name] = sub.profile()
	}
	for name, sub := range t.tables("cluster") {
		c.Clusters[name] = sub.cluster()
	}
	c.extra = t.rest()
	if d.err != nil {
		return nil, d.err
	}
	return c, nil
}

// decoder walks the generic document and keeps the first fault.
type decoder struct {
	path string
	err  *ParseError
}

func (d *decoder) fault(key, format string, args ...any) {
	if d.err == nil {
		d.err = &ParseError{Path: d.path, Key: key, Err: fmt.Errorf(format, args...)}
	}
}

func (d *decoder) table(key string, m map[string]any) *table {
	return &table{d: d, key: key, m: maps.Clone(m)}
}

// table is one TOML table being taken apart: each accessor removes the key it
// read, so what is left over is what this package does not know.
type table struct {
	d   *decoder
	key string
	m   map[string]any
}

func (t *table) path(key string) string {
	if t.key == "" {
		return key
	}
	return t.key + "." + key
}

func (t *table) take(key string, required bool) (any, bool) {
	v, ok := t.m[key]
	delete(t.m, key)
	if !ok && required {
		t.d.fault(t.path(key), "missing")
	}
	return v, ok
}

func (t *table) rest() map[string]any {
	if len(t.m) == 0 {
		return nil
	}
	return t.m
}

func take[T any](t *table, key string, required bool, want string) (T, bool) {
	var zero T
	v, ok := t.take(key, required)
	if !ok {
		return zero, false
	}
	x, ok := v.(T)
	if !ok {
		t.d.fault(t.path(key), "want %s, have %s", want, kindOf(v))
		return zero, false
	}
	return x, true
}

func (t *table) str(key string, required bool) string {
	s, _ := take[string](t, key, required, "a string")
	return s
}

func (t *table) tables(key string) map[string]*table {
	outer, ok := take[map[string]any](t, key, true, "a table")
	if !ok {
		return nil
	}
	subs := make(map[string]*table, len(outer))
	for name, v := range outer {
		m, ok := v.(map[string]any)
		if !ok {
			t.d.fault(t.path(key)+"."+name, "want a table, have %s", kindOf(v))
			continue
		}
		subs[name] = t.d.table(t.path(key)+"."+name, m)
	}
	return subs
}

func (t *table) profile() *Profile {
	p := &Profile{Cluster: t.str("cluster", true)}
	if s, ok := take[string](t, "topic", false, "a string"); ok {
		p.Topic = &s
	}
	if n, ok := take[int64](t, "partition", false, "an integer"); ok {
		p.Partition = &n
	}
	p.extra = t.rest()
	return p
}

func (t *table) cluster() *Cluster {
	c := &Cluster{}
	if _, ok := t.m["endpoint"]; !ok {
		if v, ok := t.m["addr"]; ok { // the name before version 2.0
			t.m["endpoint"] = v
			delete(t.m, "addr")
		}
	}
	c.Endpoint = t.str("endpoint", true)
	c.UseSPULocalAddress, _ = take[bool](t, "use_spu_local_address", false, "a boolean")
	if m, ok := take[map[string]any](t, "tls", false, "a table"); ok {
		c.TLS = t.d.table(t.path("tls"), m).tls()
	}
	c.Metadata, _ = take[map[string]any](t, "metadata", false, "a table")
	c.extra = t.rest()
	return c
}

func (t *table) tls() TLSPolicy {
	var p TLSPolicy
	switch mode := t.str("tls_policy", true); mode {
	case "disabled", "disable", "":
	case "anonymous":
		p.Mode = TLSAnonymous
	case "verified", "verify":
		p.Mode = TLSVerified
		t.certs(&p)
	default:
		t.d.fault(t.path("tls_policy"), "unknown policy %q, want disabled, anonymous or verified", mode)
	}
	p.extra = t.rest()
	return p
}

func (t *table) certs(p *TLSPolicy) {
	switch source := t.str("tls_source", true); source {
	case "inline":
		p.Inline = true
	case "files", "file", "":
	default:
		t.d.fault(t.path("tls_source"), "unknown source %q, want inline or files", source)
	}
	m, ok := take[map[string]any](t, "certs", true, "a table")
	if !ok {
		return
	}
	ct := t.d.table(t.path("certs"), m)
	p.Domain = ct.str("domain", true)
	p.Key = ct.str("key", true)
	p.Cert = ct.str("cert", true)
	p.CACert = ct.str("ca_cert", true)
	p.extraCerts = ct.rest()
}

func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case int64:
		return "an integer"
	case float64:
		return "a float"
	case bool:
		return "a boolean"
	case map[string]any:
		return "a table"
	case []any, []map[string]any:
		return "an array"
	}
	return "a date or time"
}
