package localcluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// helperEnv makes the test binary a daemon: its value is the path of the
// local-config file, or a word that says how to fail.
const helperEnv = "LOCALCLUSTER_TEST_DAEMON"

func helperMain() int {
	if os.Getenv(helperEnv) == "die" {
		fmt.Fprintln(os.Stderr, "a last word")
		return 3
	}
	cfg, err := LoadConfig(os.Getenv(helperEnv))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := Daemon(ctx, cfg, os.Stdout); err != nil {
		return 1
	}
	return 0
}

func testConfig(t *testing.T) Config {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	cfg, err := DefaultConfig()
	if err != nil {
		t.Fatal(err)
	}
	cfg.SCAddr, cfg.SPUBasePort = "127.0.0.1:0", 0
	t.Cleanup(func() {
		if _, _, err := Shutdown(context.Background(), cfg.DataDir); err != nil {
			t.Error(err)
		}
	})
	return cfg
}

func launch(t *testing.T, cfg Config) ([]Event, error) {
	t.Helper()
	path, err := ConfigPath()
	if err != nil {
		t.Fatal(err)
	}
	if err := cfg.Save(path); err != nil {
		t.Fatal(err)
	}
	t.Setenv(helperEnv, path)
	return launchHelper(t, cfg)
}

func launchHelper(t *testing.T, cfg Config) ([]Event, error) {
	t.Helper()
	var events []Event
	err := Launch(testContext(t), cfg, os.Args[0], nil, func(e Event) { events = append(events, e) })
	return events, err
}

func TestDaemonLifeCycle(t *testing.T) {
	cfg := testConfig(t)
	events, err := launch(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []EventKind
	for _, e := range events {
		if !slices.Contains(kinds, e.Kind) {
			kinds = append(kinds, e.Kind)
		}
	}
	if want := []EventKind{EventSC, EventSPU, EventReady}; !slices.Equal(kinds, want) {
		t.Errorf("steps are %v, want %v", kinds, want)
	}
	st, running, err := Find(cfg.DataDir)
	if err != nil || !running || !st.Ready || st.PID == os.Getpid() || st.SCAddr != events[0].Addr {
		t.Fatalf("Find = %+v, %v, %v", st, running, err)
	}
	for _, node := range []string{"sc", "spu-5001"} {
		if info, err := os.Stat(logPath(cfg.LogDir, node)); err != nil || info.Size() == 0 {
			t.Errorf("log of %s: %v", node, err)
		}
	}
	if _, err := launch(t, cfg); err == nil || !strings.Contains(err.Error(), fmt.Sprint(st.PID)) {
		t.Errorf("second daemon on the same folder: %v", err)
	}
	if got, was, err := Shutdown(testContext(t), cfg.DataDir); err != nil || !was || got.PID != st.PID {
		t.Fatalf("Shutdown = %+v, %v, %v", got, was, err)
	}
	if _, running, _ := Find(cfg.DataDir); running {
		t.Error("still running after Shutdown")
	}
}

// The state file of a killed daemon, with a pid that may be anybody's by now,
// is not believed.
func TestKilledDaemonIsNotRunning(t *testing.T) {
	cfg := testConfig(t)
	if _, err := launch(t, cfg); err != nil {
		t.Fatal(err)
	}
	st, _, err := Find(cfg.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	p, err := os.FindProcess(st.PID)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := waitGone(testContext(t), cfg.DataDir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(cfg.DataDir, stateName)); err != nil {
		t.Fatalf("the killed daemon left no state, so this tests nothing: %v", err)
	}
	if _, err := launch(t, cfg); err != nil {
		t.Fatalf("start after kill -9: %v", err)
	}
}

func TestLaunchSaysWhyItFailed(t *testing.T) {
	cfg := testConfig(t)
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	cfg.SCAddr = busy.Addr().String()
	_, err = launch(t, cfg)
	var failed *LaunchError
	if !errors.As(err, &failed) || !failed.InUse || !strings.Contains(failed.Reason, "SC cannot listen on "+cfg.SCAddr+": the port is in use") {
		t.Errorf("port in use: %v", err)
	}

	t.Setenv(helperEnv, "die")
	_, err = launchHelper(t, cfg)
	if !errors.As(err, &failed) || !strings.Contains(failed.Reason, "exit status 3") || !strings.Contains(failed.Reason, "a last word") {
		t.Errorf("daemon that dies: %v", err)
	}
}

func TestDeleteKeepsForeignFiles(t *testing.T) {
	cfg := testConfig(t)
	if _, err := launch(t, cfg); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(cfg.DataDir, "notes.txt")
	if err := os.WriteFile(foreign, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Delete(testContext(t), cfg.DataDir); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(cfg.DataDir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "notes.txt" {
		t.Fatalf("left over: %v, %v", entries, err)
	}
	if err := os.Remove(foreign); err != nil {
		t.Fatal(err)
	}
	if err := Delete(testContext(t), cfg.DataDir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(cfg.DataDir); !os.IsNotExist(err) {
		t.Errorf("empty data folder stays: %v", err)
	}
}

func TestDaemonReportsOnlyUntilItIsReady(t *testing.T) {
	cfg := testConfig(t)
	ctx, cancel := context.WithCancel(testContext(t))
	var out lockedBuffer
	done := make(chan error, 1)
	go func() { done <- Daemon(ctx, cfg, &out) }()
	for !strings.Contains(out.String(), string(EventReady)) {
		select {
		case err := <-done:
			t.Fatalf("daemon ended: %v", err)
		case <-time.After(time.Millisecond):
		}
	}
	before := out.String()
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if out.String() != before {
		t.Errorf("after it was ready it wrote %q", out.String()[len(before):])
	}
	var last Event
	lines := bytes.Split(bytes.TrimSpace([]byte(before)), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], &last); err != nil || last.Kind != EventReady || last.Total != 1 {
		t.Errorf("last line is %s (%v)", lines[len(lines)-1], err)
	}
}
