// Package profiles reads, edits and saves the profile file that all Fluvio
// command lines share (FLV_PROFILE_PATH, else ~/.fluvio/config): a TOML
// document of named clusters and of the profiles that point at them.
//
// The file has two views. The actual view, [Config], is what was written; only
// it is ever saved, and keys this package does not know survive a load and
// save at every level, since other programs write the same file. The virtual
// view, [Target], is the actual one with flags and environment on top; see
// [Resolve].
//
// The package opens no connection and prints nothing. It may import the
// standard library, the TOML library and internal packages.
package profiles
