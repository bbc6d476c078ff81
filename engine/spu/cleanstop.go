package spu

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
)

// Two files say that nothing can be missing at the end of the logs, whatever
// was on the device at the time:
//
// stopped.json, that the SPU was stopped in order. It goes before any log is
// opened and comes back after all of them are closed.
//
// running.json, that a start which lacks nothing runs below a certain start of
// the operating system. If the next one finds the same operating system, only
// the process ended meanwhile, and what it wrote is still there. It goes when a
// start may lack something, and comes back when the SC knows.
const (
	stoppedName = "stopped.json"
	runningName = "running.json"
	wholeFormat = 1
)

type wholeFile struct {
	Format  int    `json:"format"`
	Cluster string `json:"cluster_id"`        // as in spu.json beside it
	OSBoot  string `json:"os_boot,omitempty"` // of running.json
}

// readWhole reads one of the files. One that cannot be understood, or came
// from the data of another cluster, says nothing.
func (s *Server) readWhole(name string) (f wholeFile, ok bool) {
	b, err := vfs.ReadFile(s.cfg.FS, filepath.Join(s.cfg.root(), name))
	ok = err == nil && json.Unmarshal(b, &f) == nil && f.Format == wholeFormat &&
		f.Cluster == s.identity.id() && f.Cluster != ""
	return f, ok
}

func (s *Server) writeWhole(name, boot string) error {
	b, err := json.Marshal(wholeFile{wholeFormat, s.identity.id(), boot})
	if err != nil {
		return err
	}
	return replaceFile(s.cfg.FS, filepath.Join(s.cfg.root(), name), append(b, '\n'))
}

// takeWhole reports whether the logs have everything that the last start
// wrote, and makes sure that the next start is not told so because of it.
func (s *Server) takeWhole() (bool, error) {
	_, stopped := s.readWhole(stoppedName)
	running, ok := s.readWhole(runningName)
	whole := stopped || ok && running.OSBoot != "" && running.OSBoot == s.cfg.OSBoot
	if whole && s.cfg.OSBoot != "" {
		if err := s.writeWhole(runningName, s.cfg.OSBoot); err != nil {
			return false, err
		}
		s.noted.Store(true)
	} else if err := s.forget(runningName); err != nil {
		return false, err
	}
	if err := s.forget(stoppedName); err != nil {
		return false, err
	}
	// Also when nothing was there: an earlier start may have ended between the
	// two, and a power loss would bring the file back.
	return whole, s.cfg.FS.SyncDir(s.cfg.root())
}

func (s *Server) forget(name string) error {
	err := s.cfg.FS.Remove(filepath.Join(s.cfg.root(), name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// noteRunning writes running.json once nothing that this start may lack is
// counted on. If it cannot be written the next start is in doubt, and no worse.
func (s *Server) noteRunning() {
	if s.cfg.OSBoot == "" || s.noted.Load() || !s.listed.Load() {
		return
	}
	for _, p := range s.replicas.all() {
		if !p.certain() {
			return
		}
	}
	if err := s.writeWhole(runningName, s.cfg.OSBoot); err != nil {
		s.logger.Warn("cannot note that the logs are whole", logErr(err))
		return
	}
	s.noted.Store(true)
}

// noteStopped writes stopped.json, unless this start has yet to tell the SC
// that it may lack something.
func (s *Server) noteStopped(certain bool) error {
	if !s.tookStop.Load() || !certain || s.identity.id() == "" {
		return nil
	}
	return s.writeWhole(stoppedName, "")
}
