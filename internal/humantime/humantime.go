package humantime

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Faults of a duration's text.
var (
	ErrEmpty    = errors.New("value was empty")
	ErrNumber   = errors.New("expected number")
	ErrNoUnit   = errors.New("time unit needed, for example 1sec or 1ms")
	ErrUnit     = errors.New("unknown time unit, supported units: ns, us/µs, ms, sec, min, hours, days, weeks, months, years (and few variations)")
	ErrTooLarge = errors.New("number is too large or cannot be represented without a lack of precision")
)

// Units without a constant of their own in package time.
const (
	day   = 24 * time.Hour
	week  = 7 * day
	month = 2_630_016 * time.Second  // 30.44 days
	year  = 31_557_600 * time.Second // 365.25 days
)

// Parse reads a duration: whole numbers each followed by a unit, blanks
// anywhere between. A bare "0" needs no unit. Durations beyond what
// time.Duration holds, about 292 years, are ErrTooLarge.
func Parse(s string) (time.Duration, error) {
	rest := strings.TrimSpace(s)
	switch rest {
	case "":
		return 0, ErrEmpty
	case "0":
		return 0, nil
	}
	var total time.Duration
	for rest != "" {
		span, tail, err := parseSpan(rest)
		if err != nil {
			return 0, fmt.Errorf("%q: %w", s, err)
		}
		if total > math.MaxInt64-span {
			return 0, fmt.Errorf("%q: %w", s, ErrTooLarge)
		}
		total += span
		rest = tail
	}
	return total, nil
}

// parseSpan reads one number with its unit from the front of s.
func parseSpan(s string) (span time.Duration, rest string, err error) {
	digits := s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
	if digits == "" {
		return 0, "", ErrNumber
	}
	rest = strings.TrimLeft(s[len(digits):], " \t")
	end := strings.IndexFunc(rest, func(r rune) bool {
		return r != 'µ' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if end < 0 {
		end = len(rest)
	}
	name := rest[:end]
	if name == "" {
		return 0, "", ErrNoUnit
	}
	unit, ok := unitOf(name)
	if !ok {
		return 0, "", ErrUnit
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n > math.MaxInt64/int64(unit) {
		return 0, "", ErrTooLarge
	}
	return time.Duration(n) * unit, strings.TrimLeft(rest[end:], " \t"), nil
}

func unitOf(name string) (time.Duration, bool) {
	switch name {
	case "ns", "nsec", "nanos":
		return time.Nanosecond, true
	case "us", "usec", "µs":
		return time.Microsecond, true
	case "ms", "msec", "millis":
		return time.Millisecond, true
	case "s", "sec", "secs", "second", "seconds":
		return time.Second, true
	case "m", "min", "mins", "minute", "minutes":
		return time.Minute, true
	case "h", "hr", "hrs", "hour", "hours":
		return time.Hour, true
	case "d", "day", "days":
		return day, true
	case "w", "wk", "wks", "week", "weeks":
		return week, true
	case "M", "month", "months":
		return month, true
	case "y", "yr", "yrs", "year", "years":
		return year, true
	}
	return 0, false
}

// Format writes d from the largest unit to the smallest, separated by blanks:
// "1year 2months 7days 1h 2m 3s 4ms 5us 6ns". Zero, and what is below it, is
// "0s".
func Format(d time.Duration) string {
	if d <= 0 {
		return "0s"
	}
	var parts []string
	for _, u := range []struct {
		size   time.Duration
		name   string
		plural bool
	}{
		{year, "year", true}, {month, "month", true}, {day, "day", true},
		{time.Hour, "h", false}, {time.Minute, "m", false}, {time.Second, "s", false},
		{time.Millisecond, "ms", false}, {time.Microsecond, "us", false}, {time.Nanosecond, "ns", false},
	} {
		n := d / u.size
		if n == 0 {
			continue
		}
		d -= n * u.size
		part := strconv.FormatInt(int64(n), 10) + u.name
		if u.plural && n > 1 {
			part += "s"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, " ")
}
