package profiles

import (
	"bytes"

	"github.com/BurntSushi/toml"
)

// Encode returns the file that holds c.
func (c *Config) Encode() ([]byte, error) {
	head := struct {
		Version        string `toml:"version"`
		CurrentProfile string `toml:"current_profile,omitempty"`
		ClientID       string `toml:"client_id,omitempty"`
	}{c.Version, c.CurrentProfile, c.ClientID}
	plain, nested := splitTables(c.extra)
	profiles := make(map[string]any, len(c.Profiles))
	for name, p := range c.Profiles {
		profiles[name] = p.table()
	}
	clusters := make(map[string]any, len(c.Clusters))
	for name, cluster := range c.Clusters {
		clusters[name] = cluster.table()
	}

	// Encoded in sections, so that the file starts with its version as
	// people expect; plain keys must stand before the first table anyway.
	var buf bytes.Buffer
	enc := toml.NewEncoder(&buf)
	enc.Indent = ""
	if err := enc.Encode(head); err != nil {
		return nil, err
	}
	for _, section := range []map[string]any{
		plain,
		{"profile": profiles},
		{"cluster": clusters},
		nested,
	} {
		if len(section) == 0 {
			continue
		}
		enc := toml.NewEncoder(&buf)
		enc.Indent = ""
		if err := enc.Encode(section); err != nil {
			return nil, err
		}
	}
	return buf.Bytes(), nil
}

// splitTables separates the keys whose values TOML writes as [tables].
func splitTables(m map[string]any) (plain, nested map[string]any) {
	plain, nested = map[string]any{}, map[string]any{}
	for k, v := range m {
		if isTable(v) {
			nested[k] = v
		} else {
			plain[k] = v
		}
	}
	return plain, nested
}

func isTable(v any) bool {
	switch v := v.(type) {
	case map[string]any, []map[string]any:
		return true
	case []any: // an inline array; the encoder writes [[tables]] when it can
		for _, e := range v {
			if _, ok := e.(map[string]any); !ok {
				return false
			}
		}
		return len(v) > 0
	}
	return false
}

// withExtra starts a table from the keys that were not understood on load.
func withExtra(extra map[string]any) map[string]any {
	m := make(map[string]any, len(extra)+6)
	for k, v := range extra {
		m[k] = v
	}
	return m
}

func (p *Profile) table() map[string]any {
	m := withExtra(p.extra)
	m["cluster"] = p.Cluster
	if p.Topic != nil {
		m["topic"] = *p.Topic
	}
	if p.Partition != nil {
		m["partition"] = *p.Partition
	}
	return m
}

func (c *Cluster) table() map[string]any {
	m := withExtra(c.extra)
	m["endpoint"] = c.Endpoint
	m["use_spu_local_address"] = c.UseSPULocalAddress
	m["tls"] = c.TLS.table()
	if len(c.Metadata) > 0 {
		m["metadata"] = c.Metadata
	}
	return m
}

func (p TLSPolicy) table() map[string]any {
	m := withExtra(p.extra)
	switch p.Mode {
	case TLSDisabled:
		m["tls_policy"] = "disabled"
	case TLSAnonymous:
		m["tls_policy"] = "anonymous"
	case TLSVerified:
		m["tls_policy"] = "verified"
		m["tls_source"] = p.source()
		certs := withExtra(p.extraCerts)
		certs["domain"] = p.Domain
		certs["key"] = p.Key
		certs["cert"] = p.Cert
		certs["ca_cert"] = p.CACert
		m["certs"] = certs
	}
	return m
}

func (p TLSPolicy) source() string {
	if p.Inline {
		return "inline"
	}
	return "files"
}
