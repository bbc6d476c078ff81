package localcluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/BurntSushi/toml"

	"github.com/fluvio-go/fluvio/internal/atomicfile"
	"github.com/fluvio-go/fluvio/internal/build"
	"github.com/fluvio-go/fluvio/localcluster/node"
	"github.com/fluvio-go/fluvio/profiles"
)

// Ports and ids of a local cluster, as upstream's launcher gives them.
const (
	DefaultSCAddr      = "127.0.0.1:9003"
	DefaultSPUBasePort = 9010
	spuPortStep        = 10
	firstSPU           = 5001
	// MaxSPUs keeps the last port below 65,536 from the default base.
	MaxSPUs = 1000
)

// Config is the local-config file: what `cluster start` was told, so that
// `cluster resume` can do the same again. Its existence means that a local
// cluster was made and not deleted. The keys are upstream's, but for the last
// block.
type Config struct {
	PlatformVersion  string  `toml:"platform_version"`
	LogDir           string  `toml:"log_dir"`
	DataDir          string  `toml:"data_dir"`
	RustLog          string  `toml:"rust_log"`
	SPUs             int     `toml:"spu_replicas"`
	SCAddr           string  `toml:"sc_pub_addr"`
	SCPrivateAddr    *string `toml:"sc_priv_addr,omitempty"`
	SkipChecks       bool    `toml:"skip_checks"`
	HideSpinner      bool    `toml:"hide_spinner"`
	InstallationType string  `toml:"installation_type"`
	SaveProfile      bool    `toml:"save_profile"`

	ServerTLS TLS `toml:"server_tls_policy"`
	ClientTLS TLS `toml:"client_tls_policy"`

	// SPUBasePort is the public port of the first SPU; each further one is 10
	// higher. 0 lets the system choose them all.
	SPUBasePort int `toml:"spu_base_port"`
}

// TLS is a TLS policy in the layout of profile files, always from files.
type TLS struct {
	Policy string   `toml:"tls_policy"` // disabled, anonymous, verified
	Source string   `toml:"tls_source,omitempty"`
	Certs  TLSCerts `toml:"certs,omitempty"`
}

// TLSCerts are paths of PEM files and the name the certificate is for.
type TLSCerts struct {
	Domain string `toml:"domain,omitempty"`
	Key    string `toml:"key,omitempty"`
	Cert   string `toml:"cert,omitempty"`
	CACert string `toml:"ca_cert,omitempty"`
}

// Enabled reports whether the policy asks for TLS at all.
func (t TLS) Enabled() bool { return t.Policy != "" && t.Policy != "disabled" }

// Dir is ~/.fluvio, where upstream keeps the local cluster.
func Dir() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".fluvio"), nil
}

// ConfigPath is ~/.fluvio/local-config.
func ConfigPath() (string, error) {
	dir, err := Dir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "local-config"), nil
}

// DefaultConfig is a cluster of one SPU with data and logs below ~/.fluvio.
// FLUVIO_DIR moves the logs and, as upstream, nothing else.
func DefaultConfig() (Config, error) {
	dir, err := Dir()
	if err != nil {
		return Config{}, err
	}
	logBase := dir
	if d := os.Getenv("FLUVIO_DIR"); d != "" {
		logBase = d
	}
	return Config{
		PlatformVersion:  build.Version,
		LogDir:           filepath.Join(logBase, "log"),
		DataDir:          filepath.Join(dir, "data"),
		RustLog:          "info",
		SPUs:             1,
		SCAddr:           DefaultSCAddr,
		InstallationType: string(profiles.Local),
		SaveProfile:      true,
		ServerTLS:        TLS{Policy: "disabled"},
		ClientTLS:        TLS{Policy: "disabled"},
		SPUBasePort:      DefaultSPUBasePort,
	}, nil
}

// Validate reports everything that is wrong with c at once.
func (c *Config) Validate() error {
	var errs []error
	if c.DataDir == "" {
		errs = append(errs, errors.New("data_dir is empty"))
	}
	if c.LogDir == "" {
		errs = append(errs, errors.New("log_dir is empty"))
	}
	if c.SPUs < 0 || c.SPUs > MaxSPUs {
		errs = append(errs, fmt.Errorf("spu_replicas is %d, allowed are 0 to %d", c.SPUs, MaxSPUs))
	}
	if last := c.SPUBasePort + spuPortStep*(c.SPUs-1); c.SPUBasePort != 0 && (c.SPUBasePort < 1 || last > 65535) {
		errs = append(errs, fmt.Errorf("spu_base_port %d gives the last of %d SPUs port %d, allowed are 1 to 65535", c.SPUBasePort, c.SPUs, last))
	}
	if _, _, err := node.SplitAddr(c.SCAddr); err != nil {
		errs = append(errs, fmt.Errorf("sc_pub_addr: %w", err))
	}
	return errors.Join(errs...)
}

// LoadConfig reads the file at path. A missing file is fs.ErrNotExist. Keys
// that are absent, as in a file of the official command line, have their
// defaults.
func LoadConfig(path string) (Config, error) {
	c, err := DefaultConfig()
	if err != nil {
		return c, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return c, err
	}
	if err := toml.Unmarshal(data, &c); err != nil {
		var perr toml.ParseError
		if errors.As(err, &perr) {
			return c, fmt.Errorf("%s: line %d: %s", path, perr.Position.Line, perr.Message)
		}
		return c, fmt.Errorf("%s: %w", path, err)
	}
	if err := c.Validate(); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// Save writes the file durably and makes its folder.
func (c *Config) Save(path string) error {
	data, err := toml.Marshal(c)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(path, data, 0o644)
}

// Exists reports whether a local cluster was made and not deleted.
func Exists(configPath string) bool {
	_, err := os.Stat(configPath)
	return !errors.Is(err, fs.ErrNotExist)
}
