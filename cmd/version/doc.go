// Package version implements "fluvio version": releases, checksums and the
// machine, in a layout that scripts cut by column.
package version
