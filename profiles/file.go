package profiles

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fluvio-go/fluvio/internal/atomicfile"
	"github.com/fluvio-go/fluvio/internal/filelock"
)

// PathEnv names the environment variable that replaces the default path.
const PathEnv = "FLV_PROFILE_PATH"

// newFileMode is the mode of a file this package creates: it may come to hold
// private keys.
const newFileMode fs.FileMode = 0o600

// maxLinks bounds a chain of symbolic links, like the kernel does.
const maxLinks = 40

// Path returns where the profile file is: FLV_PROFILE_PATH, else
// ~/.fluvio/config.
func Path() (string, error) {
	if p := os.Getenv(PathEnv); p != "" {
		return p, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", &FileError{Path: "default path", Err: err}
	}
	return filepath.Join(home, ".fluvio", "config"), nil
}

// Load reads the file at path. The error is a *FileError, for which
// [IsNotExist] tells a missing file, or a *ParseError.
func Load(path string) (*Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, &FileError{Path: path, Err: err}
	}
	return parse(path, data)
}

// Update loads the file at path, lets edit change it and saves the result.
// Other processes that use Update wait for each other, so none loses another's
// change. Nothing is written when edit returns an error, which Update returns
// as it is. A missing file is a *FileError.
func Update(path string, edit func(*Config) error) error {
	if _, err := os.Stat(path); err != nil {
		return &FileError{Path: path, Err: err}
	}
	return update(path, edit, false)
}

// UpdateOrCreate is Update that starts from an empty configuration, and makes
// the folder, when there is no file yet.
func UpdateOrCreate(path string, edit func(*Config) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return &FileError{Path: path, Err: err}
	}
	return update(path, edit, true)
}

// SetLocal saves and selects the profile of the local cluster.
func SetLocal(path, endpoint string, tls TLSPolicy, how Installation) error {
	return UpdateOrCreate(path, func(c *Config) error {
		c.Put(LocalProfile, endpoint, tls).SetInstallation(how)
		return nil
	})
}

func update(path string, edit func(*Config) error, create bool) error {
	target, err := follow(path)
	if err != nil {
		return &FileError{Path: path, Err: err}
	}
	lock, err := filelock.Acquire(target + ".lock")
	if err != nil {
		return &FileError{Path: path, Err: err}
	}
	defer lock.Release()
	c, err := Load(target)
	if create && IsNotExist(err) {
		c, err = New(), nil
	}
	if err != nil {
		return err
	}
	if err := edit(c); err != nil {
		return err
	}
	data, err := c.Encode()
	if err != nil {
		return &FileError{Path: path, Err: err}
	}
	if err := replace(target, data); err != nil {
		return &FileError{Path: path, Err: err}
	}
	return nil
}

// follow resolves symbolic links in the last element of path, whether or not
// the final target exists: renaming over a link would cut it from its target.
func follow(path string) (string, error) {
	for range maxLinks {
		link, err := os.Readlink(path)
		if err != nil {
			return path, nil // not a link, or nothing there yet
		}
		if !filepath.IsAbs(link) {
			link = filepath.Join(filepath.Dir(path), link)
		}
		path = link
	}
	return "", errors.New("too many levels of symbolic links")
}

// replace makes path hold data, all or nothing, and keeps the mode of a file
// that is there. The caller holds the lock.
func replace(path string, data []byte) error {
	mode := newFileMode
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	return atomicfile.Write(path, data, mode)
}
