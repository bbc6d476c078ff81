package log

import (
	"errors"
	"fmt"
)

var (
	// ErrClosed is returned by a log after Close or Remove.
	ErrClosed = errors.New("log is closed")
	// ErrFull says that the device has no space or quota left. The log is as
	// it was before the call and works again when there is space.
	ErrFull = errors.New("no space left on device")
	// ErrTooLarge is matched by every *TooLarge.
	ErrTooLarge = errors.New("batch too large")
	// ErrTruncated answers WaitDurable when the records it waits for were
	// removed from the end of the log.
	ErrTruncated = errors.New("records were truncated")
	// ErrSync says that a sync failed, so records may not have reached the
	// device. The log repairs itself; the records must be taken as lost.
	ErrSync = errors.New("log could not be synced")
	// ErrDamaged is matched by every *Damaged.
	ErrDamaged = errors.New("damaged log")
	// ErrNewerFormat says that the directory was written by a later release.
	ErrNewerFormat = errors.New("log directory has a newer format")
	// ErrEmpty says that an append holds no batch.
	ErrEmpty = errors.New("no batch to append")
)

// TooLarge is the error for a batch that no segment can hold. It matches
// ErrTooLarge.
type TooLarge struct {
	Size  int64 // bytes, header included
	Limit int64 // bytes
}

func (e *TooLarge) Error() string {
	return fmt.Sprintf("batch of %d bytes is larger than the limit of %d", e.Size, e.Limit)
}

// Is reports whether target is ErrTooLarge.
func (e *TooLarge) Is(target error) bool { return target == ErrTooLarge }

// OffsetOutOfRange is the error for a read that starts after the end.
type OffsetOutOfRange struct {
	Offset int64 // asked for
	End    int64 // the offset that the next record will get
}

func (e *OffsetOutOfRange) Error() string {
	return fmt.Sprintf("start offset: %d is greater than leo: %d", e.Offset, e.End)
}

// OffsetEvicted is the error for a read of records that retention removed.
type OffsetEvicted struct {
	Offset int64 // asked for
	Next   int64 // the first offset that can be read
}

func (e *OffsetEvicted) Error() string {
	return fmt.Sprintf("offset %d was evicted, the first available is %d", e.Offset, e.Next)
}

// OffsetMismatch is the error of AppendReplica for batches that do not
// continue the log.
type OffsetMismatch struct {
	Offset int64 // of the batch
	Want   int64 // the offset that it should have
}

func (e *OffsetMismatch) Error() string {
	return fmt.Sprintf("batch has offset %d, the log continues at %d", e.Offset, e.Want)
}

// Damaged is the error for a range of offsets whose bytes are missing, cannot
// be read, or are not what was written. Everything around the range can be
// read: continue at Next. It matches ErrDamaged.
type Damaged struct {
	File     string // path of the segment
	Position int64  // bytes from the start of File
	Offset   int64  // first offset of the range
	Next     int64  // first offset after the range
	Err      error  // what is wrong there
}

func (e *Damaged) Error() string {
	return fmt.Sprintf("offsets %d to %d are unreadable: %s at byte %d: %v", e.Offset, e.Next-1, e.File, e.Position, e.Err)
}

func (e *Damaged) Unwrap() error { return e.Err }

// Is reports whether target is ErrDamaged.
func (e *Damaged) Is(target error) bool { return target == ErrDamaged }
