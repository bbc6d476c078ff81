package crash

import "fmt"

// maxProblems is how many violations a report names.
const maxProblems = 20

// Report is what a Checker found. The names A1 to A6 are those of the
// assertions that Checker lists.
type Report struct {
	Records    int // in the log
	Unacked    int // of them without an acknowledgement
	Duplicates int // of them stored before, all after an attempt that failed
	Lost       int // acknowledgements of what is not there
	Violations int
	Problems   []string // the first violations, in words
}

// Checker compares the log, read from the beginning, with a ledger:
//
//	A1  every acknowledged record is at the acknowledged offset
//	A2  offsets are contiguous from 0
//	A3  first appearances of each producer are in order, in each partition
//	A4  every value has its hash and was sent
//	A5  what a consumer of committed records saw has not changed
//	A6  a record is stored at most as often as it was sent, so only records
//	    whose first attempt failed can be there twice
//
// Feed it every record with Add, then call Finish. Nobody may use the ledger
// meanwhile.
type Checker struct {
	// Resends is for producers that go on after a failure while their client
	// sends batches again by itself: of a record whose fate was unclear there may
	// be copies that the ledger does not know (A6), and what was sent anew after
	// a failure comes after what was accepted meanwhile (A3).
	Resends bool

	ledger *Ledger
	report Report
	log    map[Place]Sum
	count  map[Key]int
	next   map[uint32]int64
	last   map[stream]uint64
}

type stream struct{ producer, partition uint32 }

// NewChecker returns a checker of one reading.
func NewChecker(l *Ledger) *Checker {
	return &Checker{
		ledger: l,
		log:    make(map[Place]Sum),
		count:  make(map[Key]int),
		next:   make(map[uint32]int64),
		last:   make(map[stream]uint64),
	}
}

func (c *Checker) problem(format string, args ...any) {
	c.report.Violations++
	if len(c.report.Problems) < maxProblems {
		c.report.Problems = append(c.report.Problems, fmt.Sprintf(format, args...))
	}
}

// Add takes the next record of a partition.
func (c *Checker) Add(at Place, value []byte) {
	c.report.Records++
	if want := c.next[at.Partition]; at.Offset != want {
		c.problem("A2: partition %d goes on at offset %d, want %d", at.Partition, at.Offset, want)
	}
	c.next[at.Partition] = at.Offset + 1
	k, sum, err := ParseValue(value)
	c.log[at] = sum
	if err != nil {
		c.problem("A4: %v: %v", at, err)
		return
	}
	e := c.ledger.entries[k]
	switch {
	case e == nil:
		c.problem("A4: %v holds %v, which was never sent", at, k)
		return
	case e.sum != sum:
		c.problem("A4: %v holds another value of %v than the one that was sent", at, k)
	}
	if len(e.acked) == 0 {
		c.report.Unacked++
	}
	c.count[k]++
	if c.count[k] > 1 {
		c.report.Duplicates++
		if c.count[k] > e.attempts && !c.Resends {
			c.problem("A6: %v is stored %d times and was sent %d times", k, c.count[k], e.attempts)
		}
		return
	}
	if e.attempts > 1 && c.Resends {
		return
	}
	s := stream{k.Producer, at.Partition}
	if last, ok := c.last[s]; ok && k.Seq < last {
		c.problem("A3: %v holds %v, after number %d of that producer", at, k, last)
	}
	c.last[s] = k.Seq
}

// Finish makes the comparisons that need the whole log.
func (c *Checker) Finish() Report {
	for k, e := range c.ledger.entries {
		if len(e.acked) > 1 {
			c.problem("A6: %v was acknowledged %d times: %v", k, len(e.acked), e.acked)
		}
		for _, at := range e.acked {
			switch sum, ok := c.log[at]; {
			case !ok:
				c.report.Lost++
				c.problem("A1: %v was acknowledged at %v, which is not there", k, at)
			case sum != e.sum:
				c.report.Lost++
				c.problem("A1: %v was acknowledged at %v, which holds something else", k, at)
			}
		}
	}
	for at, want := range c.ledger.seen {
		switch sum, ok := c.log[at]; {
		case !ok:
			c.problem("A5: a consumer saw %v, which is not there any more", at)
		case sum != want:
			c.problem("A5: a consumer saw something else at %v", at)
		}
	}
	return c.report
}
