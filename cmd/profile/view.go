package profile

import "github.com/fluvio-go/fluvio/profiles"

// The JSON and YAML shapes of the profile file.

type configView struct {
	Version        string                 `json:"version"`
	CurrentProfile *string                `json:"current_profile"`
	Profile        map[string]profileView `json:"profile"`
	Cluster        map[string]clusterView `json:"cluster"`
	ClientID       *string                `json:"client_id"`
}

type profileView struct {
	Cluster   string  `json:"cluster"`
	Topic     *string `json:"topic"`
	Partition *int64  `json:"partition"`
}

type clusterView struct {
	Endpoint           string         `json:"endpoint"`
	UseSPULocalAddress bool           `json:"use_spu_local_address"`
	TLS                tlsView        `json:"tls"`
	Metadata           map[string]any `json:"metadata,omitempty"`
}

type tlsView struct {
	Policy string     `json:"tls_policy"`
	Source string     `json:"tls_source,omitempty"`
	Certs  *certsView `json:"certs,omitempty"`
}

type certsView struct {
	Domain string `json:"domain"`
	Key    string `json:"key"`
	Cert   string `json:"cert"`
	CACert string `json:"ca_cert"`
}

func viewConfig(c *profiles.Config) configView {
	v := configView{
		Version:        c.Version,
		CurrentProfile: optional(c.CurrentProfile),
		Profile:        map[string]profileView{},
		Cluster:        map[string]clusterView{},
		ClientID:       optional(c.ClientID),
	}
	for name, p := range c.Profiles {
		v.Profile[name] = profileView{p.Cluster, p.Topic, p.Partition}
	}
	for name, cluster := range c.Clusters {
		v.Cluster[name] = viewCluster(cluster)
	}
	return v
}

func viewCluster(c *profiles.Cluster) clusterView {
	return clusterView{
		Endpoint:           c.Endpoint,
		UseSPULocalAddress: c.UseSPULocalAddress,
		TLS:                viewTLS(c.TLS),
		Metadata:           c.Metadata,
	}
}

func viewTLS(p profiles.TLSPolicy) tlsView {
	switch p.Mode {
	case profiles.TLSAnonymous:
		return tlsView{Policy: "anonymous"}
	case profiles.TLSVerified:
		v := tlsView{Policy: "verified", Source: "files", Certs: &certsView{p.Domain, p.Key, p.Cert, p.CACert}}
		if p.Inline {
			v.Source = "inline"
		}
		return v
	}
	return tlsView{Policy: "disabled"}
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
