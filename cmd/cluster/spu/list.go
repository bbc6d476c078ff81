package spu

import (
	"context"
	"fmt"
	"strconv"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/cmd/view"
	"github.com/fluvio-go/fluvio/internal/output"
	"github.com/fluvio-go/fluvio/internal/table"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/spf13/cobra"
)

type listOptions struct {
	f       *cmdutil.Factory
	connect connectFunc
	custom  bool
	output  cmdutil.OutputFlag
}

func newListCmd(f *cmdutil.Factory, connect connectFunc, runF func(context.Context, *listOptions) error) *cobra.Command {
	opts := &listOptions{f: f, connect: connect}
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the SPUs of the cluster",
		Example: `  fluvio cluster spu list
  fluvio cluster spu list --custom -O json`,
		RunE: cmdutil.RunE(opts, nil, runF, listRun),
	}
	cmd.Flags().BoolVar(&opts.custom, "custom", false, "List only SPUs that were registered by hand")
	cmdutil.AddOutputFlag(cmd, &opts.output, output.Table)
	return cmd
}

func listRun(ctx context.Context, opts *listOptions) error {
	a, end, err := opts.connect(ctx)
	if err != nil {
		return err
	}
	defer end()
	spus, err := listSpus(ctx, a, opts.custom)
	if err != nil {
		return cmdutil.ExplainAdmin(err, "")
	}
	return output.Listing(opts.f.IO.Out, opts.output.Format, spus, "no spu", listTable, view.OfSpu)
}

func listSpus(ctx context.Context, a admin, custom bool) ([]api.Spu, error) {
	if !custom {
		return a.Spus(ctx, client.ListOptions{})
	}
	registered, err := a.CustomSpus(ctx, client.ListOptions{})
	spus := make([]api.Spu, len(registered))
	for i := range registered {
		r := &registered[i]
		spus[i] = api.Spu{Name: r.Name, Spec: r.Spec.Spec(), Status: r.Status}
	}
	return spus, err
}

func listTable(spus []api.Spu) *table.Table {
	t := &table.Table{Header: []string{"ID", "NAME", "STATUS", "TYPE", "RACK", "PUBLIC", "PRIVATE"}}
	for i := range spus {
		spec := &spus[i].Spec
		kind, rack := `"managed"`, "-" // the quotes have always been printed
		if spec.Type == api.SpuCustom {
			kind = `"custom"`
		}
		if spec.Rack != nil {
			rack = *spec.Rack
		}
		t.Rows = append(t.Rows, []string{
			strconv.Itoa(int(spec.ID)), spus[i].Name, spus[i].Status.Resolution.String(), kind, rack,
			fmt.Sprintf("%s:%d", spec.Public.Host(), spec.Public.Port),
			fmt.Sprintf("%s:%d", spec.Private.Host, spec.Private.Port),
		})
	}
	return t
}
