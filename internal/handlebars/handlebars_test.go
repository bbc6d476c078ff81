package handlebars

import (
	"errors"
	"strings"
	"testing"
)

var data = map[string]any{
	"key": "k1", "value": "<a&b>", "offset": int64(7), "partition": int64(0), "none": nil, "yes": true, "empty": "",
	"list": []any{"x", "y"}, "object": map[string]any{"b": int64(2), "a": "one"},
}

func TestRender(t *testing.T) {
	for template, want := range map[string]string{
		"":                                                      "",
		"plain } text {":                                        "plain } text {",
		"{{key}}={{value}}":                                     "k1=<a&b>",
		"{{ key }}|{{{value}}}|{{& value}}":                     "k1|<a&b>|<a&b>",
		"{{missing}}[{{none}}]{{a.b.c}}":                        "[]",
		"{{offset}}/{{partition}}/{{yes}}":                      "7/0/true",
		`\{{key}}`:                                              "{{key}}",
		"a{{! note }}b{{!-- }} --}}c":                           "abc",
		"a {{~key~}} b":                                         "ak1b",
		"a {{~! x ~}} b":                                        "ab",
		"a {{!-- x --~}} b":                                     "a b",
		"{{#if key}}y{{else}}n{{/if}}":                          "y",
		"{{#if partition}}y{{else}}n{{/if}}":                    "n",
		"{{#if empty}}y{{/if}}.":                                ".",
		"{{#unless none}}u{{/unless}}":                          "u",
		"{{#if none}}1{{else if yes}}2{{else}}3{{/if}}":         "2",
		"{{#if none}}1{{else if empty}}2{{else}}3{{/if}}":       "3",
		"{{#if (eq offset 7)}}seven{{/if}}":                     "seven",
		"{{#if (and yes (gt offset 6.5))}}big{{^}}small{{/if}}": "big",
		"{{#if (not (or none empty))}}z{{/if}}":                 "z",
		"{{eq key 'k1'}}{{ne key \"k1\"}}":                      "truefalse",
		"{{len key}}{{len list}}":                               "22",
		"{{#each list}}{{@index}}{{this}}{{#unless @last}},{{/unless}}{{/each}}": "0x,1y",
		"{{#each object}}{{@key}}={{.}};{{/each}}":                               "a=one;b=2;",
		"{{#each value}}x{{else}}none{{/each}}":                                  "none",
		"{{#each list}}{{../key}}{{/each}}":                                      "k1k1",
		"{{#with object}}{{a}}{{../key}}{{/with}}":                               "onek1",
		"{{object.a}}{{object/b}}{{list.1}}{{lookup list 0}}{{list}}{{object}}":  "one2yx[x, y][object]",
		"{{'}}'}}":              "}}",
		"{{this.key}}{{./key}}": "k1k1",
		"{{null}}{{-3}}{{1.5}}": "-31.5",
	} {
		tmpl, err := Parse(template)
		if err != nil {
			t.Errorf("%q: %v", template, err)
			continue
		}
		got, err := tmpl.Append(nil, data)
		if err != nil || string(got) != want {
			t.Errorf("%q = %q, %v, want %q", template, got, err, want)
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	for template, want := range map[string]string{
		"{{":                               "not closed at line 1 col 1",
		"a\nbé{{key":                       "not closed at line 2 col 3",
		"{{}}":                             "empty tag",
		"{{#if key}}":                      "block if is not closed",
		"{{#if key}}{{/each}}":             "block if is closed as each",
		"{{/if}}":                          "unexpected {{/if}}",
		"{{else}}":                         "unexpected {{else}}",
		"{{#if}}x{{/if}}":                  "missing parameter",
		"{{#loop x}}{{/loop}}":             "unknown block helper loop",
		"{{upper key}}":                    "unknown helper upper",
		"{{eq 1}}":                         "eq takes 2 parameters",
		"{{eq 1 (not}}":                    "missing",
		"{{key)}}":                         "unexpected )",
		"{{eq 'a}}":                        "not closed",
		"{{1x}}":                           "bad number",
		"{{#if a}}{{else}}{{else}}{{/if}}": "second else",
		"{{a{b}}":                          "bad path",
		strings.Repeat("{{#if a}}", 200):   "too deep",
		strings.Repeat("{{#if a}}", 1) + strings.Repeat("{{else if b}}", 200): "too deep",
		"{{eq 1 " + strings.Repeat("(not ", 200) + "}}":                       "too deep",
	} {
		_, err := Parse(template)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", template, err, want)
		}
	}
}

func TestRenderErrors(t *testing.T) {
	tmpl, err := Parse("{{gt key offset}}")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tmpl.Append(nil, data); err == nil {
		t.Error("compared text with a number")
	}
}

// FuzzParse: no template panics, in reading or in rendering.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"{{key}}={{value}}", "{{#each list}}{{@index}}{{else}}x{{/each}}", "{{~!-- a --~}}", `\{{a}}{{{b}}}`, "{{#if (eq a '}}')}}{{/if}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		tmpl, err := Parse(s)
		if err != nil {
			return
		}
		_, _ = tmpl.Append(nil, data)
	})
}

func BenchmarkAppend(b *testing.B) {
	tmpl, err := Parse("{{partition}}:{{offset}} {{key}}={{value}}")
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 0, 128)
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = tmpl.Append(buf[:0], data)
	}
}
