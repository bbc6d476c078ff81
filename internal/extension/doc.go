// Package extension finds and describes plug-ins: programs called fluvio-NAME
// that answer "fluvio NAME". It runs them for their metadata only; handing
// over the terminal is the root command's business. It imports the standard
// library alone.
package extension
