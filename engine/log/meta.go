package log

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
)

// meta.json says whose directory this is, and meta-copy.json says it again,
// so that one damaged file costs nothing. A directory with neither, and nothing
// else of ours, was written by Fluvio and belongs to whoever opens it first.
// One whose owner we once knew and cannot read now belongs to nobody: what it
// holds may be foreign.
const (
	metaName     = "meta.json"
	metaCopyName = "meta-copy.json"
	metaFormat   = 1
)

type meta struct {
	Format    int    `json:"format"`
	TopicID   string `json:"topic_id,omitempty"` // 32 hexadecimal digits
	ClusterID string `json:"cluster_id,omitempty"`
	CRC       string `json:"crc,omitempty"` // see sum; empty in memory
}

// Owner says whose directory a log is in. Zero fields are not known.
type Owner struct {
	TopicID   [16]byte
	ClusterID string
}

// ReadOwner tells whose directory dir is without opening the log in it. A nil
// fsys is the disk. The error matches fs.ErrNotExist if nothing says so, as
// in a directory that Fluvio wrote, ErrDamaged if what does cannot be
// understood, and ErrNewerFormat if a later release wrote it.
func ReadOwner(fsys vfs.FS, dir string) (Owner, error) {
	m, _, err := readMeta(orDisk(fsys), dir)
	if err != nil {
		return Owner{}, fmt.Errorf("owner of log %s: %w", dir, err)
	}
	o := Owner{ClusterID: m.ClusterID}
	_, err = hex.Decode(o.TopicID[:], []byte(m.TopicID))
	return o, err
}

func newMeta(o Owner) meta {
	m := meta{Format: metaFormat, ClusterID: o.ClusterID}
	if o.TopicID != ([16]byte{}) {
		m.TopicID = hex.EncodeToString(o.TopicID[:])
	}
	return m
}

// sum is the CRC-32C of the other fields, each ended by a line feed. Later
// formats keep it, so that a damaged file is not taken for a newer one.
func (m meta) sum() string {
	text := fmt.Appendf(nil, "%d\n%s\n%s\n", m.Format, m.TopicID, m.ClusterID)
	return fmt.Sprintf("%08x", crc32.Checksum(text, castagnoli))
}

func (m meta) encode() ([]byte, error) {
	m.CRC = m.sum()
	b, err := json.Marshal(m)
	return append(b, '\n'), err
}

// decodeMeta is the reverse. A file without a sum is an older one.
func decodeMeta(b []byte) (meta, error) {
	var m meta
	err := json.Unmarshal(b, &m)
	sum := m.CRC
	m.CRC = ""
	id, herr := hex.DecodeString(m.TopicID)
	switch {
	case err != nil:
		return meta{}, fmt.Errorf("%w: %w", ErrDamaged, err)
	case sum != "" && sum != m.sum():
		return meta{}, fmt.Errorf("%w: CRC-32C is %s, file says %s", ErrDamaged, m.sum(), sum)
	case m.Format > metaFormat:
		return meta{}, fmt.Errorf("%w: %d, this release reads up to %d", ErrNewerFormat, m.Format, metaFormat)
	case m.Format < 1:
		return meta{}, fmt.Errorf("%w: format is %d", ErrDamaged, m.Format)
	case herr != nil || len(id) != 0 && len(id) != len(Owner{}.TopicID):
		return meta{}, fmt.Errorf("%w: topic id is %q, want 32 hexadecimal digits", ErrDamaged, m.TopicID)
	}
	return m, nil
}

func readMetaFile(fsys vfs.FS, path string) (meta, error) {
	b, err := vfs.ReadFile(fsys, path)
	if err != nil {
		return meta{}, err
	}
	m, err := decodeMeta(b)
	if err != nil {
		return meta{}, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// readMeta returns what meta.json says, or else its copy. whole is false if
// either must be written anew. The errors are those of ReadOwner, and any
// other of the file system when the two together tell nothing.
func readMeta(fsys vfs.FS, dir string) (m meta, whole bool, err error) {
	m, err = readMetaFile(fsys, filepath.Join(dir, metaName))
	other, oerr := readMetaFile(fsys, filepath.Join(dir, metaCopyName))
	for _, e := range []error{err, oerr} {
		if errors.Is(e, ErrNewerFormat) {
			return meta{}, false, e
		}
	}
	switch {
	case err == nil:
		return m, oerr == nil && m == other, nil
	case oerr == nil:
		return other, false, nil
	case errors.Is(err, fs.ErrNotExist):
		return meta{}, false, oerr
	case errors.Is(err, ErrDamaged) && !errors.Is(oerr, ErrDamaged) && !errors.Is(oerr, fs.ErrNotExist):
		return meta{}, false, oerr // it may yet be read
	}
	return meta{}, false, err
}

// adopt makes sure that the directory exists and belongs to the owner. One
// that belongs to another, or to nobody knows whom, is renamed aside and never
// served.
func (l *Log) adopt(o Owner) error {
	want := newMeta(o)
	if err := l.readLoss(); err != nil {
		return err
	}
	have, whole, err := readMeta(l.fs, l.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// The epochs are written after both files and only by us.
		_, err := l.fs.Stat(l.epochsPath())
		if errors.Is(err, fs.ErrNotExist) {
			return l.bindUnknown(want)
		}
		return l.adoptUnknown(want, fmt.Errorf("%s and %s are gone", metaName, metaCopyName))
	case errors.Is(err, ErrDamaged):
		return l.adoptUnknown(want, err)
	case err != nil:
		return err
	}
	reason := foreign("topic", have.TopicID, want.TopicID)
	if reason == "" {
		reason = foreign("cluster", have.ClusterID, want.ClusterID)
	}
	if reason != "" {
		return l.replaceDir(want, reason)
	}
	want.TopicID = first(want.TopicID, have.TopicID)
	want.ClusterID = first(want.ClusterID, have.ClusterID)
	switch {
	case want != have:
		return l.bind(want)
	case !whole:
		l.events.rebuilt(Rebuilt{File: filepath.Join(l.dir, metaName), Reason: "it or its copy is missing or damaged"})
		// One of the two is good, so the log can be opened even from a full
		// device; the next Open tries again.
		_ = l.bind(want)
	}
	return nil
}

// adoptUnknown decides about a directory whose owner cannot be read. Records
// in it are only for those who do not ask whose they are.
func (l *Log) adoptUnknown(want meta, cause error) error {
	if want == newMeta(Owner{}) {
		return nil // the next to open it may ask
	}
	records, err := l.holdsRecords()
	if err != nil {
		return err
	}
	if records {
		return l.replaceDir(want, fmt.Sprintf("its owner is unknown: %v", cause))
	}
	return l.bind(want)
}

// bindUnknown takes a directory that nobody has opened before, whether it is
// there or not.
func (l *Log) bindUnknown(want meta) error {
	bases, err := l.segmentNames()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	switch {
	case len(bases) > 0:
	case l.expected:
		err = l.noteMissing("there is no log")
	default:
		// Whoever left a note here never came to have a log.
		err = l.ClearLoss()
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return l.bind(want)
}

// replaceDir sets the directory aside and begins another one.
func (l *Log) replaceDir(want meta, reason string) error {
	if err := l.setAside(reason); err != nil {
		return err
	}
	l.loss = Loss{} // that went with it; nobody else has the log yet
	if err := l.noteMissing("the directory was set aside: " + reason); err != nil {
		return err
	}
	return l.bind(want)
}

// segmentNames lists the segment files.
func (l *Log) segmentNames() ([]string, error) {
	names, err := l.fs.List(l.dir)
	return slices.DeleteFunc(names, func(name string) bool {
		_, ok := parseSegmentName(name)
		return !ok
	}), err
}

// holdsRecords reports whether any segment in the directory has content.
func (l *Log) holdsRecords() (bool, error) {
	names, err := l.segmentNames()
	if err != nil {
		return false, err
	}
	for _, name := range names {
		info, err := l.fs.Stat(filepath.Join(l.dir, name))
		if err != nil {
			return false, err
		}
		if info.Size > 0 {
			return true, nil
		}
	}
	return false, nil
}

// bind creates the directory if there is none and writes down whose it is,
// durably.
func (l *Log) bind(m meta) error {
	// The name of the directory must be durable before its meta.json says
	// that there is nothing left to do.
	if err := makeDir(l.fs, l.dir); err != nil {
		return err
	}
	b, err := m.encode()
	if err != nil {
		return err
	}
	if err := renameInto(l.fs, filepath.Join(l.dir, metaCopyName), b); err != nil {
		return err
	}
	return replaceFile(l.fs, filepath.Join(l.dir, metaName), b)
}

// makeDir creates a directory with its parents, durably.
func makeDir(fsys vfs.FS, dir string) error {
	parents := []string{filepath.Dir(dir)}
	for p := parents[0]; ; p = filepath.Dir(p) {
		if _, err := fsys.Stat(p); err == nil || p == filepath.Dir(p) {
			break
		}
		parents = append(parents, filepath.Dir(p))
	}
	if err := fsys.MkdirAll(dir); err != nil {
		return err
	}
	for _, p := range slices.Backward(parents) {
		if err := fsys.SyncDir(p); err != nil {
			return ioError(err, "sync directory %s", p)
		}
	}
	return nil
}

func foreign(what, have, want string) string {
	if have == "" || want == "" || have == want {
		return ""
	}
	return fmt.Sprintf("it belongs to %s %s, not %s", what, have, want)
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// setAside renames the directory to <dir>.orphan-<time>.
func (l *Log) setAside(reason string) error {
	to, err := freeName(l.fs, l.dir+".orphan-"+l.clock.wall().UTC().Format("20060102T150405Z"))
	if err != nil {
		return err
	}
	if err := l.fs.Rename(l.dir, to); err != nil {
		return err
	}
	l.events.setAside(SetAside{Dir: l.dir, To: to, Reason: reason})
	return nil
}

// freeName returns name, or name with a number behind it, whichever is free.
func freeName(fsys vfs.FS, name string) (string, error) {
	for n := 1; ; n++ {
		try := name
		if n > 1 {
			try = fmt.Sprintf("%s-%d", name, n)
		}
		switch _, err := fsys.Stat(try); {
		case errors.Is(err, fs.ErrNotExist):
			return try, nil
		case err != nil:
			return "", err
		}
	}
}
