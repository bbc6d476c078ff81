package humantime

import (
	"errors"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "1h30m": 90 * time.Minute, "1 h  30 m": 90 * time.Minute, "2m": 2 * time.Minute,
		"1w": week, "7days": 7 * day, "1M": month, "2months": 2 * month, "1year": year, "5us": 5 * time.Microsecond,
		"5µs": 5 * time.Microsecond, "6nsec": 6, "3msec": 3 * time.Millisecond, " 4 sec ": 4 * time.Second, "2hrs": 2 * time.Hour,
	} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("%q = %v, %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]error{
		"": ErrEmpty, " ": ErrEmpty, "5": ErrNoUnit, "1h5": ErrNoUnit, "s": ErrNumber, "-1s": ErrNumber,
		"1.5h": ErrNoUnit, "1x": ErrUnit, "1S": ErrUnit, "300years": ErrTooLarge,
		"99999999999999999999s": ErrTooLarge, "292years 1year": ErrTooLarge,
	} {
		if got, err := Parse(text); !errors.Is(err, want) {
			t.Errorf("%q = %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestFormat(t *testing.T) {
	all := year + 2*month + 7*day + time.Hour + 2*time.Minute + 3*time.Second + 4*time.Millisecond + 5*time.Microsecond + 6
	for d, want := range map[time.Duration]string{
		0: "0s", -1: "0s", 7 * day: "7days", day: "1day", 2 * year: "2years", 90 * time.Minute: "1h 30m",
		all: "1year 2months 7days 1h 2m 3s 4ms 5us 6ns",
	} {
		if got := Format(d); got != want {
			t.Errorf("%d = %q, want %q", d, got, want)
		}
	}
}

// FuzzParse: no text panics, and what a duration displays as reads back the
// same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"1h 30m", "0", "1M2w", "5µs", "292years", "1x", "9223372036854775807ns"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := Parse(s)
		if err != nil {
			return
		}
		if d < 0 {
			t.Fatalf("%q is negative: %v", s, d)
		}
		if back, err := Parse(Format(d)); err != nil || back != d {
			t.Fatalf("%v displays as %q, which reads as %v, %v", d, Format(d), back, err)
		}
	})
}
