package spu

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/fluvio-go/fluvio/engine/log/vfs"
	"github.com/fluvio-go/fluvio/internal/lock"
	"github.com/fluvio-go/fluvio/netproto/api"
)

// identity is the cluster that the data directory belongs to. It is the one
// thing that stands between an SC of another cluster, whose lists of course
// exclude all our replicas, and their removal.
type identity struct {
	mu      lock.Mutex
	fs      vfs.FS
	path    string
	cluster string
}

const (
	identityName   = "spu.json"
	identityFormat = 1
)

type identityFile struct {
	Format  int    `json:"format"`
	Cluster string `json:"cluster_id"`
}

// load reads the file in root, if there is one.
func (i *identity) load(fsys vfs.FS, root string) error {
	i.fs, i.path = fsys, filepath.Join(root, identityName)
	b, err := vfs.ReadFile(fsys, i.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var f identityFile
	if err := json.Unmarshal(b, &f); err != nil {
		// Guessing would put the data at risk.
		return fmt.Errorf("%s: %w", i.path, err)
	}
	if f.Format > identityFormat {
		return fmt.Errorf("%s has format %d, this release reads up to %d", i.path, f.Format, identityFormat)
	}
	i.cluster = f.Cluster
	return nil
}

// id is the cluster, or empty for a directory that belongs to none yet.
func (i *identity) id() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.cluster
}

var errWrongCluster = errors.New("wrong cluster")

// claim makes sure that the data belongs to cluster, which it does from then
// on if it belonged to none. The error wraps errWrongCluster if it belongs to
// another.
func (i *identity) claim(cluster string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch {
	case cluster == "":
		return fmt.Errorf("%w: the SC names none", errWrongCluster)
	case i.cluster == cluster:
		return nil
	case i.cluster != "":
		return fmt.Errorf("%w: the data in %s belongs to %s, the SC to %s", errWrongCluster, filepath.Dir(i.path), i.cluster, cluster)
	}
	b, err := json.Marshal(identityFile{identityFormat, cluster})
	if err != nil {
		return err
	}
	if err := replaceFile(i.fs, i.path, append(b, '\n')); err != nil {
		return err
	}
	i.cluster = cluster
	return nil
}

// replaceFile writes aside and renames, so that a crash leaves the old content
// or the new.
func replaceFile(fsys vfs.FS, path string, content []byte) error {
	temp := path + ".tmp"
	f, err := fsys.Create(temp)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(content, 0)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := fsys.Rename(temp, path); err != nil {
		return err
	}
	return fsys.SyncDir(filepath.Dir(path))
}

// owner is what a replica directory says about itself: meta.json of
// engine/log.
type owner struct {
	TopicID string `json:"topic_id"`
	Cluster string `json:"cluster_id"`
}

// readOwner tells whose directory dir is. ok is false for one that does not
// say, such as those of upstream's SPU; it is nobody's to remove.
func readOwner(fsys vfs.FS, dir string) (id api.TopicID, cluster string, ok bool) {
	b, err := vfs.ReadFile(fsys, filepath.Join(dir, "meta.json"))
	if err != nil {
		return id, "", false
	}
	var o owner
	if json.Unmarshal(b, &o) != nil {
		return id, "", false
	}
	id, err = api.ParseTopicID(o.TopicID)
	return id, o.Cluster, err == nil && o.Cluster != ""
}
