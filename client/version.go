package client

import (
	"fmt"
	"regexp"
	"runtime"
	"strconv"

	"github.com/fluvio-go/fluvio/netproto/api"
)

// minimumPlatform is the oldest cluster that official clients talk to: 0.9.0.
var minimumPlatform = [3]uint64{0, 9, 0}

// VersionError says that a cluster is too old. It matches ErrIncompatible.
type VersionError struct {
	Platform string // what the SC reported
	Minimum  string
}

// Error is upstream's first sentence.
func (e *VersionError) Error() string {
	return fmt.Sprintf("Cluster (with platform version %s) is older than the minimum required version %s", e.Platform, e.Minimum)
}

// Is matches ErrIncompatible.
func (e *VersionError) Is(target error) bool { return target == ErrIncompatible }

// checkPlatform refuses clusters that nothing else would work with.
func checkPlatform(v api.Versions) error {
	if _, ok := v.Pick(api.KeyWatch); !ok {
		return fmt.Errorf("%w: Fluvio Client %s and Cluster %s versions are not compatible. Please use a client compatible with %s",
			ErrIncompatible, clientVersion, v.Platform, v.Platform)
	}
	old, err := olderThan(v.Platform, minimumPlatform)
	if err != nil {
		return err
	}
	if old {
		m := minimumPlatform
		return &VersionError{Platform: v.Platform, Minimum: fmt.Sprintf("%d.%d.%d", m[0], m[1], m[2])}
	}
	return nil
}

// semver is the grammar of semver.org, as strict as official peers are.
var semver = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)` +
	`(-(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?` +
	`(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$`)

// olderThan reports whether version precedes the release low. A pre-release
// of low does.
func olderThan(version string, low [3]uint64) (bool, error) {
	m := semver.FindStringSubmatch(version)
	if m == nil {
		return false, fmt.Errorf("%w: platform version %q is not a semantic version", ErrIncompatible, version)
	}
	for i, want := range low {
		n, err := strconv.ParseUint(m[i+1], 10, 64)
		if err != nil {
			return false, fmt.Errorf("%w: platform version %q: %w", ErrIncompatible, version, err)
		}
		if n != want {
			return n < want, nil
		}
	}
	return m[4] != "", nil
}

// rustOS is the operating system in the spelling of Rust targets.
func rustOS() string {
	if runtime.GOOS == "darwin" {
		return "macos"
	}
	return runtime.GOOS
}

// rustArch is the processor in the spelling of Rust targets.
func rustArch() string {
	switch runtime.GOARCH {
	case "amd64":
		return "x86_64"
	case "arm64":
		return "aarch64"
	case "386":
		return "x86"
	}
	return runtime.GOARCH
}
