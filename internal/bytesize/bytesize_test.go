package bytesize

import (
	"errors"
	"math"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]uint64{
		"0": 0, "1024": 1024, "2 Ki": 2048, "10Gb": 1e10, "2.0 KB": 2000, "1.5k": 1500,
		".5kib": 512, "1.9b": 1, "1 PiB": 1 << 50, "3pb": 3e15, "7  mb": 7e6, "1.gi": 1 << 30,
		"18446744073709551615": math.MaxUint64, "9007199254740993": 9007199254740993,
	} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("%q = %d, %v, want %d", text, got, err, want)
		}
	}
	for text, want := range map[string]error{
		"": ErrEmpty, "  ": ErrEmpty, "kb": ErrNumber, ".": ErrNumber, "1.2.3": ErrNumber, "-1": ErrNumber,
		"1 x": ErrUnit, "1 k b": ErrUnit, "18446744073709551616": ErrTooLarge, "20000pib": ErrTooLarge,
	} {
		if got, err := Parse(text); !errors.Is(err, want) {
			t.Errorf("%q = %d, %v, want %v", text, got, err, want)
		}
	}
}

func TestFormat(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 KB", 2500: "2.5 KB", 2_500_000: "2.5 MB",
		7e9: "7.0 GB", 1e15: "1.0 PB", math.MaxUint64: "18.4 EB",
	} {
		if got := Format(n); got != want {
			t.Errorf("%d = %q, want %q", n, got, want)
		}
	}
}

// FuzzParse: no text panics, and a size's display reads back to within its
// one decimal.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"2 Ki", "10Gb", "1.5k", "", "18446744073709551615", "9.9pib", "1e9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := Parse(s)
		if err != nil || n >= 1e18 { // the display's E has no spelling to read
			return
		}
		back, err := Parse(Format(n))
		if err != nil {
			t.Fatalf("%q: %v", Format(n), err)
		}
		if diff := math.Abs(float64(back) - float64(n)); diff > float64(n)/10 {
			t.Fatalf("%d displays as %q, which reads as %d", n, Format(n), back)
		}
	})
}
