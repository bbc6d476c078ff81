package localcluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/fluvio-go/fluvio/internal/atomicfile"
	"github.com/fluvio-go/fluvio/internal/filelock"
)

const (
	lockName  = "daemon.lock"
	stateName = "daemon.json"

	// lockPatience covers the moment in which somebody else looks whether the
	// lock is free, for which it has to take it.
	lockPatience = time.Second
	lockPoll     = 10 * time.Millisecond
)

// State describes a running daemon. It is in daemon.json of the data folder
// and means something only while daemon.lock beside it is held.
type State struct {
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	Version string    `json:"version"`
	SCAddr  string    `json:"sc_addr"`
	SPUs    int       `json:"spus"`
	Ready   bool      `json:"ready"`
}

// RunningError says that a daemon already uses a data folder.
type RunningError struct {
	DataDir string
	PID     int // 0 when the daemon has not written it yet
}

func (e *RunningError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("another process is using %s", e.DataDir)
	}
	return fmt.Sprintf("process %d is already running a cluster in %s", e.PID, e.DataDir)
}

// takeLock makes the current process the only daemon of dataDir. The state of
// a daemon that was killed goes: its process id may have a new owner by now,
// whom nobody may take for the holder of the lock.
func takeLock(dataDir string) (*filelock.Lock, error) {
	deadline := time.Now().Add(lockPatience)
	for {
		l, err := filelock.Try(filepath.Join(dataDir, lockName))
		if err == nil {
			if err := os.Remove(filepath.Join(dataDir, stateName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, errors.Join(err, l.Release())
			}
			return l, nil
		}
		if !errors.Is(err, filelock.ErrHeld) {
			return nil, err
		}
		if time.Now().After(deadline) {
			st, _ := readState(dataDir) // the pid is only for the message
			return nil, &RunningError{dataDir, st.PID}
		}
		time.Sleep(lockPoll)
	}
}

// Find returns the state of the daemon that uses dataDir, and whether one
// does. A folder that does not exist has none.
func Find(dataDir string) (State, bool, error) {
	if _, err := os.Stat(filepath.Join(dataDir, lockName)); errors.Is(err, fs.ErrNotExist) {
		return State{}, false, nil
	}
	l, err := filelock.Try(filepath.Join(dataDir, lockName))
	switch {
	case err == nil:
		return State{}, false, l.Release()
	case errors.Is(err, filelock.ErrHeld):
		st, err := readState(dataDir)
		return st, true, err
	}
	return State{}, false, err
}

func readState(dataDir string) (State, error) {
	var st State
	data, err := os.ReadFile(filepath.Join(dataDir, stateName))
	if errors.Is(err, fs.ErrNotExist) {
		return st, nil // a daemon that has just begun
	}
	if err != nil {
		return st, err
	}
	if err := json.Unmarshal(data, &st); err != nil {
		return st, fmt.Errorf("%s: %w", filepath.Join(dataDir, stateName), err)
	}
	return st, nil
}

func (st State) write(dataDir string) error {
	data, err := json.Marshal(st)
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dataDir, stateName), data, 0o644)
}

// waitGone returns when no daemon uses dataDir any more.
func waitGone(ctx context.Context, dataDir string) error {
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for {
		_, running, err := Find(dataDir)
		if err != nil || !running {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
