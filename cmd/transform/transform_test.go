package transform

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/fluvio-go/fluvio/cmd/cmdtest"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/klauspost/compress/gzip"
	"github.com/spf13/cobra"
)

// invoke parses flags and returns the steps they ask for.
func invoke(t *testing.T, args ...string) ([]api.SmartModuleInvocation, error) {
	t.Helper()
	var flags Flags
	var steps []api.SmartModuleInvocation
	cmd := &cobra.Command{Use: "x", RunE: func(*cobra.Command, []string) (err error) {
		steps, err = flags.Invocations()
		return err
	}}
	flags.Add(cmd)
	err := cmdtest.Run(t.Context(), cmd, append([]string{"x"}, args...)...)
	return steps, err
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.wasm")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func ptr[T any](v T) *T { return &v }

func TestSingle(t *testing.T) {
	plain := api.SmartModuleInvocation{Predefined: "m", Kind: api.KindGeneric, Name: ptr("m")}
	aggregate := plain
	aggregate.Input = api.InvocationInput{Context: api.ContextAggregate, Accumulator: []byte("")}
	aggregate.Params = map[string]string{"a": "1=2", "b": "new"}
	for args, want := range map[string]*api.SmartModuleInvocation{
		"":                nil,
		"--smartmodule m": &plain,
		"--sm=m --a-init= -e a=1=2 -e b=old --params b=new": &aggregate,
	} {
		got, err := invoke(t, strings.Fields(args)...)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil && got == nil {
			continue
		}
		// An empty Params is as good as none.
		if len(got) == 1 && len(got[0].Params) == 0 {
			got[0].Params = nil
		}
		if !reflect.DeepEqual(got, []api.SmartModuleInvocation{*want}) {
			t.Errorf("%s: %+v", args, got)
		}
	}
}

func TestAdHoc(t *testing.T) {
	got, err := invoke(t, "--sm_path", write(t, "\x00asm"))
	if err != nil || len(got) != 1 || !got[0].AdHoc || *got[0].Name != "file.wasm" {
		t.Fatal(got, err)
	}
	z, err := gzip.NewReader(bytes.NewReader(got[0].Wasm))
	if err != nil {
		t.Fatal(err)
	}
	if wasm, err := io.ReadAll(z); err != nil || string(wasm) != "\x00asm" {
		t.Errorf("%q, %v", wasm, err)
	}
}

func TestTransforms(t *testing.T) {
	const file = `
transforms:
  - uses: group/first@0.1.0
    lookback: { last: 10, age: 1w }
    with:
      text: value
      map: { b: [1, 2.5, true], a: "x<y" }
      list: [ {z: null}, two ]
    comment: ignored
  - uses: second
`
	name := ptr("group/first@0.1.0,second")
	want := []api.SmartModuleInvocation{
		{
			Predefined: "group/first@0.1.0", Kind: api.KindGeneric, Name: name,
			Lookback: &api.Lookback{Last: 10, Age: &codec.Duration{Secs: 7 * 86400}},
			Params:   map[string]string{"text": "value", "map": `{"a":"x<y","b":[1,2.5,true]}`, "list": `[{"z":null},"two"]`},
		},
		{Predefined: "second", Kind: api.KindGeneric, Name: name, Params: map[string]string{}},
	}
	got, err := invoke(t, "-t", write(t, file))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("file: %v\n%+v", err, got)
	}
	got, err = invoke(t,
		"--transform", `{"uses":"group/first@0.1.0","lookback":{"last":10,"age":"1w"},`+
			`"with":{"text":"value","map":{"b":[1,2.5,true],"a":"x<y"},"list":[{"z":null},"two"]},"comment":1}`,
		"--transforms-line", `{"uses":"second"}`)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("lines: %v\n%+v", err, got)
	}
	if got, err := invoke(t, "-t", write(t, "transforms: []")); err != nil || len(got) != 0 {
		t.Errorf("none: %v, %v", got, err)
	}
}

func TestFaults(t *testing.T) {
	const parse, process = "Invalid argument: unable to parse `transform` argument: ", "Invalid argument: unable to process `transforms` argument: "
	for _, test := range []struct{ line, file, want string }{
		{line: "{", want: parse},
		{line: `{"with":{}}`, want: parse + "step 1: missing field `uses`"},
		{line: `{"uses":"a","with":{"n":1}}`, want: parse + "step 1 (a): with.n: expected str, string, sequence or map"},
		{line: `{"uses":"a","with":{"n":true}}`, want: parse + "step 1 (a): with.n: expected"},
		{line: `{"uses":"a","lookback":{"age":"1"}}`, want: parse + "step 1 (a): lookback.age: "},
		{line: `{"uses":"a"}{"uses":"b"}`, want: parse + "more than one step"},
		{file: "steps: []", want: process + "missing field `transforms`"},
		{file: "transforms: [{uses: a, with: {n: 1.5}}]", want: process + "step 1 (a): with.n: expected"},
		{file: "transforms: {", want: process},
		{file: "transforms: [{uses: a}, {}]", want: process + "step 2: missing field `uses`"},
	} {
		args := []string{"--transform", test.line}
		if test.file != "" {
			args = []string{"--transforms-file", write(t, test.file)}
		}
		_, err := invoke(t, args...)
		if err == nil || !strings.HasPrefix(err.Error(), test.want) || cmdtest.ExitCode(err) != uerr.Usage {
			t.Errorf("%+v: %v", test, err)
		}
	}
	if _, err := invoke(t, "--transforms", "/nonexistent"); err == nil || !strings.HasPrefix(err.Error(), process) {
		t.Error(err)
	}
}
