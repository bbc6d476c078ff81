package profiles

import (
	"os"
)

// Environment variables that change the virtual view.
const (
	ProfileEnv  = "FLUVIO_PROFILE"
	ClientIDEnv = "FLUVIO_CLIENT_ID"
)

const defaultClientID = "FLUVIO_CLI"

// Overrides is what the command line says about the target. The zero value
// says nothing.
type Overrides struct {
	Profile string
	Cluster string // host:port of an SC
	TLS     TLSFlags
}

// TLSFlags are the TLS flags of the command line.
type TLSFlags struct {
	Enabled    bool
	ClientCert bool // verify, and present Cert and Key
	Domain     string
	CACert     string // this and the next two are paths
	Cert       string
	Key        string
}

// MissingTLSFlagsError reports client-certificate TLS without all its parts.
type MissingTLSFlagsError struct{}

func (MissingTLSFlagsError) Error() string {
	return "Unknown error: Missing required args after --tls:--domain, --ca-cert, --client-cert, --client-key"
}

// Policy turns the flags into a policy. The error is a MissingTLSFlagsError.
func (f TLSFlags) Policy() (TLSPolicy, error) {
	switch {
	case !f.Enabled:
		return TLSPolicy{}, nil
	case !f.ClientCert:
		return TLSPolicy{Mode: TLSAnonymous}, nil
	case f.Domain == "" || f.CACert == "" || f.Cert == "" || f.Key == "":
		return TLSPolicy{}, MissingTLSFlagsError{}
	}
	return TLSPolicy{Mode: TLSVerified, Domain: f.Domain, CACert: f.CACert, Cert: f.Cert, Key: f.Key}, nil
}

// Target is the virtual view: the one cluster a command talks to.
type Target struct {
	Profile     string // empty for an ad-hoc cluster
	ClusterName string // empty for an ad-hoc cluster
	Cluster     Cluster
	ClientID    string
}

// Resolve puts flags over environment over the profile file. The file is read
// only when flags do not name a cluster. Errors are *UsageError,
// MissingTLSFlagsError, *UnknownProfileError, ErrNoActiveProfile,
// *ClusterMissingError and those of [Load].
func Resolve(o Overrides) (Target, error) {
	t := Target{ClientID: defaultClientID}
	if id := os.Getenv(ClientIDEnv); id != "" {
		t.ClientID = id
	}
	policy, err := o.TLS.Policy()
	if err != nil {
		return Target{}, err
	}
	switch {
	case o.Profile != "" && o.Cluster != "":
		return Target{}, &UsageError{"cluster addr is not valid when profile is used"}
	case o.Profile != "" && o.TLS.Enabled:
		return Target{}, &UsageError{"tls is not valid when profile is is used"} // sic
	case o.Cluster == "" && o.TLS.Enabled:
		return Target{}, &UsageError{"tls is only valid if cluster addr is used"}
	case o.Cluster != "":
		t.Cluster = Cluster{Endpoint: o.Cluster, TLS: policy}
		return t, nil
	}
	path, err := Path()
	if err != nil {
		return Target{}, err
	}
	c, err := Load(path)
	if err != nil {
		return Target{}, err
	}
	name := o.Profile
	if name == "" {
		name = os.Getenv(ProfileEnv)
	}
	return c.resolve(t, name)
}

// resolve fills t from the named profile, or from the active one when name is
// empty.
func (c *Config) resolve(t Target, name string) (Target, error) {
	if name == "" {
		active, cluster, err := c.Current()
		if err != nil {
			return Target{}, err
		}
		t.Profile, t.ClusterName, t.Cluster = active, c.Profiles[active].Cluster, *cluster
		return t, nil
	}
	clusterName, cluster, err := c.ClusterOf(name)
	if err != nil {
		return Target{}, err
	}
	t.Profile, t.ClusterName, t.Cluster = name, clusterName, *cluster
	return t, nil
}
