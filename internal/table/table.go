package table

import (
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
)

// Align places a cell's text in its column.
type Align int

// Alignments. Headers are always left-aligned.
const (
	Left Align = iota
	Right
	Center
)

// Indents, in columns before each line.
const (
	ListIndent   = 1 // the table of a list command
	NestedIndent = 5 // a table inside a description
	blockIndent  = 2 // a key/value block
)

// Table is a header and rows. Rows may have fewer or more cells than the
// header.
type Table struct {
	Header []string
	Rows   [][]string
	// Align is the alignment by column; columns beyond it are left-aligned.
	Align []Align
}

// Render writes t with indent blanks before each line. A table without rows
// writes nothing.
func (t *Table) Render(w io.Writer, indent int) error {
	if len(t.Rows) == 0 {
		return nil
	}
	var b strings.Builder
	rows := t.Rows
	if len(t.Header) > 0 {
		rows = append([][]string{t.Header}, rows...)
	}
	widths := columnWidths(rows)
	pad := strings.Repeat(" ", indent)
	for i, row := range rows {
		align := t.Align
		if i == 0 && len(t.Header) > 0 {
			align = nil
		}
		writeRow(&b, pad, row, widths, align)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func columnWidths(rows [][]string) []int {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			for line := range strings.SplitSeq(cell, "\n") {
				widths[i] = max(widths[i], runewidth.StringWidth(line))
			}
		}
	}
	return widths
}

// writeRow writes one row, which takes several lines when a cell does.
func writeRow(b *strings.Builder, pad string, row []string, widths []int, align []Align) {
	cells := make([][]string, len(widths))
	height := 1
	for i := range widths {
		if i < len(row) {
			cells[i] = strings.Split(row[i], "\n")
		}
		height = max(height, len(cells[i]))
	}
	for line := range height {
		b.WriteString(pad)
		for i, width := range widths {
			text := ""
			if line < len(cells[i]) {
				text = cells[i][line]
			}
			a := Left
			if i < len(align) {
				a = align[i]
			}
			b.WriteByte(' ')
			writeCell(b, text, width, a)
			b.WriteByte(' ')
		}
		b.WriteByte('\n')
	}
}

func writeCell(b *strings.Builder, text string, width int, align Align) {
	fill := width - runewidth.StringWidth(text)
	before := 0
	switch align {
	case Right:
		before = fill
	case Center:
		before = fill / 2
	}
	b.WriteString(strings.Repeat(" ", before))
	b.WriteString(text)
	b.WriteString(strings.Repeat(" ", fill-before))
}

// KeyValue is one line of a key/value block.
type KeyValue struct {
	Key   string
	Value string
	// Bare prints the key alone, without colon and value.
	Bare bool
}

// RenderKeyValues writes a block of "key:value" lines of equal width.
func RenderKeyValues(w io.Writer, pairs []KeyValue) error {
	t := Table{Rows: make([][]string, 0, len(pairs))}
	for _, p := range pairs {
		line := p.Key
		if !p.Bare {
			line += ":" + p.Value
		}
		t.Rows = append(t.Rows, []string{line})
	}
	return t.Render(w, blockIndent)
}
