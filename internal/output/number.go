package output

import (
	"encoding/json"
	"strconv"
	"strings"
)

// numberNode writes a JSON number the way the original prints it back:
// integers of 64 bits as they are, everything else as the nearest float in its
// shortest form.
func numberNode(n json.Number) *node {
	s := n.String()
	if i, err := strconv.ParseInt(s, 10, 64); err == nil && s != "-0" {
		return &node{kind: number, text: s, value: i}
	}
	if u, err := strconv.ParseUint(s, 10, 64); err == nil {
		return &node{kind: number, text: s, value: u}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil { // beyond a float's range: keep the digits
		return &node{kind: number, text: s, value: s}
	}
	return floatNode(f)
}

// Decimal exponents within which a float is written without one.
const (
	minPlainExponent = -5
	maxPlainExponent = 16
)

func floatNode(f float64) *node {
	s := strconv.FormatFloat(f, 'e', -1, 64)
	mantissa, exponent, ok := strings.Cut(s, "e")
	if !ok { // NaN and infinities, which JSON does not have
		return &node{kind: null}
	}
	e, err := strconv.Atoi(exponent)
	switch {
	case err != nil || f == 0 || e >= minPlainExponent && e < maxPlainExponent:
		s = strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
	default:
		s = mantissa + "e" + strconv.Itoa(e)
	}
	return &node{kind: number, text: s, value: f}
}
