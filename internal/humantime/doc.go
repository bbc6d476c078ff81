// Package humantime reads and writes durations as Fluvio spells them: spans
// such as "1h 30m" and "7days", with months of 30.44 and years of 365.25 days.
// It imports the standard library alone.
package humantime
