package output

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"unicode/utf8"

	"github.com/fluvio-go/fluvio/internal/table"
	"github.com/goccy/go-yaml"
)

type computed struct {
	Partitions int32 `json:"partitions"`
	Rack       *bool `json:"rack,omitempty"`
}

type replicas struct{ payload any }

func (r replicas) Variant() (string, any) {
	if _, ok := r.payload.([]assigned); ok {
		return "assigned", r.payload
	}
	return "computed", r.payload
}

type assigned struct {
	ID       int   `json:"id"`
	Replicas []int `json:"replicas"`
}

type spec struct {
	Replicas    replicas       `json:"replicas"`
	MaxSize     *uint64        `json:"maxSize"`
	Compression string         `json:"compressionType"`
	Map         map[int][]int  `json:"replicaMap"`
	Meta        map[string]any `json:"meta"`
	Payload     []byte         `json:"payload"`
	hidden      int
}

type topic struct {
	Name   string `json:"name"`
	Spec   spec   `json:"spec"`
	Status any    `json:"status"`
}

func topics() []topic {
	return []topic{{
		Name: "t1",
		Spec: spec{
			Replicas: replicas{computed{Partitions: 1}}, Compression: "Any",
			Map: map[int][]int{10: {5001}, 2: {}}, Meta: map[string]any{"b": 1.0, "a": "<x>"}, Payload: []byte("hi"),
		},
	}, {
		Name: "yes",
		Spec: spec{Replicas: replicas{[]assigned{{ID: 0, Replicas: []int{5001, 5002}}}}, Compression: "a: b", hidden: 7},
	}}
}

const wantJSON = `[
  {
    "name": "t1",
    "spec": {
      "replicas": {
        "computed": {
          "partitions": 1
        }
      },
      "maxSize": null,
      "compressionType": "Any",
      "replicaMap": {
        "2": [],
        "10": [
          5001
        ]
      },
      "meta": {
        "a": "<x>",
        "b": 1.0
      },
      "payload": "aGk="
    },
    "status": null
  },
  {
    "name": "yes",
    "spec": {
      "replicas": {
        "assigned": [
          {
            "id": 0,
            "replicas": [
              5001,
              5002
            ]
          }
        ]
      },
      "maxSize": null,
      "compressionType": "a: b",
      "replicaMap": {},
      "meta": {},
      "payload": ""
    },
    "status": null
  }
]
`

const wantYAML = `- name: t1
  spec:
    replicas: !computed
      partitions: 1
    maxSize: null
    compressionType: Any
    replicaMap:
      '2': []
      '10':
      - 5001
    meta:
      a: <x>
      b: 1.0
    payload: aGk=
  status: null
- name: 'yes'
  spec:
    replicas: !assigned
    - id: 0
      replicas:
      - 5001
      - 5002
    maxSize: null
    compressionType: 'a: b'
    replicaMap: {}
    meta: {}
    payload: ''
  status: null

`

func TestWrite(t *testing.T) {
	for format, want := range map[Format]string{JSON: wantJSON, YAML: wantYAML} {
		var b bytes.Buffer
		if err := Write(&b, format, topics()); err != nil || b.String() != want {
			t.Errorf("%s: %v\n%s", format, err, b.String())
		}
	}
	if !json.Valid([]byte(wantJSON)) {
		t.Error("the expected JSON is not JSON")
	}
}

func TestTOML(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, TOML, topics()); !errors.Is(err, ErrNotTable) || err.Error() != "Fluvio client error" || b.Len() > 0 {
		t.Errorf("list: %v, %q", err, b.String())
	}
	if err := Write(&b, TOML, computed{Partitions: 3}); err != nil || b.String() != "partitions = 3\n\n" {
		t.Errorf("table: %v, %q", err, b.String())
	}
}

func TestList(t *testing.T) {
	rows := func(items []topic) *table.Table {
		tb := &table.Table{Header: []string{"NAME"}}
		for _, i := range items {
			tb.Rows = append(tb.Rows, []string{i.Name})
		}
		return tb
	}
	for format, want := range map[Format]string{JSON: "[]\n", YAML: "[]\n\n", Table: "No topics found\n"} {
		var b bytes.Buffer
		if err := List(&b, format, nil, "No topics found", rows); err != nil || b.String() != want {
			t.Errorf("empty %s: %v %q", format, err, b.String())
		}
	}
	var b bytes.Buffer
	if err := List(&b, Table, topics(), "none", rows); err != nil || b.String() != "  NAME \n  t1   \n  yes  \n" {
		t.Errorf("%v %q", err, b.String())
	}
}

func TestObjectAndNumbers(t *testing.T) {
	var o Object
	o.Add("z", json.Number("1e400"))
	o.Add("a", []json.Number{"1", "-0", "1.50", "1e3", "1e16", "1e-5", "1e-6", "18446744073709551615"})
	got, err := Compact(o)
	const want = `{"z":1e400,"a":[1,-0.0,1.5,1000.0,1e16,0.00001,1e-6,18446744073709551615]}`
	if err != nil || got != want {
		t.Errorf("%v %s", err, got)
	}
	if _, err := Compact(func() {}); err == nil {
		t.Error("wrote a function")
	}
}

func TestParseFormat(t *testing.T) {
	if f, ok := ParseFormat("JSON"); !ok || f != JSON {
		t.Error(f, ok)
	}
	if _, ok := ParseFormat("wide"); ok {
		t.Error("accepted wide")
	}
}

func TestYAMLStrings(t *testing.T) {
	for s, want := range map[string]string{
		"plain": "plain", "two words": "two words", "a:b": "a:b", "127.0.0.1:9003": "127.0.0.1:9003", "a#b": "a#b",
		"": "''", "null": "'null'", "~": "'~'", "True": "'True'", "on": "'on'", "12": "'12'", "1.5": "'1.5'", "0x1f": "'0x1f'",
		"007": "'007'", "<<": "'<<'", "=": "'='", "1e3": "'1e3'", "-": "'-'", "- a": "'- a'", "-a": "-a", "a: b": "'a: b'", "a #b": "'a #b'", "it's": "it's",
		"'q": "'''q'", "[x": "'[x'", "@x": "'@x'", " lead": "' lead'", "trail ": "'trail '", "colon:": "'colon:'",
		"tab\there": `"tab\there"`, "esc\x1b": `"esc\e"`, "nul\x00": `"nul\0"`, "日本": "日本", "a\nb": "|-\n  a\n  b", "a\nb\n": "|\n  a\n  b",
		"1.2.3": "1.2.3", "0.18.1-go.1": "0.18.1-go.1",
	} {
		if got := yamlString(s, 0); got != want {
			t.Errorf("%q = %s, want %s", s, got, want)
		}
	}
}

// FuzzYAML: text comes back from a YAML reader as it was.
func FuzzYAML(f *testing.F) {
	for _, s := range []string{"a", "- x", "a: b", "line\nline\n", "\x1b", "'", "\"", "yes", "12", "#", "?", "a\n b", "\t"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		if strings.Contains(key, "<<") {
			return // the reader takes any key that ends so for a merge
		}
		doc := map[string]any{"k" + key: []any{value, map[string]any{"v": value}}}
		var b bytes.Buffer
		if err := Write(&b, JSON, doc); err != nil {
			t.Fatal(err)
		}
		var fromJSON map[string]any
		if err := json.Unmarshal(b.Bytes(), &fromJSON); err != nil {
			t.Fatalf("%v\n%s", err, b.String())
		}
		b.Reset()
		if err := Write(&b, YAML, doc); err != nil {
			t.Fatal(err)
		}
		var fromYAML map[string][]any
		if err := yaml.Unmarshal(b.Bytes(), &fromYAML); err != nil {
			t.Fatalf("%v\n%s", err, b.String())
		}
		if !utf8.ValidString(key) || !utf8.ValidString(value) {
			return // broken sequences come back as U+FFFD
		}
		for k, items := range fromYAML {
			if k != "k"+key || items[0] != value {
				t.Fatalf("%q: %q came back as %q: %q\n%s", key, value, k, items[0], b.String())
			}
		}
	})
}
