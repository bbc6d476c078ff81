package localcluster

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Delete ends the daemon of dataDir and removes what clusters keep there:
// metadata, records and the daemon's own files. Anything else in the folder,
// which a user may have chosen, stays, and the folder with it.
func Delete(ctx context.Context, dataDir string) error {
	if _, _, err := Shutdown(ctx, dataDir); err != nil {
		return err
	}
	entries, err := os.ReadDir(dataDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	ours := 0
	for _, e := range entries {
		if !isOurs(e.Name()) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dataDir, e.Name())); err != nil {
			return err
		}
		ours++
	}
	if ours == len(entries) {
		return os.Remove(dataDir)
	}
	return nil
}

func isOurs(name string) bool {
	switch name {
	case "metadata", lockName, stateName, stateName + ".tmp":
		return true
	}
	return strings.HasPrefix(name, "spu-logs-")
}
