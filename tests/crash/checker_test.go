package crash

import (
	"bytes"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// stored is one record of a log under test.
type stored struct {
	at    Place
	value []byte
}

// story is a ledger and a log that go together: producer 1 sends 1 to 6 to
// partition 0; 4 fails after it was stored and is sent again, 6 fails.
func story() (*Ledger, []stored) {
	rng := rand.New(rand.NewPCG(1, 2))
	l := NewLedger(io.Discard)
	var log []stored
	put := func(seq uint64, ack bool, value []byte) []byte {
		k := Key{1, seq}
		if value == nil {
			value = NewValue(k, rng)
		}
		_, sum, _ := ParseValue(value)
		at := Place{0, int64(len(log))}
		l.Attempt(k, sum)
		log = append(log, stored{at, value})
		if ack {
			l.Ack(k, at)
			l.Saw(at, sum)
		}
		return value
	}
	put(1, true, nil)
	put(2, true, nil)
	put(3, true, nil)
	four := put(4, false, nil)
	put(4, true, four)
	put(5, true, nil)
	put(6, false, nil)
	return l, log
}

func read(l *Ledger, log []stored) Report {
	c := NewChecker(l)
	for _, r := range log {
		c.Add(r.at, r.value)
	}
	return c.Finish()
}

func TestCheckerAcceptsWhatIsPromised(t *testing.T) {
	l, log := story()
	r := read(l, log)
	if r.Violations != 0 || r.Records != 7 || r.Unacked != 1 || r.Duplicates != 1 || r.Lost != 0 {
		t.Errorf("%+v", r)
	}
	// An unacknowledged tail may be lost.
	if r := read(l, log[:6]); r.Violations != 0 {
		t.Errorf("%+v", r)
	}
}

func TestCheckerFindsFaults(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	renumber := func(log []stored) []stored {
		for i := range log {
			log[i].at.Offset = int64(i)
		}
		return log
	}
	for _, tt := range []struct {
		name  string
		want  string
		fault func(l *Ledger, log []stored) []stored
	}{
		{"acknowledged tail lost", "A1", func(_ *Ledger, log []stored) []stored { return log[:5] }},
		{"all lost", "A1", func(*Ledger, []stored) []stored { return nil }},
		{"record lost and the rest moved up", "A1", func(_ *Ledger, log []stored) []stored {
			return renumber(append(log[:1:1], log[2:]...))
		}},
		{"gap", "A2", func(_ *Ledger, log []stored) []stored { return append(log[:1:1], log[2:]...) }},
		{"offset twice", "A2", func(_ *Ledger, log []stored) []stored {
			log[3].at.Offset = 2
			return log
		}},
		{"two swapped", "A3", func(_ *Ledger, log []stored) []stored {
			log[1].value, log[2].value = log[2].value, log[1].value
			return log
		}},
		{"bit flipped", "A4", func(_ *Ledger, log []stored) []stored {
			log[6].value[20] ^= 1
			return log
		}},
		{"never sent", "A4", func(_ *Ledger, log []stored) []stored {
			return append(log, stored{Place{0, 7}, NewValue(Key{9, 9}, rng)})
		}},
		{"other value under a key", "A4", func(_ *Ledger, log []stored) []stored {
			log[6].value = NewValue(Key{1, 6}, rng)
			return log
		}},
		{"not ours", "A4", func(_ *Ledger, log []stored) []stored {
			return append(log, stored{Place{0, 7}, []byte("hello")})
		}},
		{"seen and gone", "A5", func(l *Ledger, log []stored) []stored {
			_, sum, _ := ParseValue(log[6].value)
			l.Saw(Place{0, 6}, sum)
			return log[:6]
		}},
		{"seen and changed", "A5", func(l *Ledger, log []stored) []stored {
			l.Saw(Place{0, 6}, Sum{1})
			return log
		}},
		{"acknowledged record twice", "A6", func(_ *Ledger, log []stored) []stored {
			return append(log, stored{Place{0, 7}, log[5].value})
		}},
		{"acknowledged twice", "A6", func(l *Ledger, log []stored) []stored {
			l.Ack(Key{1, 4}, Place{0, 3})
			return log
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, log := story()
			r := read(l, tt.fault(l, log))
			if !strings.Contains(strings.Join(r.Problems, "\n"), tt.want) {
				t.Errorf("want %s, got %q", tt.want, r.Problems)
			}
		})
	}
}

// TestCheckerAllowsResends: what a client did by itself is no fault, what a
// producer saw is.
func TestCheckerAllowsResends(t *testing.T) {
	for _, tt := range []struct {
		name    string
		resends bool
		want    string
		fault   func(l *Ledger, log []stored) []stored
	}{
		{"copy, strict", false, "A6", copyOfFive},
		{"copy", true, "", copyOfFive},
		{"sent again too late, strict", false, "A3", swapFourAndFive},
		{"sent again too late", true, "", swapFourAndFive},
		{"order of others", true, "A3", func(l *Ledger, log []stored) []stored {
			log[1].value, log[2].value = log[2].value, log[1].value
			return log
		}},
		{"lost", true, "A1", func(_ *Ledger, log []stored) []stored { return log[:5] }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, log := story()
			c := NewChecker(l)
			c.Resends = tt.resends
			for _, r := range tt.fault(l, log) {
				c.Add(r.at, r.value)
			}
			problems := strings.Join(c.Finish().Problems, "\n")
			if tt.want == "" && problems != "" || !strings.Contains(problems, tt.want) {
				t.Errorf("want %q, got %q", tt.want, problems)
			}
		})
	}
}

// copyOfFive has the client send number 5 twice.
func copyOfFive(_ *Ledger, log []stored) []stored {
	return append(log, stored{Place{0, 7}, log[5].value})
}

// swapFourAndFive has the first attempt of 4 come to nothing, and the second
// one come after 5.
func swapFourAndFive(l *Ledger, log []stored) []stored {
	four, five := log[4].value, log[5].value
	log[3].value, log[4].value = five, four
	log = slices.Delete(log, 5, 6)
	log[5].at.Offset = 5
	l.entries[Key{1, 5}].acked = []Place{{0, 3}}
	l.seen = make(map[Place]Sum)
	return log
}

func TestValues(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	long := 0
	for seq := range uint64(2000) {
		k := Key{3, seq}
		v := NewValue(k, rng)
		got, sum, err := ParseValue(v)
		if err != nil || got != k {
			t.Fatalf("ParseValue = %v, %v, want %v", got, err, k)
		}
		if !bytes.HasSuffix(v, sum[:]) {
			t.Fatal("a value does not end with its hash")
		}
		long = max(long, len(v))
		if _, _, err := ParseValue(v[:len(v)-1]); err == nil {
			t.Fatal("a cut value was accepted")
		}
	}
	if long < 4<<10 || long > minValue+maxFiller {
		t.Errorf("the longest of 2,000 values has %d bytes", long)
	}
}

func TestUnacked(t *testing.T) {
	l, _ := story()
	if got := l.Unacked(1); len(got) != 1 || got[0] != 6 {
		t.Errorf("Unacked = %v, want [6]", got)
	}
}
