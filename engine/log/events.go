package log

import (
	"log/slog"
	"time"
)

// Events are called when the log changes by more than an append. Any may be
// nil. They run on the goroutine of the operation, sometimes with locks of
// the log held: they must be quick and must not call the log.
type Events struct {
	Rolled      func(Rolled)
	Synced      func(Synced)
	Truncated   func(Truncated)
	Quarantined func(Quarantined)
	Rebuilt     func(Rebuilt)
	Removed     func(Removed)
	SetAside    func(SetAside)
	Healed      func(Healed)
	Lost        func(Lost)
}

// Rolled: a new active segment was begun.
type Rolled struct {
	Dir  string
	Base int64 // offset
}

// Synced: a sync ended, well or not.
type Synced struct {
	Dir     string
	End     int64 // offset before which everything is durable, if Err is nil
	Records int64 // made durable
	Took    time.Duration
	Err     error
}

// Truncated: the end of the log was cut, on request or because recovery found
// a torn tail there.
type Truncated struct {
	File   string
	Offset int64 // where the log ends now
	Bytes  int64 // removed from File
	Reason string
}

// Quarantined: a range of offsets cannot be read. It is kept; everything
// around it is served.
type Quarantined struct {
	File         string // segment
	Position     int64
	Bytes        int64  // 0 when the bytes are missing altogether
	Offset, Next int64  // first offset of the range, first after it
	Aside        string // copy of the damaged bytes, if one was made
	Err          error
}

// Rebuilt: a file that other files make up for was missing or wrong and is made
// anew.
type Rebuilt struct {
	File   string
	Reason string
}

// Removed: retention deleted a segment.
type Removed struct {
	File       string
	Base, Next int64 // offsets it held
	Bytes      int64
	Reason     string
}

// SetAside: the directory belonged to another topic or cluster, or nobody can
// say to whom, and was renamed.
type SetAside struct {
	Dir, To string
	Reason  string
}

// Healed: after a failed sync the unsynced tail was rewritten or dropped.
type Healed struct {
	Dir       string
	Offset    int64 // where the unsynced tail began
	Rewritten int64 // records saved
	Dropped   int64 // records nobody had been promised
	Cause     error
}

// Lost: records are gone that were there once. What was lost before, and is
// not forgotten, is included.
type Lost struct {
	Dir string
	Loss
}

// listeners calls a logger and the caller's Events.
type listeners struct {
	log *slog.Logger
	ev  Events
}

func newListeners(log *slog.Logger, ev *Events) *listeners {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	l := &listeners{log: log}
	if ev != nil {
		l.ev = *ev
	}
	return l
}

func notify[T any](fn func(T), v T) {
	if fn != nil {
		fn(v)
	}
}

func (l *listeners) rolled(e Rolled) {
	l.log.Debug("segment rolled", "dir", e.Dir, "offset", e.Base)
	notify(l.ev.Rolled, e)
}

// synced has no line of its own: a busy log syncs thousands of times a second.
func (l *listeners) synced(e Synced) {
	if e.Err != nil {
		l.log.Error("sync failed", "dir", e.Dir, "err", e.Err)
	}
	notify(l.ev.Synced, e)
}

func (l *listeners) truncated(e Truncated) {
	l.log.Warn("log truncated", "segment", e.File, "offset", e.Offset, "bytes", e.Bytes, "reason", e.Reason)
	notify(l.ev.Truncated, e)
}

func (l *listeners) quarantined(e Quarantined) {
	l.log.Error("records unreadable", "segment", e.File, "position", e.Position, "bytes", e.Bytes,
		"offset", e.Offset, "next", e.Next, "aside", e.Aside, "err", e.Err)
	notify(l.ev.Quarantined, e)
}

func (l *listeners) rebuilt(e Rebuilt) {
	l.log.Warn("file rebuilt", "file", e.File, "reason", e.Reason)
	notify(l.ev.Rebuilt, e)
}

func (l *listeners) removed(e Removed) {
	l.log.Info("segment removed", "segment", e.File, "offset", e.Base, "next", e.Next, "bytes", e.Bytes, "reason", e.Reason)
	notify(l.ev.Removed, e)
}

func (l *listeners) setAside(e SetAside) {
	l.log.Warn("directory set aside", "dir", e.Dir, "to", e.To, "reason", e.Reason)
	notify(l.ev.SetAside, e)
}

func (l *listeners) healed(e Healed) {
	l.log.Warn("log repaired after a failed sync", "dir", e.Dir, "offset", e.Offset,
		"rewritten", e.Rewritten, "dropped", e.Dropped, "err", e.Cause)
	notify(l.ev.Healed, e)
}

func (l *listeners) lost(e Lost) {
	l.log.Error("records lost", "dir", e.Dir, "kind", e.Kind.String(), "offset", e.Offset, "next", e.Next,
		"epoch", e.Epoch, "reason", e.Reason)
	notify(l.ev.Lost, e)
}
