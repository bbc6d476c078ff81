// Package completions implements "fluvio completions": it prints the script
// that teaches a shell to complete fluvio.
package completions
