package recfmt

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fluvio-go/fluvio/internal/handlebars"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func template(t testing.TB, text string) *handlebars.Template {
	t.Helper()
	tmpl, err := handlebars.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

// samples are printed in order by each case of TestGolden.
var samples = []Record{
	{Value: []byte("plain text"), Offset: 0, Timestamp: 1735783445678},
	{Key: []byte("k"), Value: []byte(`{"key2":1,"key1":"a","n":{"b":[1,2.50,1e3,true,null],"a":""}}`), Offset: 1, Partition: 2, Timestamp: NoTimestamp},
	{Key: []byte{}, Value: []byte("{\n    \"p"), Offset: 2},
	{Key: []byte("b\x00k"), Value: []byte("0123456789abcdef01234567\x00\x7f\n~"), Offset: 3},
	{Value: []byte("12345678"), Offset: 4},
	{Key: []byte("bad"), Value: []byte("a\xf0\x9f\x98b\xffc\xc3"), Offset: 5},
	{Value: []byte("esc \x1b[31m bell\a c1 \u0085 rtl \u202e tab\t cr\rlf\r\n."), Offset: 6},
	{Value: []byte("%PDF-1.4"), Offset: 7},
	{Value: []byte("\xef\xbb\xbfbom\x00"), Offset: 8},
	{Value: nil, Offset: 9},
	{Value: []byte(`{"key1":"日本","key2":"two\nlines","n":-0}`), Offset: 10},
	{Value: []byte(`[1]`), Offset: 11},
	{Value: []byte(`{"a":1} x`), Offset: 12},
	{Value: []byte(`{"u":18446744073709551615,"big":18446744073709551616,"small":1e-7,"q":"\u001b\"<&>"}`), Offset: 13},
}

func TestGolden(t *testing.T) {
	for _, tt := range []struct {
		name string
		opts Options
	}{
		{"dynamic", Options{}},
		{"dynamic-key", Options{KeyValue: true}},
		{"dynamic-terminal", Options{Terminal: true, KeyValue: true}},
		{"text", Options{Format: Text}},
		{"text-suppress", Options{Format: Text, SuppressUnknown: true}},
		{"binary", Options{Format: Binary}},
		{"raw-terminal", Options{Format: Raw, Terminal: true}},
		{"json", Options{Format: JSON}},
		{"json-suppress-key", Options{Format: JSON, SuppressUnknown: true, KeyValue: true}},
		{"json-terminal", Options{Format: JSON, SuppressUnknown: true, Terminal: true}},
		{"table", Options{Format: Table}},
		{"truncate", Options{Truncate: 5}},
		{"template", Options{Template: template(t, "{{partition}}:{{offset}} {{time}} {{#if (eq key 'null')}}-{{else}}{{key}}{{/if}}={{value}}")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := New(tt.opts)
			var got []byte
			for i := range samples {
				got = p.Append(got, &samples[i])
			}
			path := filepath.Join("testdata", tt.name+".golden")
			if *update {
				if err := os.WriteFile(path, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestHexDumpAsDocumented pins the drawing that scripts know.
func TestHexDumpAsDocumented(t *testing.T) {
	got := New(Options{Format: Binary}).Append(nil, &Record{Value: []byte("{\n    \"p")})
	const want = "00000000  7b 0a 20 20 20 20 22 70                           |{.    \"p        |\n" +
		"------------------------------------------------------------------------------\n\n"
	if string(got) != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestTableAsDocumented(t *testing.T) {
	p := New(Options{Format: Table})
	r := &Record{Value: []byte(`{"key1":"a","key2":1}`)}
	const top = "+------+------+\n"
	const rest = "| key1 | key2 |\n+=============+\n| a    | 1    |\n+------+------+\n"
	if got := string(p.Append(nil, r)); got != top+rest {
		t.Errorf("first\n%s", got)
	}
	if got := string(p.Append(nil, r)); got != rest {
		t.Errorf("second\n%s", got)
	}
}

func TestLossyMatchesTheOriginal(t *testing.T) {
	for in, want := range map[string]string{
		"a\xf0\x9f\x98b": "a\ufffdb",           // one truncated character, one mark
		"\xff\xfe":       "\ufffd\ufffd",       // two bytes that never start one
		"\xed\xa0\x80":   "\ufffd\ufffd\ufffd", // a surrogate
		"\xe2\x82":       "\ufffd",             // cut at the end
		"\xf4\x90\x80":   "\ufffd\ufffd\ufffd", // beyond Unicode
		"\xc0\xaf":       "\ufffd\ufffd",       // overlong
		"é\ufffd":        "é\ufffd",            // a real U+FFFD stays
	} {
		if got := string(appendLossy(nil, []byte(in))); got != want {
			t.Errorf("%q = %q, want %q", in, got, want)
		}
	}
}

// FuzzAppend: whatever the record, nothing panics, output ends in a newline,
// and off raw nothing reaches a terminal that it would act on.
func FuzzAppend(f *testing.F) {
	for _, r := range samples {
		f.Add(r.Key, r.Value)
	}
	f.Fuzz(func(t *testing.T, key, value []byte) {
		r := &Record{Key: key, Value: value}
		for _, format := range []Format{Dynamic, Text, Binary, JSON, Table, Raw} {
			out := New(Options{Format: format, KeyValue: true, Terminal: true}).Append(nil, r)
			if len(out) > 0 && out[len(out)-1] != '\n' {
				t.Fatalf("%s: no newline: %q", format, out)
			}
			if !utf8.Valid(out) {
				t.Fatalf("%s: not UTF-8: %q", format, out)
			}
			if format == Raw {
				continue
			}
			if bad := strings.IndexFunc(string(out), func(c rune) bool {
				return c < 0x20 && c != '\n' && c != '\t' && c != '\r' || c >= 0x7f && c < 0xa0 || isDirection(c)
			}); bad >= 0 {
				t.Fatalf("%s: control character in %q", format, out)
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	value := []byte(strings.Repeat("The quick brown fox. ", 10))
	for _, opts := range []struct {
		name string
		opts Options
	}{
		{"dynamic", Options{}}, {"terminal", Options{Terminal: true}}, {"key", Options{KeyValue: true}},
		{"binary", Options{Format: Binary}}, {"json", Options{Format: JSON}},
	} {
		b.Run(opts.name, func(b *testing.B) {
			p := New(opts.opts)
			r := &Record{Key: []byte("key"), Value: value}
			if opts.opts.Format == JSON {
				r.Value = []byte(`{"a":1,"b":"two","c":[1,2,3]}`)
			}
			buf := make([]byte, 0, 4096)
			b.SetBytes(int64(len(r.Value)))
			b.ReportAllocs()
			for b.Loop() {
				buf = p.Append(buf[:0], r)
			}
		})
	}
}
