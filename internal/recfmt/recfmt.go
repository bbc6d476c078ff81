package recfmt

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/fluvio-go/fluvio/internal/handlebars"
)

// Record is what there is to print of one record.
type Record struct {
	Key       []byte // nil when the record has none; empty is a key
	Value     []byte
	Offset    int64
	Partition uint32
	Timestamp int64 // milliseconds since 1970, NoTimestamp when unknown
}

// NoTimestamp is the timestamp of a record without one.
const NoTimestamp = -1

// Format is a way to print record values.
type Format string

// Formats, in the order messages list them.
const (
	Dynamic Format = "dynamic"
	Text    Format = "text"
	Binary  Format = "binary"
	JSON    Format = "json"
	Raw     Format = "raw"
	Table   Format = "table"
)

// Options say how records are printed. The zero value prints dynamic text.
type Options struct {
	Format Format // empty is Dynamic
	// Template prints each record through a template, in place of Format.
	// Its variables are key, value, offset, partition and time.
	Template *handlebars.Template
	// KeyValue puts "[key] " in front of each value.
	KeyValue bool
	// SuppressUnknown prints binary values as text in Text, and skips values
	// that are not JSON in JSON.
	SuppressUnknown bool
	// Truncate cuts each value after this many characters; 0 does not.
	Truncate int
	// Terminal replaces control characters in keys and values by visible
	// marks, in every format but Raw: record data must not drive a terminal.
	Terminal bool
}

// Printer prints records one after the other. It is not safe for concurrent
// use.
type Printer struct {
	opts    Options
	scratch []byte
	headed  bool           // Table has printed its top border
	vars    map[string]any // of Template, reused
}

// New returns a printer.
func New(opts Options) *Printer {
	if opts.Format == "" {
		opts.Format = Dynamic
	}
	return &Printer{opts: opts}
}

// Append appends the text of one record, ending in a newline, to dst. A record
// that its format cannot show adds nothing, or a line that says why.
func (p *Printer) Append(dst []byte, r *Record) []byte {
	var ok bool
	var fault string
	p.scratch, ok, fault = p.value(p.scratch[:0], r)
	switch {
	case fault != "":
		return append(append(dst, fault...), '\n')
	case !ok:
		return dst
	}
	if p.opts.KeyValue {
		dst = append(dst, '[')
		dst = p.data(dst, keyOf(r))
		dst = append(dst, "] "...)
		dst = append(dst, p.scratch...)
	} else {
		dst = append(dst, cut(p.scratch, p.opts.Truncate)...)
	}
	return append(dst, '\n')
}

// value appends the value in the printer's format. fault is a line to print
// instead.
func (p *Printer) value(dst []byte, r *Record) (out []byte, ok bool, fault string) {
	if p.opts.Template != nil {
		return p.template(dst, r)
	}
	switch p.opts.Format {
	case Text:
		if isBinary(r.Value) && !p.opts.SuppressUnknown {
			dst = append(dst, "binary: ("...)
			dst = strconv.AppendInt(dst, int64(len(r.Value)), 10)
			return append(dst, " bytes)"...), true, ""
		}
		return p.data(dst, r.Value), true, ""
	case Binary:
		return appendHexDump(dst, r.Value), true, ""
	case Raw:
		return appendLossy(dst, r.Value), true, ""
	case JSON:
		return p.json(dst, r.Value)
	case Table:
		return p.table(dst, r.Value)
	}
	if isBinary(r.Value) {
		return appendHexDump(dst, r.Value), true, ""
	}
	return p.data(dst, r.Value), true, ""
}

func (p *Printer) template(dst []byte, r *Record) ([]byte, bool, string) {
	if p.vars == nil {
		p.vars = make(map[string]any, 5)
	}
	p.vars["key"] = string(p.data(nil, keyOf(r)))
	p.vars["value"] = string(p.data(nil, r.Value))
	p.vars["offset"] = r.Offset
	p.vars["partition"] = int64(r.Partition)
	p.vars["time"] = timeOf(r.Timestamp)
	dst, err := p.opts.Template.Append(dst, p.vars)
	return dst, err == nil, ""
}

// timeOf returns a timestamp as RFC 3339 in UTC with milliseconds.
func timeOf(ms int64) string {
	if ms == NoTimestamp {
		return "NA"
	}
	return time.UnixMilli(max(ms, 0)).UTC().Format("2006-01-02T15:04:05.000Z")
}

var nullKey = []byte("null")

func keyOf(r *Record) []byte {
	if r.Key == nil {
		return nullKey
	}
	return r.Key
}

// data appends record data as text, made safe when a terminal shows it.
func (p *Printer) data(dst, data []byte) []byte {
	if p.opts.Terminal {
		return appendVisible(dst, data)
	}
	return appendLossy(dst, data)
}

// cut returns the first n characters of b; all of it when n is 0.
func cut(b []byte, n int) []byte {
	if n <= 0 || len(b) <= n {
		return b
	}
	end := 0
	for range n {
		if end == len(b) {
			break
		}
		_, size := utf8.DecodeRune(b[end:])
		end += size
	}
	return b[:end]
}
