package bytesize

import (
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Faults of a size's text.
var (
	ErrEmpty    = errors.New("empty byte size")
	ErrNumber   = errors.New("not a number")
	ErrUnit     = errors.New("unknown unit")
	ErrTooLarge = errors.New("byte size does not fit in 64 bits")
)

// longestNumber bounds the digits of a size, so that hostile text cannot make
// exact arithmetic slow. 64 bits need 20 digits.
const longestNumber = 64

// Parse reads a size: digits and at most one dot, blanks, a unit in any case.
// Without a unit the number is bytes. Fractions of a byte are cut off.
func Parse(s string) (uint64, error) {
	end := strings.IndexFunc(s, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if end < 0 {
		end = len(s)
	}
	number, unit := s[:end], strings.TrimSpace(s[end:])
	switch {
	case strings.TrimSpace(s) == "":
		return 0, ErrEmpty
	case strings.Trim(number, ".") == "" || strings.Count(number, ".") > 1 || len(number) > longestNumber:
		return 0, fmt.Errorf("%q: %w", s, ErrNumber)
	}
	factor, ok := factorOf(strings.ToLower(unit))
	if !ok {
		return 0, fmt.Errorf("%q: %w", unit, ErrUnit)
	}
	// Exact: a float would lose bytes above 2^53.
	r, ok := new(big.Rat).SetString(number)
	if !ok {
		return 0, fmt.Errorf("%q: %w", s, ErrNumber)
	}
	r.Mul(r, new(big.Rat).SetInt(new(big.Int).SetUint64(factor)))
	n := new(big.Int).Quo(r.Num(), r.Denom())
	if !n.IsUint64() {
		return 0, fmt.Errorf("%q: %w", s, ErrTooLarge)
	}
	return n.Uint64(), nil
}

func factorOf(unit string) (uint64, bool) {
	switch unit {
	case "", "b":
		return 1, true
	case "k", "kb":
		return 1e3, true
	case "m", "mb":
		return 1e6, true
	case "g", "gb":
		return 1e9, true
	case "t", "tb":
		return 1e12, true
	case "p", "pb":
		return 1e15, true
	case "ki", "kib":
		return 1 << 10, true
	case "mi", "mib":
		return 1 << 20, true
	case "gi", "gib":
		return 1 << 30, true
	case "ti", "tib":
		return 1 << 40, true
	case "pi", "pib":
		return 1 << 50, true
	}
	return 0, false
}

// Format returns n for people: below 1000 "N B", else one decimal in decimal
// units, "1.0 KB".
func Format(n uint64) string {
	if n < 1000 {
		return strconv.FormatUint(n, 10) + " B"
	}
	value, unit := float64(n), -1
	for value >= 1000 && unit < len(units)-1 {
		value /= 1000
		unit++
	}
	return strconv.FormatFloat(value, 'f', 1, 64) + " " + units[unit:unit+1] + "B"
}

const units = "KMGTPE"
