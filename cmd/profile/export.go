package profile

import (
	"errors"
	"fmt"

	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/output"
	"github.com/fluvio-go/fluvio/internal/suggest"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/profiles"
	"github.com/spf13/cobra"
)

type exportOptions struct {
	f       *cmdutil.Factory
	profile string // empty: the active one
	output  cmdutil.OutputFlag
}

func newExportCmd(f *cmdutil.Factory, runF func(*exportOptions) error) *cobra.Command {
	opts := &exportOptions{f: f}
	cmd := &cobra.Command{
		Use:   "export [PROFILE_NAME]",
		Short: "Print a profile for use elsewhere",
		Long: `Print a profile for use elsewhere, the active one unless named. As toml, the
default, the text is a complete profile file with only that cluster, fit for
FLV_PROFILE_PATH; as json or yaml it is the cluster alone.`,
		Example: `  fluvio profile export > prod.toml
  fluvio profile export prod -O json`,
		ValidArgsFunction: completeProfiles,
		RunE: run(opts, func(args []string) {
			if len(args) > 0 {
				opts.profile = args[0]
			}
		}, runF, exportRun),
	}
	cmdutil.AddOutputFlag(cmd, &opts.output, output.TOML)
	return cmd
}

func exportRun(opts *exportOptions) error {
	format := opts.output.Format
	if format == output.Table {
		fmt.Fprintln(opts.f.IO.Err, "Table format is not supported, using TOML instead")
		format = output.TOML
	}
	c, _, err := cmdutil.LoadProfiles()
	if err != nil {
		if profiles.IsNotExist(err) {
			fmt.Fprintln(opts.f.IO.Err, "Unable to find Fluvio config file")
		}
		return cmdutil.Explain(err)
	}
	name, cluster, err := exported(c, opts.profile)
	if err != nil {
		return err
	}
	if format != output.TOML {
		return output.Write(opts.f.IO.Out, format, viewCluster(cluster))
	}
	out, _ := c.Export(name)
	return writeTOML(opts.f, out)
}

// exported finds the cluster to export and its name.
func exported(c *profiles.Config, profile string) (string, *profiles.Cluster, error) {
	notFound := func(what, why string, next ...string) error {
		return &uerr.Error{What: what, Why: why, Next: next, Code: uerr.NotFound}
	}
	name := profile
	if name == "" {
		name = c.CurrentProfile
	}
	p, ok := c.Profiles[name]
	switch {
	case !ok && profile == "":
		return "", nil, notFound("No active profile set in config", "", "fluvio profile export NAME", "fluvio profile list")
	case !ok:
		var next []string
		for _, near := range suggest.Nearest(name, c.ProfileNames()) {
			next = append(next, "fluvio profile export "+near)
		}
		return "", nil, notFound("Profile not found in config: "+name, "", append(next, "fluvio profile list")...)
	}
	cluster, ok := c.Cluster(p.Cluster)
	if !ok {
		return "", nil, notFound("Cluster not found in config: "+p.Cluster, "profile "+name+" points at it")
	}
	if cluster.TLS.Mode == profiles.TLSVerified && !cluster.TLS.Inline {
		return "", nil, fmt.Errorf("Cluster %s uses externals TLS certs. %w", p.Cluster, errNotInline) //nolint:staticcheck // upstream's sentence
	}
	return p.Cluster, cluster, nil
}

var errNotInline = errors.New("Only inline TLS certs are supported.") //nolint:staticcheck // upstream's sentence
