// Package root is the top of the command tree: the root flags, the help, the
// hand-over to plug-ins, and the one place that turns errors into text and an
// exit code. It imports every command.
package root
