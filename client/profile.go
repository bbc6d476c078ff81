package client

import "github.com/fluvio-go/fluvio/profiles"

// WithCluster connects to a cluster as a profile file describes it: endpoint,
// TLS policy and whether SPUs are reached at their local addresses. TLS
// material is read anew for each connection.
func WithCluster(cluster profiles.Cluster) Option {
	return func(c *config) { c.setCluster(cluster) }
}

func (c *config) setCluster(cluster profiles.Cluster) {
	c.endpoint = cluster.Endpoint
	c.local = c.local || cluster.UseSPULocalAddress
	if c.tls == nil && cluster.TLS.Mode != profiles.TLSDisabled {
		c.tls = policyTLS(cluster.TLS)
	}
}

// fromProfile fills in the cluster that the profile file names.
func (c *config) fromProfile() error {
	path := c.profileFile
	if path == "" {
		var err error
		if path, err = profiles.Path(); err != nil {
			return err
		}
	}
	file, err := profiles.Load(path)
	if err != nil {
		return err
	}
	var cluster *profiles.Cluster
	if c.profile == "" {
		_, cluster, err = file.Current()
	} else {
		_, cluster, err = file.ClusterOf(c.profile)
	}
	if err != nil {
		return err
	}
	c.setCluster(*cluster)
	return nil
}
