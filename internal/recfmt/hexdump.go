package recfmt

const (
	hexColumns = 16
	hexDigits  = "0123456789abcdef"
	separator  = "------------------------------------------------------------------------------"
)

// appendHexDump appends the dump of b, sixteen bytes a line, and the line that
// separates it from the next.
func appendHexDump(dst, b []byte) []byte {
	for at := 0; at < len(b); at += hexColumns {
		row := b[at:min(at+hexColumns, len(b))]
		for shift := 28; shift >= 0; shift -= 4 {
			dst = append(dst, hexDigits[at>>shift&0xf])
		}
		for i := range hexColumns {
			if i%(hexColumns/2) == 0 {
				dst = append(dst, ' ')
			}
			if i < len(row) {
				dst = append(dst, ' ', hexDigits[row[i]>>4], hexDigits[row[i]&0xf])
			} else {
				dst = append(dst, "   "...)
			}
		}
		dst = append(dst, "  |"...)
		for i := range hexColumns {
			c := byte(' ')
			if i < len(row) {
				c = shown(row[i])
			}
			dst = append(dst, c)
		}
		dst = append(dst, "|\n"...)
	}
	dst = append(dst, separator...)
	return append(dst, '\n')
}

// shown is the character of the text column.
func shown(c byte) byte {
	switch {
	case c >= 0x20 && c < 0x7f:
		return c
	case c == '\n':
		return '.'
	}
	return ' '
}
