package profile

import (
	"fmt"

	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/output"
	"github.com/fluvio-go/fluvio/internal/table"
	"github.com/fluvio-go/fluvio/profiles"
	"github.com/spf13/cobra"
)

type listOptions struct {
	f      *cmdutil.Factory
	output cmdutil.OutputFlag
}

func newListCmd(f *cmdutil.Factory, runF func(*listOptions) error) *cobra.Command {
	opts := &listOptions{f: f}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List all profiles",
		Long: `List all profiles; a star marks the active one. As json, yaml or toml, prints
the whole profile file.`,
		Example: `  fluvio profile list
  fluvio profile list -O json`,
		RunE: run(opts, nil, runF, listRun),
	}
	cmdutil.AddOutputFlag(cmd, &opts.output, output.Table)
	return cmd
}

func listRun(opts *listOptions) error {
	c, _, err := cmdutil.LoadProfiles()
	switch {
	case profiles.IsNotExist(err):
		_, err := fmt.Fprint(opts.f.IO.Err, "Unable to find Fluvio config\nTry using 'fluvio cloud login' or 'fluvio cluster start'\n")
		return err
	case err != nil:
		return cmdutil.Explain(err)
	}
	switch format := opts.output.Format; format {
	case output.Table:
		return listTable(c).Render(opts.f.IO.Out, table.ListIndent)
	case output.TOML:
		return writeTOML(opts.f, c)
	default:
		return output.Write(opts.f.IO.Out, format, viewConfig(c))
	}
}

// writeTOML prints c as the file it would be saved to, and an empty line.
func writeTOML(f *cmdutil.Factory, c *profiles.Config) error {
	text, err := c.Encode()
	if err != nil {
		return fmt.Errorf("%w: %w", output.ErrNotTable, err)
	}
	_, err = fmt.Fprintf(f.IO.Out, "%s\n", text)
	return err
}

func listTable(c *profiles.Config) *table.Table {
	t := &table.Table{Header: []string{"", "PROFILE", "CLUSTER", "ADDRESS", "TLS", "INSTALLATION"}}
	for _, name := range c.ProfileNames() {
		row := []string{"", name, "", "", "", ""}
		if name == c.CurrentProfile {
			row[0] = "*"
		}
		if clusterName, cluster, err := c.ClusterOf(name); err == nil {
			row[2], row[3] = clusterName, cluster.Endpoint
			row[4], row[5] = cluster.TLS.Mode.String(), cluster.Installation().String()
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
