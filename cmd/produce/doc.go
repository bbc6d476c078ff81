// Package produce is the command "fluvio produce": it reads records from a
// file, a pipe or a person and hands them to a producer of the client. Lines
// that come from a pipe are sent as soon as they are complete and
// acknowledged in the background; the command ends when every acknowledgement
// is in. It imports client and netproto/api.
package produce
