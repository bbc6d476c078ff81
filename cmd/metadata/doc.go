// Package metadata implements the hidden "fluvio metadata", by which programs
// learn what commands this binary and its plug-ins offer.
package metadata
