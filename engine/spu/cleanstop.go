package spu

import (
	"encoding/json"
	"errors"
	"io/fs"
	"path/filepath"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
)

// stopped.json says that the SPU was stopped in order, with everything that
// its logs had on the device. It goes before any log is opened and comes back
// after all of them are closed, so that whatever happens in between leaves a
// start that knows it may lack the end of its logs.
const (
	cleanStopName   = "stopped.json"
	cleanStopFormat = 1
)

type cleanStopFile struct {
	Format  int    `json:"format"`
	Cluster string `json:"cluster_id"` // as in spu.json beside it
}

// takeCleanStop reports whether the SPU of this directory was stopped in order
// the last time, and forgets it, durably. A file that cannot be understood, or
// came from the data of another cluster, says nothing.
func (s *Server) takeCleanStop(root string) (bool, error) {
	path := filepath.Join(root, cleanStopName)
	b, err := vfs.ReadFile(s.cfg.FS, path)
	var f cleanStopFile
	clean := err == nil && json.Unmarshal(b, &f) == nil && f.Format == cleanStopFormat &&
		f.Cluster == s.identity.id() && f.Cluster != ""
	if err := s.cfg.FS.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	// Also when nothing is there now: an earlier start may have ended between
	// the two, and a power loss would bring the file back.
	return clean, s.cfg.FS.SyncDir(root)
}

// noteCleanStop writes the file, unless this start has yet to tell the SC that
// it may lack something.
func (s *Server) noteCleanStop(settled bool) error {
	if !s.tookStop.Load() || !settled || s.identity.id() == "" {
		return nil
	}
	b, err := json.Marshal(cleanStopFile{cleanStopFormat, s.identity.id()})
	if err != nil {
		return err
	}
	return replaceFile(s.cfg.FS, filepath.Join(s.cfg.root(), cleanStopName), append(b, '\n'))
}
