package api

import "github.com/fluvio-go/fluvio/netproto/codec"

// TableFormatSpec says how records become rows.
type TableFormatSpec struct {
	Name        string
	InputFormat *uint8 // 0 JSON
	Columns     *[]TableColumn
	SmartModule *string
}

// Code visits the spec.
func (s *TableFormatSpec) Code(c *codec.Coder) {
	c.String(&s.Name)
	codec.Option(c, &s.InputFormat, func(v *uint8, c *codec.Coder) { codec.Enum8(c, v, 0, "table input format") })
	codec.Option(c, &s.Columns, func(v *[]TableColumn, c *codec.Coder) { codec.Slice(c, v, (*TableColumn).Code) })
	c.StringOption(&s.SmartModule)
}

// TableAlignment places text in its column.
type TableAlignment uint8

// The alignments.
const (
	AlignLeft TableAlignment = iota
	AlignRight
	AlignCenter
)

// TableColor is a colour of a column's header.
type TableColor uint8

// The colours.
const (
	ColorBlue TableColor = iota
	ColorYellow
	ColorGreen
)

// TableColumn is one column of a table format.
type TableColumn struct {
	HeaderLabel     *string
	Width           *string
	Alignment       *TableAlignment
	KeyPath         string
	Format          *string
	Display         *bool
	PrimaryKey      *bool
	HeaderBgColor   *TableColor
	HeaderTextColor *TableColor
}

// Code visits the column.
func (t *TableColumn) Code(c *codec.Coder) {
	boolElem := func(v *bool, c *codec.Coder) { c.Bool(v) }
	color := func(v *TableColor, c *codec.Coder) { codec.Enum8(c, v, ColorGreen, "table color") }
	c.StringOption(&t.HeaderLabel)
	c.StringOption(&t.Width)
	codec.Option(c, &t.Alignment, func(v *TableAlignment, c *codec.Coder) {
		codec.Enum8(c, v, AlignCenter, "table alignment")
	})
	c.String(&t.KeyPath)
	c.StringOption(&t.Format)
	codec.Option(c, &t.Display, boolElem)
	codec.Option(c, &t.PrimaryKey, boolElem)
	codec.Option(c, &t.HeaderBgColor, color)
	codec.Option(c, &t.HeaderTextColor, color)
}

// TableFormatResolution is the state of a table format.
type TableFormatResolution uint8

// The states of a table format.
const (
	TableFormatInit TableFormatResolution = iota
	TableFormatInvalid
	TableFormatRunning
	TableFormatPending
	TableFormatFailed
)

// TableFormatStatus is the actual state of a table format.
type TableFormatStatus struct {
	Resolution TableFormatResolution
	Reason     *string
}

// Code visits the status.
func (s *TableFormatStatus) Code(c *codec.Coder) {
	codec.Enum8(c, &s.Resolution, TableFormatFailed, "table format resolution")
	codec.Option(c, &s.Reason, codec.TextElem)
}
