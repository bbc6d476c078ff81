package log

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
	"github.com/fluvio-go/fluvio/netproto/record"
)

// leader-epoch.chk lists which leader epoch began at which offset. It is
// text, replaced as a whole; the format must not move.
//
//	1                  version
//	2                  number of entries
//	0 0                epoch, start offset
//	3 4711
//	crc 1a2b3c4d       CRC-32C of the lines before, hexadecimal
const (
	epochsName    = "leader-epoch.chk"
	epochsVersion = 1
)

// epochStart says that the records from start on were appended in epoch.
type epochStart struct {
	epoch int32
	start int64
}

// epochs is sorted by epoch and by start, both strictly rising.
type epochs []epochStart

// observe notes that a batch at offset has epoch. It reports whether that is
// news. Batches from before epochs were known have −1 and say nothing.
func (e *epochs) observe(epoch int32, offset int64) bool {
	v := *e
	if n := len(v); epoch < 0 || n > 0 && epoch <= v[n-1].epoch {
		return false
	}
	v.cut(offset)
	*e = append(v, epochStart{epoch, offset})
	return true
}

// cut forgets epochs that begin at or after offset.
func (e *epochs) cut(offset int64) {
	v := *e
	for len(v) > 0 && v[len(v)-1].start >= offset {
		v = v[:len(v)-1]
	}
	*e = v
}

func (e epochs) encode() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%d\n%d\n", epochsVersion, len(e))
	for _, s := range e {
		fmt.Fprintf(&b, "%d %d\n", s.epoch, s.start)
	}
	fmt.Fprintf(&b, "crc %08x\n", crc32.Checksum(b.Bytes(), castagnoli))
	return b.Bytes()
}

var errEpochs = errors.New("not a list of leader epochs")

func decodeEpochs(b []byte) (epochs, error) {
	body, sum, ok := bytes.Cut(b, []byte("crc "))
	if !ok || string(sum) != fmt.Sprintf("%08x\n", crc32.Checksum(body, castagnoli)) {
		return nil, fmt.Errorf("%w: checksum", errEpochs)
	}
	lines := strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")
	if len(lines) < 2 || lines[0] != strconv.Itoa(epochsVersion) || lines[1] != strconv.Itoa(len(lines)-2) {
		return nil, fmt.Errorf("%w: version or count", errEpochs)
	}
	var e epochs
	for _, line := range lines[2:] {
		var s epochStart
		if _, err := fmt.Sscanf(line, "%d %d", &s.epoch, &s.start); err != nil {
			return nil, fmt.Errorf("%w: %q", errEpochs, line)
		}
		if n := len(e); s.epoch < 0 || s.start < 0 || n > 0 && (s.epoch <= e[n-1].epoch || s.start <= e[n-1].start) {
			return nil, fmt.Errorf("%w: %q is out of order", errEpochs, line)
		}
		e = append(e, s)
	}
	return e, nil
}

func (l *Log) epochsPath() string { return filepath.Join(l.dir, epochsName) }

func (l *Log) readEpochs() (epochs, error) {
	b, err := vfs.ReadFile(l.fs, l.epochsPath())
	if err != nil {
		return nil, err
	}
	return decodeEpochs(b)
}

// beginEpochs writes down new leader epochs before a batch of theirs is
// appended, so that the file is never behind the log.
func (l *Log) beginEpochs(batches []byte) error {
	var changed epochs
	for rest := record.Batch(batches); len(rest) > 0; {
		b, tail, err := record.Next(rest)
		if err != nil {
			return err
		}
		rest = tail
		latest, _ := l.LatestEpoch()
		if n := len(changed); n > 0 {
			latest = changed[n-1].epoch
		}
		if b.LeaderEpoch() > latest {
			if changed == nil {
				changed = append(changed, l.epochs...)
			}
			changed.observe(b.LeaderEpoch(), b.BaseOffset())
		}
	}
	if changed == nil {
		return nil
	}
	if err := replaceFile(l.fs, l.epochsPath(), changed.encode()); err != nil {
		return err
	}
	l.mu.Lock()
	l.epochs = changed
	l.mu.Unlock()
	return nil
}

// LatestEpoch is the newest leader epoch in the log and the offset at which
// it began, or −1 and the start of the log if no batch has one.
func (l *Log) LatestEpoch() (epoch int32, start int64) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if n := len(l.epochs); n > 0 {
		return l.epochs[n-1].epoch, l.epochs[n-1].start
	}
	return -1, l.segs[0].base
}

// EpochEnd answers a follower that wants to know where its log parts from
// this one: the largest epoch here that is not above the one asked for, and
// the offset after its last record. Without such an epoch it returns −1 and
// the start of the log.
func (l *Log) EpochEnd(epoch int32) (int32, int64) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	end := l.end
	for i := len(l.epochs) - 1; i >= 0; i-- {
		e := l.epochs[i]
		if e.epoch <= epoch {
			return e.epoch, max(end, l.segs[0].base)
		}
		end = e.start
	}
	return -1, l.segs[0].base
}
