package spu

import (
	"context"
	"reflect"
	"strings"
	"testing"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/cmd/cmdtest"
	"github.com/fluvio-go/fluvio/internal/iostreams"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/spf13/cobra"
)

type fakeAdmin struct {
	spus       []api.Spu
	registered map[string]api.CustomSpuSpec
	removed    []api.CustomSpuKey
	err        error
}

func (a *fakeAdmin) Spus(context.Context, client.ListOptions) ([]api.Spu, error) {
	return a.spus, a.err
}

func (a *fakeAdmin) CustomSpus(context.Context, client.ListOptions) ([]api.CustomSpu, error) {
	var out []api.CustomSpu
	for _, s := range a.spus {
		if s.Spec.Type == api.SpuCustom {
			out = append(out, api.CustomSpu{Name: s.Name, Spec: s.Spec.Custom(), Status: s.Status})
		}
	}
	return out, a.err
}

func (a *fakeAdmin) RegisterCustomSpu(_ context.Context, name string, spec api.CustomSpuSpec) error {
	a.registered[name] = spec
	return a.err
}

func (a *fakeAdmin) UnregisterCustomSpu(_ context.Context, key api.CustomSpuKey) error {
	a.removed = append(a.removed, key)
	return a.err
}

func ptr[T any](v T) *T { return &v }

func sample() *fakeAdmin {
	return &fakeAdmin{registered: map[string]api.CustomSpuSpec{}, spus: []api.Spu{
		{Name: "custom-spu-5001", Spec: api.SpuSpec{
			ID: 5001, Type: api.SpuCustom,
			Public:  api.IngressPort{Port: 9010, Ingress: []api.Ingress{{Hostname: ptr("localhost")}}},
			Private: api.Endpoint{Port: 9011, Host: "localhost"},
		}},
		{Name: "main-0", Spec: api.SpuSpec{
			ID: 0, Rack: ptr("r1"), Public: api.IngressPort{Port: 9005}, Private: api.Endpoint{Port: 9006, Host: "main-0.local"},
		}, Status: api.SpuStatus{Resolution: api.SpuOfflineState}},
	}}
}

func runCmd(t *testing.T, a *fakeAdmin, args string) (string, error) {
	t.Helper()
	streams := &iostreams.Test{}
	f := cmdtest.Factory(streams)
	connect := func(context.Context) (admin, func(), error) { return a, func() {}, nil }
	cmd := &cobra.Command{Use: "spu"}
	cmd.AddCommand(newListCmd(f, connect, nil), newRegisterCmd(f, connect, nil), newUnregisterCmd(f, connect, nil))
	err := cmdtest.Run(t.Context(), cmd, append([]string{"spu"}, strings.Fields(args)...)...)
	return streams.Out.String(), err
}

func TestList(t *testing.T) {
	for name, args := range map[string]string{"list": "list", "list_custom": "list --custom", "list_custom_json": "list --custom -O json"} {
		out, err := runCmd(t, sample(), args)
		if err != nil {
			t.Fatal(err)
		}
		cmdtest.Golden(t, name, out)
	}
	for args, want := range map[string]string{"list": "no spu\n", "list -O json": "[]\n"} {
		if out, err := runCmd(t, &fakeAdmin{}, args); err != nil || out != want {
			t.Errorf("%s: %v, %q", args, err, out)
		}
	}
}

func TestRegister(t *testing.T) {
	want := api.CustomSpuSpec{
		ID:      7,
		Public:  api.IngressPort{Port: 9010, Ingress: []api.Ingress{{Hostname: ptr("h")}}},
		Private: api.Endpoint{Port: 9011, Host: "::1"},
	}
	a := sample()
	if out, err := runCmd(t, a, "register -i 7 -p h:9010 -v [::1]:9011"); err != nil || out != "" {
		t.Fatal(out, err)
	}
	if got := a.registered["custom-spu-7"]; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if _, err := runCmd(t, a, "register -i 7 -p h:9010 -v [::1]:9011 -n x -r rack -l in:1"); err != nil {
		t.Fatal(err)
	}
	want.Rack, want.PublicLocal = ptr("rack"), &api.Endpoint{Port: 1, Host: "in"}
	if got := a.registered["x"]; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestUnregister(t *testing.T) {
	a := sample()
	for _, args := range []string{"unregister -i 0", "unregister --name x"} {
		if out, err := runCmd(t, a, args); err != nil || out != "" {
			t.Fatal(out, err)
		}
	}
	if want := []api.CustomSpuKey{{ByID: true}, {Name: "x"}}; !reflect.DeepEqual(a.removed, want) {
		t.Errorf("%+v", a.removed)
	}
}

func TestFaults(t *testing.T) {
	exists := &client.Error{Code: api.ErrorCode{ID: api.SpuAlreadyExists}, Partition: -1}
	for _, test := range []struct {
		args, want string
		code       uerr.Code
		err        error
	}{
		{"register -i 7 -p h:1", "--private-server <host:port>", uerr.Usage, nil},
		{"register -i 7 -p h -v h:1", "missing port", uerr.Usage, nil},
		{"register -i 7 -p h:70000 -v h:1", "too large", uerr.Usage, nil},
		{"register -i 7 -p h:1 -v h:1", "the SPU already exists", uerr.Conflict, exists},
		{"unregister", "required arguments were not provided", uerr.Usage, nil},
		{"unregister -i 1 -n x", "cannot be used with", uerr.Usage, nil},
		{"list -O xml", "possible values: table, yaml, json, toml", uerr.Usage, nil},
	} {
		a := sample()
		a.err = test.err
		_, err := runCmd(t, a, test.args)
		if err == nil || !strings.Contains(err.Error(), test.want) || cmdtest.ExitCode(err) != test.code {
			t.Errorf("%s: %v (%d)", test.args, err, cmdtest.ExitCode(err))
		}
	}
}
