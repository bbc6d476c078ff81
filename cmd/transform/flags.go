package transform

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fluvio-go/fluvio/cmd/argv"
	"github.com/fluvio-go/fluvio/cmd/cmdutil"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/klauspost/compress/gzip"
	"github.com/spf13/cobra"
)

// Flags are the SmartModule flags of a command.
type Flags struct {
	name    string
	path    string
	initial cmdutil.Parsed[string]
	params  cmdutil.Params
	file    string
	lines   []string
}

// Add defines the flags on cmd.
func (t *Flags) Add(cmd *cobra.Command) {
	t.initial.Parse = func(s string) (string, error) { return s, nil }
	fs := cmd.Flags()
	fs.StringVar(&t.name, "smartmodule", "", "Transform records with the stored SmartModule of this `name`")
	fs.StringVar(&t.path, "smartmodule-path", "", "Transform records with the SmartModule in this file (`path`)")
	fs.Var(&t.initial, "aggregate-initial", "Start an aggregate SmartModule with this `value`")
	fs.VarP(&t.params, "params", "e", "Parameter of the SmartModule, as `key=value`; repeatable")
	fs.StringVarP(&t.file, "transforms", "t", "", "Transform records as this YAML file says (`path`)")
	fs.StringArrayVar(&t.lines, "transforms-line", nil, "One step of a transformation as `json`; repeatable")
	argv.Alias(cmd, "smartmodule", "sm")
	argv.Alias(cmd, "smartmodule-path", "sm_path")
	argv.Alias(cmd, "aggregate-initial", "a-init")
	argv.Alias(cmd, "transforms", "transforms-file")
	argv.Alias(cmd, "transforms-line", "transform")
	argv.Repeatable(cmd, "params")
	argv.Exclusive(cmd, "smartmodule", "smartmodule-path", "transforms", "transforms-line")
	argv.Requires(cmd, "aggregate-initial", "smartmodule", "smartmodule-path")
	argv.Requires(cmd, "params", "smartmodule", "smartmodule-path")
}

// Invocations returns the steps that the flags ask for, none if they ask for
// none. The error is for people.
func (t *Flags) Invocations() ([]api.SmartModuleInvocation, error) {
	switch {
	case t.name != "":
		return t.single(api.SmartModuleInvocation{Predefined: t.name, Name: &t.name}), nil
	case t.path != "":
		wasm, err := compressed(t.path)
		if err != nil {
			return nil, err
		}
		name := filepath.Base(t.path)
		return t.single(api.SmartModuleInvocation{AdHoc: true, Wasm: wasm, Name: &name}), nil
	case len(t.lines) > 0:
		steps, err := parseLines(t.lines)
		return checked("unable to parse `transform` argument", steps, err)
	case t.file != "":
		steps, err := parseFile(t.file)
		return checked("unable to process `transforms` argument", steps, err)
	}
	return nil, nil
}

// checked returns the invocations of parsed steps; what says what could not be
// done otherwise.
func checked(what string, steps []step, err error) ([]api.SmartModuleInvocation, error) {
	var out []api.SmartModuleInvocation
	if err == nil {
		out, err = invocations(steps)
	}
	if err != nil {
		return nil, cmdutil.ErrInvalidArg("%s: %v", what, err)
	}
	return out, nil
}

// single completes the one step of a SmartModule given by name or file.
func (t *Flags) single(s api.SmartModuleInvocation) []api.SmartModuleInvocation {
	s.Kind = api.KindGeneric
	s.Params = t.params
	if v := t.initial.Value; v != nil {
		s.Input = api.InvocationInput{Context: api.ContextAggregate, Accumulator: []byte(*v)}
	}
	return []api.SmartModuleInvocation{s}
}

// compressed returns the gzip form of a file.
func compressed(path string) ([]byte, error) {
	wasm, err := os.ReadFile(path)
	if err != nil {
		return nil, cmdutil.FileError(path, err)
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err = z.Write(wasm)
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("compress %s: %w", path, err)
	}
	return b.Bytes(), nil
}
