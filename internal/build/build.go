package build

import (
	"runtime/debug"
	"strings"
)

// Version is this product's release and the platform version that a cluster
// reports in ApiVersions. It must be strict semver and at least 0.9.0, or
// official clients refuse to connect. The part before the dash is the Fluvio
// release whose protocol and command line we speak; the part after it counts
// our own releases.
var Version = "0.18.1-go.1"

// Commit is the git commit of the build. Empty means: take it from the module
// build information.
var Commit = ""

// GitCommit returns the commit of the build, or "unknown" when neither the
// release process nor the Go tool recorded one.
func GitCommit() string {
	if Commit != "" {
		return Commit
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	rev, dirty := "", false
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			rev = s.Value
		case "vcs.modified":
			dirty = s.Value == "true"
		}
	}
	if rev == "" {
		return "unknown"
	}
	if dirty && !strings.HasSuffix(rev, "-dirty") {
		rev += "-dirty"
	}
	return rev
}
