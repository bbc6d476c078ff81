package transform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/fluvio-go/fluvio/internal/humantime"
	"github.com/fluvio-go/fluvio/internal/output"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/codec"
	"github.com/goccy/go-yaml"
)

// step is one SmartModule of a transformation. Keys it does not have are
// ignored.
type step struct {
	Uses     *string        `json:"uses" yaml:"uses"`
	Lookback *lookback      `json:"lookback" yaml:"lookback"`
	With     map[string]any `json:"with" yaml:"with"`
}

type lookback struct {
	Last uint64  `json:"last" yaml:"last"`
	Age  *string `json:"age" yaml:"age"`
}

var errNoTransforms = errors.New("missing field `transforms`")

func parseFile(path string) ([]step, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Transforms *[]step `yaml:"transforms"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, errors.New(strings.TrimSpace(yaml.FormatError(err, false, false)))
	}
	if file.Transforms == nil {
		return nil, errNoTransforms
	}
	return *file.Transforms, nil
}

func parseLines(lines []string) ([]step, error) {
	steps := make([]step, len(lines))
	for i, line := range lines {
		dec := json.NewDecoder(bytes.NewReader([]byte(line)))
		dec.UseNumber()
		if err := dec.Decode(&steps[i]); err != nil {
			return nil, err
		}
		if dec.More() {
			return nil, fmt.Errorf("more than one step in %q", line)
		}
	}
	return steps, nil
}

// invocations turns steps into what servers take. All of them carry the names
// of all, joined by commas.
func invocations(steps []step) ([]api.SmartModuleInvocation, error) {
	names := make([]string, len(steps))
	for i, s := range steps {
		if s.Uses == nil {
			return nil, fmt.Errorf("step %d: missing field `uses`", i+1)
		}
		names[i] = *s.Uses
	}
	name := strings.Join(names, ",")
	out := make([]api.SmartModuleInvocation, len(steps))
	for i, s := range steps {
		params, err := s.params()
		if err != nil {
			return nil, fmt.Errorf("step %d (%s): %w", i+1, names[i], err)
		}
		back, err := s.Lookback.spec()
		if err != nil {
			return nil, fmt.Errorf("step %d (%s): lookback.age: %w", i+1, names[i], err)
		}
		out[i] = api.SmartModuleInvocation{
			Predefined: names[i], Kind: api.KindGeneric, Params: params, Lookback: back, Name: &name,
		}
	}
	return out, nil
}

// params returns the values of with as text: strings as they are, collections
// as JSON.
func (s *step) params() (map[string]string, error) {
	params := make(map[string]string, len(s.With))
	for key, value := range s.With {
		switch v := value.(type) {
		case string:
			params[key] = v
		case map[string]any, []any:
			text, err := output.Compact(v)
			if err != nil {
				return nil, fmt.Errorf("with.%s: %w", key, err)
			}
			params[key] = text
		default:
			return nil, fmt.Errorf("with.%s: expected str, string, sequence or map, found %v", key, v)
		}
	}
	return params, nil
}

func (l *lookback) spec() (*api.Lookback, error) {
	if l == nil {
		return nil, nil
	}
	back := &api.Lookback{Last: l.Last}
	if l.Age != nil {
		age, err := humantime.Parse(*l.Age)
		if err != nil {
			return nil, err
		}
		back.Age = &codec.Duration{Secs: uint64(age / time.Second), Nanos: uint32(age % time.Second)}
	}
	return back, nil
}
