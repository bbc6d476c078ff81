package profiles

import (
	"maps"
	"slices"
)

// LocalProfile is the name under which the local cluster is saved.
const LocalProfile = "local"

// formatVersion is the layout this package writes into new files. Files with
// another value are kept as they are.
const formatVersion = "2.0"

// Config is the actual view of one profile file. It is not safe for concurrent
// use; share the file, through [Update], rather than the value.
type Config struct {
	Version        string
	CurrentProfile string // name of the active profile, empty when unset
	ClientID       string // legacy, kept for other readers
	Profiles       map[string]*Profile
	Clusters       map[string]*Cluster

	extra map[string]any
	fresh bool
}

// Profile is a name for a cluster.
type Profile struct {
	Cluster string
	// Topic and Partition are legacy defaults; nil when the file has none.
	Topic     *string
	Partition *int64

	extra map[string]any
}

// Cluster is how to reach one Fluvio cluster.
type Cluster struct {
	Endpoint           string // host:port of the SC's public listener
	UseSPULocalAddress bool
	TLS                TLSPolicy
	// Metadata is a free-form table. It is the only part of the file that
	// the official command line keeps when it does not know a key.
	Metadata map[string]any

	extra map[string]any
}

// New returns an empty configuration.
func New() *Config {
	return &Config{
		Version:  formatVersion,
		Profiles: map[string]*Profile{},
		Clusters: map[string]*Cluster{},
		fresh:    true,
	}
}

// Fresh reports whether c was made by New rather than read from a file.
func (c *Config) Fresh() bool { return c.fresh }

// ProfileNames returns the names of all profiles, sorted.
func (c *Config) ProfileNames() []string {
	return slices.Sorted(maps.Keys(c.Profiles))
}

// Current returns the active profile's name and its cluster. The error is
// ErrNoActiveProfile or a *ClusterMissingError.
func (c *Config) Current() (string, *Cluster, error) {
	p, ok := c.Profiles[c.CurrentProfile]
	if c.CurrentProfile == "" || !ok {
		return "", nil, ErrNoActiveProfile
	}
	cluster, ok := c.Clusters[p.Cluster]
	if !ok {
		return "", nil, &ClusterMissingError{Profile: c.CurrentProfile, Cluster: p.Cluster}
	}
	return c.CurrentProfile, cluster, nil
}

// Cluster returns the cluster entry of that name.
func (c *Config) Cluster(name string) (*Cluster, bool) {
	cluster, ok := c.Clusters[name]
	return cluster, ok
}

// ClusterOf returns the cluster that the named profile points at and that
// cluster's name. The error is an *UnknownProfileError.
func (c *Config) ClusterOf(profile string) (string, *Cluster, error) {
	if p, ok := c.Profiles[profile]; ok {
		if cluster, ok := c.Clusters[p.Cluster]; ok {
			return p.Cluster, cluster, nil
		}
	}
	return "", nil, &UnknownProfileError{Name: profile, Known: c.ProfileNames()}
}

// Switch makes the named profile the active one. It reports false, and changes
// nothing, when there is no such profile.
func (c *Config) Switch(name string) bool {
	if _, ok := c.Profiles[name]; !ok {
		return false
	}
	c.CurrentProfile = name
	return true
}

// Put adds the cluster name, or gives the existing one a new endpoint and TLS
// policy, points the profile of the same name at it and makes that the active
// profile. Metadata and unknown keys of an existing entry stay.
func (c *Config) Put(name, endpoint string, tls TLSPolicy) *Cluster {
	cluster, ok := c.Clusters[name]
	if !ok {
		cluster = &Cluster{}
		c.Clusters[name] = cluster
	}
	cluster.Endpoint = endpoint
	cluster.TLS = tls
	if p, ok := c.Profiles[name]; ok {
		p.Cluster = name
	} else {
		c.Profiles[name] = &Profile{Cluster: name}
	}
	c.CurrentProfile = name
	return cluster
}

// Rename gives a profile another name, replacing a profile that has it. The
// active profile follows. It reports false when from does not exist.
func (c *Config) Rename(from, to string) bool {
	p, ok := c.Profiles[from]
	if !ok {
		return false
	}
	delete(c.Profiles, from)
	c.Profiles[to] = p
	if c.CurrentProfile == from {
		c.CurrentProfile = to
	}
	return true
}

// Delete removes a profile and leaves its cluster. Removing the active profile
// leaves none active. It reports false when there is no such profile.
func (c *Config) Delete(name string) bool {
	if _, ok := c.Profiles[name]; !ok {
		return false
	}
	delete(c.Profiles, name)
	if c.CurrentProfile == name {
		c.CurrentProfile = ""
	}
	return true
}

// ReferencedBy returns the names of the profiles that point at the cluster,
// sorted.
func (c *Config) ReferencedBy(cluster string) []string {
	var names []string
	for name, p := range c.Profiles {
		if p.Cluster == cluster {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// DeleteCluster removes a cluster entry and leaves the profiles that point at
// it. It reports false when there is no such cluster.
func (c *Config) DeleteCluster(name string) bool {
	if _, ok := c.Clusters[name]; !ok {
		return false
	}
	delete(c.Clusters, name)
	return true
}

// Export returns a configuration that holds only the named cluster and one
// active profile, both under the cluster's name.
func (c *Config) Export(cluster string) (*Config, bool) {
	entry, ok := c.Clusters[cluster]
	if !ok {
		return nil, false
	}
	out := New()
	out.Clusters[cluster] = entry
	out.Profiles[cluster] = &Profile{Cluster: cluster}
	out.CurrentProfile = cluster
	return out, true
}
