package profile

import (
	"strings"
	"testing"

	"github.com/fluvio-go/fluvio/cmd/argv"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/internal/iostreams"
	"github.com/fluvio-go/fluvio/internal/output"
	"github.com/fluvio-go/fluvio/profiles"
	"github.com/spf13/cobra"
)

// capture runs line through the parser and the command that newCmd makes, and
// returns the options its run function was given.
func capture[O any](t *testing.T, newCmd func(*cmdutil.Factory, func(*O) error) *cobra.Command, line string) (O, error) {
	t.Helper()
	f := &cmdutil.Factory{IO: (&iostreams.Test{}).Streams()}
	var got O
	ran := false
	cmd := newCmd(f, func(o *O) error {
		got, ran = *o, true
		return nil
	})
	root := &cobra.Command{Use: "fluvio", TraverseChildren: true, SilenceErrors: true, SilenceUsage: true}
	root.SetFlagErrorFunc(argv.FlagError)
	root.AddCommand(cmd)
	parsed, err := argv.Parse(root, strings.Fields(cmd.Name()+" "+line))
	if err != nil {
		return got, err
	}
	root.SetArgs(parsed.Args)
	if err := root.Execute(); err != nil {
		return got, err
	}
	if !ran {
		t.Fatalf("%s %s did not run", cmd.Name(), line)
	}
	return got, nil
}

func TestOptions(t *testing.T) {
	t.Run("switch", func(t *testing.T) {
		if o, err := capture(t, newSwitchCmd, "prod"); err != nil || o.name != "prod" {
			t.Errorf("%+v, %v", o, err)
		}
	})
	t.Run("delete", func(t *testing.T) {
		if o, err := capture(t, newDeleteCmd, "-- -odd"); err != nil || o.name != "-odd" {
			t.Errorf("%+v, %v", o, err)
		}
	})
	t.Run("delete-cluster", func(t *testing.T) {
		if o, err := capture(t, newDeleteClusterCmd, "c -f"); err != nil || o.name != "c" || !o.force {
			t.Errorf("%+v, %v", o, err)
		}
		if o, err := capture(t, newDeleteClusterCmd, "c"); err != nil || o.force {
			t.Errorf("%+v, %v", o, err)
		}
	})
	t.Run("rename", func(t *testing.T) {
		if o, err := capture(t, newRenameCmd, "a b"); err != nil || o.from != "a" || o.to != "b" {
			t.Errorf("%+v, %v", o, err)
		}
	})
	t.Run("add", func(t *testing.T) {
		if o, err := capture(t, newAddCmd, "p h:1"); err != nil || o.name != "p" || o.address != "h:1" || o.installation != profiles.K8 {
			t.Errorf("%+v, %v", o, err)
		}
		if o, err := capture(t, newAddCmd, "p h:1 LocalK8"); err != nil || o.installation != profiles.LocalK8 {
			t.Errorf("%+v, %v", o, err)
		}
		if _, err := capture(t, newAddCmd, "p"); err == nil {
			t.Error("accepted a profile without an address")
		}
	})
	t.Run("list", func(t *testing.T) {
		for line, want := range map[string]output.Format{"": output.Table, "-O json": output.JSON, "-OYAML": output.YAML, "--output=toml": output.TOML} {
			if o, err := capture(t, newListCmd, line); err != nil || o.output.Format != want {
				t.Errorf("%q: %+v, %v", line, o, err)
			}
		}
	})
	t.Run("export", func(t *testing.T) {
		if o, err := capture(t, newExportCmd, ""); err != nil || o.profile != "" || o.output.Format != output.TOML {
			t.Errorf("%+v, %v", o, err)
		}
		if o, err := capture(t, newExportCmd, "-O json p"); err != nil || o.profile != "p" || o.output.Format != output.JSON {
			t.Errorf("%+v, %v", o, err)
		}
	})
	t.Run("sync local", func(t *testing.T) {
		if o, err := capture(t, newSyncLocalCmd, ""); err != nil || o.address != "localhost:9003" || o.tls != (profiles.TLSFlags{}) {
			t.Errorf("%+v, %v", o, err)
		}
		want := profiles.TLSFlags{Enabled: true, ClientCert: true, Domain: "d", CACert: "a", Cert: "c", Key: "k"}
		o, err := capture(t, newSyncLocalCmd, "h:1 --tls --enable-client-cert --domain d --ca-cert a --client-cert c --client-key k")
		if err != nil || o.address != "h:1" || o.tls != want {
			t.Errorf("%+v, %v", o, err)
		}
	})
}
