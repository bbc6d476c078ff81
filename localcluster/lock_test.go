package localcluster

import "testing"

// TestLockForgetsTheDead: between taking the lock and being ready, a daemon
// must not be found under the process id of one that was killed before.
func TestLockForgetsTheDead(t *testing.T) {
	dir := t.TempDir()
	if err := (State{PID: 1, Ready: true}).write(dir); err != nil {
		t.Fatal(err)
	}
	l, err := takeLock(dir)
	if err != nil {
		t.Fatal(err)
	}
	st, running, err := Find(dir)
	if err != nil || !running || st.PID != 0 {
		t.Errorf("Find = %+v, %v, %v, want a running daemon without a process id", st, running, err)
	}
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if _, running, err = Find(dir); err != nil || running {
		t.Errorf("Find = %v, %v after the release", running, err)
	}
}
