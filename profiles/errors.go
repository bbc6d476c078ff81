package profiles

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
)

// Conditions a caller may branch on with errors.Is. The sentences are those
// that every Fluvio command line prints.
var (
	// ErrNoActiveProfile reports a file whose current_profile is unset or
	// names a profile that does not exist.
	ErrNoActiveProfile = errors.New("Config error: Config has no active profile") //nolint:staticcheck // upstream's sentence
	// ErrUnknownProfile reports a profile asked for by name that does not
	// exist, or whose cluster does not.
	ErrUnknownProfile = errors.New("Cluster not found for profile") //nolint:staticcheck // upstream's sentence
)

// FileError reports a profile file that could not be read or written. It
// unwraps to the cause, so errors.Is(err, fs.ErrNotExist) tells a missing file.
type FileError struct {
	Path string
	Err  error
}

func (e *FileError) Error() string {
	return "Config error: config file " + strconv.Quote(e.Path)
}

func (e *FileError) Unwrap() error { return e.Err }

// ParseError reports a profile file that is not TOML or does not have the
// shape of a profile file.
type ParseError struct {
	Path string
	Line int    // 1-based; 0 when the fault has no single line
	Key  string // dotted key at fault, empty for a syntax error
	Err  error
}

func (e *ParseError) Error() string {
	return "Config error: Failed to deserialize Fluvio config " + e.Path
}

func (e *ParseError) Unwrap() error { return e.Err }

// Detail says where the fault is and what it is, for the second line of a
// message.
func (e *ParseError) Detail() string {
	where := e.Path
	if e.Line > 0 {
		where += ":" + strconv.Itoa(e.Line)
	}
	if e.Key != "" {
		where += ": " + e.Key
	}
	return fmt.Sprintf("%s: %v", where, e.Err)
}

// ClusterMissingError reports a profile that points at a cluster the file does
// not have.
type ClusterMissingError struct {
	Profile string
	Cluster string
}

// Error names the cluster where the sentence says profile: that is how the
// sentence has always read.
func (e *ClusterMissingError) Error() string {
	return "Config error: No cluster config for profile " + e.Cluster
}

// UsageError reports root flags that exclude one another.
type UsageError struct{ Reason string }

func (e *UsageError) Error() string { return "Invalid argument: " + e.Reason }

// UnknownProfileError is ErrUnknownProfile with the name that was asked for
// and the names that exist, sorted.
type UnknownProfileError struct {
	Name  string
	Known []string
}

func (e *UnknownProfileError) Error() string { return ErrUnknownProfile.Error() }

// Is makes errors.Is(err, ErrUnknownProfile) true.
func (e *UnknownProfileError) Is(target error) bool { return target == ErrUnknownProfile }

// IsNotExist reports whether err means that there is no profile file.
func IsNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }
