package table

import (
	"bytes"
	"testing"
)

func TestRender(t *testing.T) {
	for _, tt := range []struct {
		name   string
		table  Table
		indent int
		want   string
	}{
		{"as documented", Table{Header: []string{"PARTITION", "SPU"}, Rows: [][]string{{"1", "5001"}, {"2", "5002"}}}, 0,
			" PARTITION  SPU  \n 1          5001 \n 2          5002 \n"},
		{"indent", Table{Header: []string{"A"}, Rows: [][]string{{"x"}}}, ListIndent, "  A \n  x \n"},
		{"no rows", Table{Header: []string{"A"}}, 1, ""},
		{"alignment", Table{Header: []string{"NAME", "N", "MID"}, Rows: [][]string{{"a", "1", "x"}, {"b", "100", "wide!"}}, Align: []Align{Left, Right, Center}}, 0,
			" NAME  N    MID   \n a       1    x   \n b     100  wide! \n"},
		{"more cells than headers", Table{Header: []string{"A"}, Rows: [][]string{{"1", "2"}, {"3"}}}, 0, " A    \n 1  2 \n 3    \n"},
		{"wide characters", Table{Header: []string{"N", "X"}, Rows: [][]string{{"日本", "1"}, {"é", "2"}}}, 0, " N     X \n 日本  1 \n é     2 \n"},
		{"several lines", Table{Header: []string{"A", "B"}, Rows: [][]string{{"x\nyy", "1"}}}, 0, " A   B \n x   1 \n yy    \n"},
		{"no header", Table{Rows: [][]string{{"a", "b"}}}, 0, " a  b \n"},
	} {
		var b bytes.Buffer
		if err := tt.table.Render(&b, tt.indent); err != nil || b.String() != tt.want {
			t.Errorf("%s: %v\n%q\n%q", tt.name, err, b.String(), tt.want)
		}
	}
}

func TestRenderKeyValues(t *testing.T) {
	var b bytes.Buffer
	err := RenderKeyValues(&b, []KeyValue{{Key: "Name", Value: "t1"}, {Key: "Partition Count", Value: "1"}, {Key: "-----", Bare: true}, {Key: "Reason"}})
	const want = "   Name:t1           \n   Partition Count:1 \n   -----             \n   Reason:           \n"
	if err != nil || b.String() != want {
		t.Errorf("%v\n%q\n%q", err, b.String(), want)
	}
}
