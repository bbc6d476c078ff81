package log

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
)

// loss.json says that records which this log once had are gone. It is there
// before anything else of a log that is begun in place of a lost one, stays
// through every crash and start, and goes when the owner says so: only the
// owner knows whether others have counted on the records.
const (
	lossName   = "loss.json"
	lossFormat = 1
)

// LossKind is how much of a log is gone, from little to all.
type LossKind uint8

// The kinds.
const (
	NoLoss LossKind = iota
	// LossDamage: records in the middle cannot be read. Offsets are as they
	// were, and everything around can be.
	LossDamage
	// LossTail: the log ends before where it once ended.
	LossTail
	// LossAll: there was no log where one should have been.
	LossAll
)

var lossNames = [...]string{NoLoss: "none", LossDamage: "damage", LossTail: "tail", LossAll: "all"}

// String is the name that loss.json has for the kind.
func (k LossKind) String() string {
	if int(k) < len(lossNames) {
		return lossNames[k]
	}
	return fmt.Sprintf("loss(%d)", uint8(k))
}

// Loss is what a log knows about records that it lost. Where several things
// happened it is the worst of them, with the range that holds all.
type Loss struct {
	Kind   LossKind
	Epoch  int32 // that was in force, see SetEpoch
	Offset int64 // the first record that is missing
	Next   int64 // after the last one, as far as known
	Reason string
	// Damage is the part of the range in which records cannot be read.
	Damage Range
}

// Range is the offsets from From on and below To.
type Range struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

func (r Range) empty() bool { return r.From >= r.To }

// join returns the smallest range that holds both.
func (r Range) join(s Range) Range {
	switch {
	case r.empty():
		return s
	case s.empty():
		return r
	}
	return Range{min(r.From, s.From), max(r.To, s.To)}
}

type lossFile struct {
	Format int    `json:"format"`
	Kind   string `json:"kind"`
	Epoch  int32  `json:"epoch"`
	Offset int64  `json:"offset"`
	Next   int64  `json:"next"`
	Reason string `json:"reason"`
	Damage Range  `json:"damage"`
	CRC    string `json:"crc"` // of the file without it
}

func (f lossFile) sum() (string, error) {
	f.CRC = ""
	b, err := json.Marshal(f)
	return fmt.Sprintf("%08x", crc32.Checksum(b, castagnoli)), err
}

func (x Loss) encode() ([]byte, error) {
	f := lossFile{Format: lossFormat, Kind: x.Kind.String(), Epoch: x.Epoch, Offset: x.Offset, Next: x.Next, Reason: x.Reason, Damage: x.Damage}
	var err error
	if f.CRC, err = f.sum(); err != nil {
		return nil, err
	}
	b, err := json.Marshal(f)
	return append(b, '\n'), err
}

func decodeLoss(b []byte) (Loss, error) {
	var f lossFile
	if err := json.Unmarshal(b, &f); err != nil {
		return Loss{}, err
	}
	if sum, err := f.sum(); err != nil || sum != f.CRC {
		return Loss{}, fmt.Errorf("CRC-32C is %s, file says %q", sum, f.CRC)
	}
	if f.Format != lossFormat {
		return Loss{}, fmt.Errorf("format is %d, this release reads %d", f.Format, lossFormat)
	}
	for k := LossDamage; k <= LossAll; k++ {
		if k.String() == f.Kind {
			return Loss{Kind: k, Epoch: f.Epoch, Offset: f.Offset, Next: f.Next, Reason: f.Reason, Damage: f.Damage}, nil
		}
	}
	return Loss{}, fmt.Errorf("kind is %q", f.Kind)
}

func (l *Log) lossPath() string { return filepath.Join(l.dir, lossName) }

// readLoss finds what an earlier start has noted. A note that cannot be
// understood still says that something was lost.
func (l *Log) readLoss() error {
	b, err := vfs.ReadFile(l.fs, l.lossPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	x, err := decodeLoss(b)
	if err != nil {
		x = Loss{Kind: LossTail, Epoch: l.epoch.Load(), Reason: fmt.Sprintf("%s cannot be read: %v", lossName, err)}
	}
	l.mu.Lock()
	l.loss = x
	l.mu.Unlock()
	return nil
}

// Loss is what the log has lost since ClearLoss or AcceptEnd, also before it was opened.
func (l *Log) Loss() Loss {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.loss
}

// SetEpoch tells the leader epoch that is in force, which is noted with
// whatever is lost from now on.
func (l *Log) SetEpoch(epoch int32) { l.epoch.Store(epoch) }

// ClearLoss forgets what was lost, durably. If it fails the loss stays known.
func (l *Log) ClearLoss() error {
	l.pmu.Lock()
	defer l.pmu.Unlock()
	return l.clearLoss()
}

// clearLoss is ClearLoss for those who hold pmu.
func (l *Log) clearLoss() error {
	if l.Loss().Kind == NoLoss {
		return nil
	}
	if err := l.fs.Remove(l.lossPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return ioError(err, "remove %s", l.lossPath())
	}
	if err := l.fs.SyncDir(l.dir); err != nil {
		return ioError(err, "sync directory %s", l.dir)
	}
	l.mu.Lock()
	l.loss = Loss{}
	l.mu.Unlock()
	return nil
}

// AcceptEnd forgets that records are missing at the end, durably. Damage stays
// known.
func (l *Log) AcceptEnd() error {
	l.pmu.Lock()
	defer l.pmu.Unlock()
	x := l.Loss()
	switch {
	case x.Kind <= LossDamage:
		return nil
	case x.Damage.empty():
		return l.clearLoss()
	}
	x.Kind, x.Offset, x.Next = LossDamage, x.Damage.From, x.Damage.To
	x.Reason = fmt.Sprintf("offsets %d to %d cannot be read", x.Offset, x.Next-1)
	b, err := x.encode()
	if err == nil {
		err = replaceFile(l.fs, l.lossPath(), b)
	}
	if err == nil {
		l.mu.Lock()
		l.loss = x
		l.mu.Unlock()
	}
	return err
}

// noteLoss adds to what was lost. It is known from then on even if it cannot
// be written down.
func (l *Log) noteLoss(kind LossKind, offset, next int64, reason string) error {
	l.pmu.Lock()
	defer l.pmu.Unlock()
	before := l.Loss()
	x := Loss{Kind: kind, Epoch: l.epoch.Load(), Offset: offset, Next: next, Reason: reason}
	if kind == LossDamage {
		x.Damage = Range{offset, next}
	}
	if before.Kind != NoLoss {
		if before.Kind >= kind {
			x.Kind, x.Reason = before.Kind, before.Reason
		}
		x.Epoch = max(x.Epoch, before.Epoch)
		x.Offset, x.Next = min(x.Offset, before.Offset), max(x.Next, before.Next)
		x.Damage = x.Damage.join(before.Damage)
		if x == before {
			return nil
		}
	}
	l.mu.Lock()
	l.loss = x
	l.mu.Unlock()
	b, err := x.encode()
	if err == nil {
		err = replaceFile(l.fs, l.lossPath(), b)
	}
	l.events.lost(Lost{Dir: l.dir, Loss: x})
	return err
}

// noteMissing begins a log in place of one that should have been there.
func (l *Log) noteMissing(reason string) error {
	if !l.expected || l.Loss().Kind == LossAll {
		return nil
	}
	if err := makeDir(l.fs, l.dir); err != nil {
		return err
	}
	return l.noteLoss(LossAll, 0, 0, reason)
}

// noteDamage notes records that cannot be read, where they can be fetched
// again from another replica. If that cannot be written down now, the next
// reader will try again, or the next Open.
func (l *Log) noteDamage(offset, next int64, cause error) {
	if l.replicated {
		_ = l.noteLoss(LossDamage, offset, next, fmt.Sprintf("offsets %d to %d cannot be read: %v", offset, next-1, cause))
	}
}

// noteUnreadable is noteDamage for an error of the file system, if the device
// is to blame. Without being read the segment can only be replaced as a whole.
func (l *Log) noteUnreadable(s *segment, next int64, cause error) {
	if errors.Is(cause, syscall.EIO) {
		l.noteDamage(s.base, next, cause)
	}
}

// noteShort compares the end of a log that was just recovered with what is
// known to have been there: on the device, or committed.
func (l *Log) noteShort(onDevice int64) error {
	if l.Loss().Kind == LossAll {
		return nil
	}
	committed := int64(0)
	if l.replicated {
		l.pmu.Lock()
		committed = l.readHW()
		l.pmu.Unlock()
	}
	reason := ""
	switch {
	case onDevice > l.end:
		reason = fmt.Sprintf("the log ends at offset %d, records up to %d were on the device", l.end, onDevice)
	case committed > l.end:
		reason = fmt.Sprintf("the log ends at offset %d, records up to %d were committed", l.end, committed)
	default:
		return nil
	}
	return l.noteLoss(LossTail, l.end, max(onDevice, committed), reason)
}

// forgetEvicted forgets damage that retention has removed.
func (l *Log) forgetEvicted() {
	l.mu.RLock()
	gone := l.loss.Kind == LossDamage && l.loss.Damage.To <= l.segs[0].base
	l.mu.RUnlock()
	if gone {
		_ = l.ClearLoss() // the next Clean tries again
	}
}
