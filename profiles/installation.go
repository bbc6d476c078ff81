package profiles

import "strings"

// Installation is how a cluster came to be. It decides what the cluster
// commands may do with it.
type Installation string

// The spellings are those of the file.
const (
	K8       Installation = "k8"
	Local    Installation = "local"
	LocalK8  Installation = "local_k8"
	ReadOnly Installation = "read_only"
	Docker   Installation = "docker"
	Cloud    Installation = "cloud"
)

const (
	installationKey = "installation"
	cloudKey        = "infinyon_cloud_cli"
)

var installationNames = map[Installation]string{
	K8: "K8", Local: "Local", LocalK8: "LocalK8",
	ReadOnly: "ReadOnly", Docker: "Docker", Cloud: "Cloud",
}

// String returns the spelling used in tables.
func (i Installation) String() string {
	if s, ok := installationNames[i]; ok {
		return s
	}
	return string(i)
}

// UnknownInstallationError reports a word that names no installation type.
type UnknownInstallationError struct{ Word string }

func (e *UnknownInstallationError) Error() string {
	return "unsupported installation type '" + e.Word + "'"
}

// ParseInstallation accepts the spellings of the command line, in any case.
func ParseInstallation(s string) (Installation, error) {
	switch strings.ToLower(s) {
	case "k8":
		return K8, nil
	case "local":
		return Local, nil
	case "local-k8", "local_k8", "localk8":
		return LocalK8, nil
	case "read-only", "read_only", "readonly":
		return ReadOnly, nil
	case "docker":
		return Docker, nil
	case "cloud":
		return Cloud, nil
	}
	return "", &UnknownInstallationError{Word: s}
}

// Installation returns the recorded installation type, or what the absence of
// a record means: Cloud for clusters of the cloud service, else K8.
func (c *Cluster) Installation() Installation {
	if s, ok := c.Metadata[installationKey].(string); ok {
		if _, known := installationNames[Installation(s)]; known {
			return Installation(s)
		}
	}
	if _, ok := c.Metadata[cloudKey]; ok {
		return Cloud
	}
	return K8
}

// SetInstallation records the installation type.
func (c *Cluster) SetInstallation(i Installation) {
	if c.Metadata == nil {
		c.Metadata = map[string]any{}
	}
	c.Metadata[installationKey] = string(i)
}
